/** INFO server and cpu: what is running here, since when, and what it has cost. */
import { lruClock } from "@kv/eviction";
import { cpuSeconds } from "../../module/info-format.ts";
import type { Ports } from "../../module/ports.ts";
import type { InfoSection } from "../../module/system.ts";

const uptimeSeconds = (engine: Ports) =>
  Math.max(0, Math.floor((engine.host.wallMs() - engine.identity.startedMs) / 1000));

/** One row for each kind of sockets that clients can reach, numbered by its kind, as in Redis 7.2. */
function* listeners({ config, host }: Ports): Iterable<readonly [string, string]> {
  const { tcpPort, tlsPort } = host.facts;
  const addresses = config.value<readonly string[]>("bind");
  const bind = addresses.map((address) => `bind=${address}`).join(",");
  if (tcpPort > 0) yield ["listener0", `name=tcp,${bind},port=${tcpPort}`];
  const path = config.text("unixsocket");
  if (path !== "") yield ["listener1", `name=unix,bind=${path}`];
  if (tlsPort > 0) yield ["listener2", `name=tls,${bind},port=${tlsPort}`];
}

export const serverSection: InfoSection = {
  name: "server",
  title: "Server",
  isDefault: true,
  fields: [
    { name: "redis_version", value: ({ identity }) => identity.redisVersion },
    { name: "redis_git_sha1", value: () => "00000000" },
    { name: "redis_git_dirty", value: () => 0 },
    { name: "server_name", value: () => "kv" },
    { name: "kv_version", value: ({ identity }) => identity.version },
    { name: "redis_mode", value: ({ identity }) => identity.mode },
    { name: "os", value: ({ host }) => host.facts.operatingSystem },
    {
      name: "arch_bits",
      value: ({ host }) => (/32|^(arm|ia32|x86)$/.test(host.facts.architecture) ? 32 : 64),
    },
    { name: "runtime", value: ({ host }) => host.facts.runtime },
    { name: "process_id", value: ({ host }) => host.facts.processId },
    { name: "process_supervised", value: ({ config }) => config.print("supervised") },
    { name: "run_id", value: ({ identity }) => identity.runId },
    { name: "tcp_port", value: ({ host }) => host.facts.tcpPort || host.facts.tlsPort },
    { name: "server_time_usec", value: ({ host }) => host.wallUs() },
    { name: "uptime_in_seconds", value: uptimeSeconds },
    { name: "uptime_in_days", value: (engine) => Math.floor(uptimeSeconds(engine) / 86400) },
    { name: "hz", value: ({ situation }) => situation.hz },
    { name: "configured_hz", value: ({ cronJobs }) => cronJobs.configuredHz },
    { name: "lru_clock", value: ({ host, memory }) => lruClock(memory.accessMs(host.wallMs())) },
    { name: "executable", value: ({ host }) => host.facts.executable },
    { name: "config_file", value: ({ host }) => host.facts.configFile },
    { name: "io_threads_active", value: () => 0 },
  ],
  rows: listeners,
};

export const cpuSection: InfoSection = {
  name: "cpu",
  title: "CPU",
  isDefault: true,
  fields: [
    { name: "used_cpu_sys", value: ({ host }) => cpuSeconds(host.usage().systemCpuUs) },
    { name: "used_cpu_user", value: ({ host }) => cpuSeconds(host.usage().userCpuUs) },
    // Nothing here forks.
    { name: "used_cpu_sys_children", value: () => cpuSeconds(0) },
    { name: "used_cpu_user_children", value: () => cpuSeconds(0) },
    {
      name: "used_cpu_sys_main_thread",
      value: ({ host }) => cpuSeconds(host.usage().threadSystemCpuUs),
    },
    {
      name: "used_cpu_user_main_thread",
      value: ({ host }) => cpuSeconds(host.usage().threadUserCpuUs),
    },
  ],
};
