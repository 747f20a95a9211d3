/**
 * Checks of the operating system: settings of Linux that make a server slow or unreliable. Said at
 * the start, and by --check-system.
 */
import { closeSync, openSync, readFileSync, unlinkSync } from "node:fs";
import { writeFlags } from "./byte-path.ts";
import { pathBytes } from "./byte-string.ts";
import { resourceLimit } from "./resource-limit.ts";
import { needsSync } from "./sync-permission.ts";
import { systemErrorText } from "./system-error.ts";

interface SystemCheck {
  name: string;
  /** Undefined: nothing to complain about, or not known on this system. */
  complaint(): string | undefined;
}

function readFirstLine(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1").split("\n", 1)[0].trim();
  } catch {
    return undefined;
  }
}

const checks: readonly SystemCheck[] = [
  {
    name: "slow-clocksource",
    complaint() {
      const path = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
      const source = readFirstLine(path);
      return source === "acpi_pm" || source === "hpet"
        ? `The clock source '${source}' is slow to read, and every command reads the clock. 'tsc' or a virtual machine's own source is better: see ${path}.`
        : undefined;
    },
  },
  {
    name: "xen-clocksource",
    complaint() {
      return readFirstLine("/sys/devices/system/clocksource/clocksource0/current_clocksource") ===
        "xen"
        ? "Your system uses the 'xen' clock source, which is slow to read. 'tsc' is better, where it is there."
        : undefined;
    },
  },
  {
    name: "overcommit",
    complaint: () =>
      readFirstLine("/proc/sys/vm/overcommit_memory") === "0"
        ? "Memory overcommit must be enabled! Without it, large allocations can fail although memory is free. To fix this issue add 'vm.overcommit_memory = 1' to /etc/sysctl.conf and then reboot or run the command 'sysctl vm.overcommit_memory=1' for this to take effect."
        : undefined,
  },
  {
    name: "THP",
    complaint: () =>
      readFirstLine("/sys/kernel/mm/transparent_hugepage/enabled")?.includes("[always]") === true
        ? "You have Transparent Huge Pages (THP) support enabled in your kernel. This can raise latency and memory use. To fix this issue run the command 'echo madvise > /sys/kernel/mm/transparent_hugepage/enabled' as root, and add it to your /etc/rc.local in order to retain the setting after a reboot."
        : undefined,
  },
];

/** What to say at the start. A slow clock is left to --check-system. */
export function startWarnings(): string[] {
  return checks.flatMap(({ name, complaint }) => {
    const text = name.endsWith("clocksource") ? undefined : complaint();
    return text === undefined ? [] : [`WARNING ${text}`];
  });
}

export function backlogWarning(backlog: number): string | undefined {
  const path = "/proc/sys/net/core/somaxconn";
  const limit = Number.parseInt(readFirstLine(path) ?? "", 10);
  return limit > 0 && limit < backlog
    ? `WARNING: The TCP backlog setting of ${backlog} cannot be enforced because ${path} is set to the lower value of ${limit}.`
    : undefined;
}

/**
 * What to say when no file can be made in the working directory, where the data set is to be saved.
 * `folder` is its path as a byte string, for the text. To try is the only way to know: permissions
 * are not all that can stand in the way.
 */
export function folderWarning(folder: string): string | undefined {
  const path = pathBytes(`temp-${process.pid}.probe`);
  try {
    closeSync(openSync(path, writeFlags, 0o600));
    unlinkSync(path);
    needsSync();
    return undefined;
  } catch (error) {
    return `WARNING: The folder '${folder}' (see 'dir') cannot be written: ${systemErrorText(error).replace(/\.$/, "")}. The data set cannot be saved there, and a shutdown will be refused unless it is SHUTDOWN NOSAVE. Make the folder writable, set 'dir' to another one, or turn saving off with 'save ""'.`;
  }
}

/** Descriptors that this process may have open; Infinity where that is not known. */
export const descriptorLimit = () => resourceLimit("Max open files").soft;

/** For --check-system. Prints a line or more for each check; true if there is nothing to complain of. */
export function checkSystem(print: (text: string) => void): boolean {
  let isFine = true;
  for (const { name, complaint } of checks) {
    const text = complaint();
    if (text !== undefined) isFine = false;
    print(`[${name}]...${text === undefined ? "OK" : `WARNING:\n${text}`}\n`);
  }
  return isFine;
}
