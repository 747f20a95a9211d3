/**
 * The `sentinel` lines of the configuration file: what the operator says, and what is to be known
 * after a restart.
 *
 *      sentinel monitor mymaster 10.0.0.1 6379 2            who is watched
 *      sentinel down-after-milliseconds mymaster 5000       how
 *      sentinel myid 7c...                                  who we are
 *      sentinel current-epoch 3                             votes: nobody gets two in an epoch
 *      sentinel leader-epoch mymaster 3
 *      sentinel config-epoch mymaster 2
 *      sentinel known-replica mymaster 10.0.0.2 6379        whom we have found
 *      sentinel known-sentinel mymaster 10.0.0.3 26379 9b...
 *
 * Lines may stand in any order: what holds for all comes first, then primaries, then what is about one.
 */
import { quoteArg } from "@kv/config";
import type { Ports, StatementRow } from "@kv/engine";
import { Address } from "./address.ts";
import { addPeer, addPrimary, addReplica } from "./fleet.ts";
import type { Primary } from "./instance.ts";
import { type Sentinel, sentinelPort } from "./sentinel.ts";

/** The configuration file has a `sentinel` line that cannot be had. */
export class SentinelStartError extends Error {
  /** The name of the class, whatever a bundler makes of that. */
  override name = "SentinelStartError";
}

/** A kind of line. */
interface LineKind {
  /** Words behind the kind's name: from, to. */
  readonly count: readonly [number, number];
  /** Why the words cannot be taken by themselves. */
  readonly problem?: (words: readonly string[]) => string | undefined;
}

interface GlobalLine extends LineKind {
  take(sentinel: Sentinel, words: readonly string[]): void;
}

interface PrimaryLine extends LineKind {
  /** `words` are those behind the primary's name. Undefined, or why not. */
  take(sentinel: Sentinel, primary: Primary, words: readonly string[]): string | undefined;
}

const yesNo = (name: string) => ({
  count: [1, 1] as const,
  problem: ([word = ""]: readonly string[]) =>
    /^(yes|no)$/i.test(word) ? undefined : `Please specify yes or no for the ${name} option.`,
});
const isYes = ([word = ""]: readonly string[]) => word.toLowerCase() === "yes";

/** A number as C reads one: the digits that the word begins with, whatever follows; 0 without any. */
const numberOf = (word = "") => {
  const value = Number(/^\s*([-+]?\d+)/.exec(word)?.[1] ?? 0);
  return Math.min(value, Number.MAX_SAFE_INTEGER);
};
const epochOf = ([word]: readonly string[]) => Math.max(0, numberOf(word));

const globals: Record<string, GlobalLine> = {
  "announce-ip": {
    count: [1, 1],
    take: ({ settings }, [word = ""]) => {
      settings.announceIp = word;
    },
  },
  "announce-port": {
    count: [1, 1],
    take: ({ settings }, [word]) => {
      settings.announcePort = numberOf(word);
    },
  },
  "deny-scripts-reconfig": {
    ...yesNo("deny-scripts-reconfig"),
    take: ({ settings }, words) => {
      settings.deniesScripts = isYes(words);
    },
  },
  "resolve-hostnames": {
    ...yesNo("resolve-hostnames"),
    take: ({ settings }, words) => {
      settings.resolvesHostnames = isYes(words);
    },
  },
  "announce-hostnames": {
    ...yesNo("announce-hostnames"),
    take: ({ settings }, words) => {
      settings.announcesHostnames = isYes(words);
    },
  },
  "sentinel-user": {
    count: [1, 1],
    take: ({ settings }, [word = ""]) => {
      settings.user = word;
    },
  },
  "sentinel-pass": {
    count: [1, 1],
    take: ({ settings }, [word = ""]) => {
      settings.pass = word;
    },
  },
  myid: {
    count: [1, 1],
    problem: ([word = ""]) =>
      word.length === 40 ? undefined : "Malformed Sentinel id in myid option.",
    take: (sentinel, [word = ""]) => {
      sentinel.myId = word;
    },
  },
  "current-epoch": {
    count: [1, 1],
    take: (sentinel, words) => {
      sentinel.currentEpoch = Math.max(sentinel.currentEpoch, epochOf(words));
    },
  },
};

const monitor: LineKind = {
  count: [4, 4],
  problem: ([, , port, quorum]) => {
    if (numberOf(quorum) < 1) return "Quorum must be 1 or greater.";
    return isPort(port) ? undefined : "Invalid port number.";
  },
};

const isPort = (word = "") => numberOf(word) >= 0 && numberOf(word) <= 65_535;

const time = {
  count: [2, 2] as const,
  problem: ([, word]: readonly string[]) =>
    numberOf(word) > 0 ? undefined : "negative or zero time parameter.",
};

const unresolved = "Can't resolve instance hostname.";

const knownReplica: PrimaryLine = {
  count: [3, 3],
  problem: ([, , port]) => (isPort(port) ? undefined : "Invalid port number."),
  take: (sentinel, primary, [host = "", port]) => {
    if (!sentinel.mayBeAt(host)) return unresolved;
    const isNew = addReplica(sentinel, primary, new Address(host, numberOf(port))) !== undefined;
    return isNew ? undefined : "Duplicate hostname and port for replica.";
  },
};

const ofPrimaries: Record<string, PrimaryLine> = {
  "down-after-milliseconds": {
    ...time,
    take: (_, primary, [word]) => {
      primary.setDownAfter(numberOf(word));
      return undefined;
    },
  },
  "failover-timeout": {
    ...time,
    take: (_, primary, [word]) => {
      primary.failoverTimeoutMs = numberOf(word);
      return undefined;
    },
  },
  "parallel-syncs": {
    count: [2, 2],
    take: (_, primary, [word]) => {
      primary.parallelSyncs = numberOf(word);
      return undefined;
    },
  },
  "notification-script": {
    count: [2, 2],
    take: ({ scripts }, primary, [path = ""]) => {
      if (!scripts.isExecutable(path))
        return "Notification script seems non existing or non executable.";
      primary.notificationScript = path;
      return undefined;
    },
  },
  "client-reconfig-script": {
    count: [2, 2],
    take: ({ scripts }, primary, [path = ""]) => {
      if (!scripts.isExecutable(path))
        return "Client reconfiguration script seems non existing or non executable.";
      primary.reconfigurationScript = path;
      return undefined;
    },
  },
  "auth-pass": {
    count: [2, 2],
    take: (_, primary, [word = ""]) => {
      primary.authPass = word;
      return undefined;
    },
  },
  "auth-user": {
    count: [2, 2],
    take: (_, primary, [word = ""]) => {
      primary.authUser = word;
      return undefined;
    },
  },
  "master-reboot-down-after-period": {
    count: [2, 2],
    problem: ([, word]) => (numberOf(word) < 0 ? "negative time parameter." : undefined),
    take: (_, primary, [word]) => {
      primary.rebootDownAfterMs = numberOf(word);
      return undefined;
    },
  },
  "rename-command": {
    count: [3, 3],
    take: (_, { renamedCommands }, [from = "", to = ""]) => {
      const name = from.toUpperCase();
      if (renamedCommands.has(name))
        return "Same command renamed multiple times with rename-command.";
      renamedCommands.set(name, to);
      return undefined;
    },
  },
  "config-epoch": {
    count: [2, 2],
    take: (_, primary, words) => {
      primary.configEpoch = epochOf(words);
      return undefined;
    },
  },
  "leader-epoch": {
    count: [2, 2],
    take: (_, primary, words) => {
      primary.leaderEpoch = epochOf(words);
      return undefined;
    },
  },
  "known-replica": knownReplica,
  "known-slave": knownReplica,
  "known-sentinel": {
    // Old files have no id here: such a sentinel is found anew.
    count: [3, 4],
    problem: ([, , port]) => (isPort(port) ? undefined : "Invalid port number."),
    take: (sentinel, primary, [host = "", port, id]) => {
      if (id === undefined) return undefined;
      if (!sentinel.mayBeAt(host)) return unresolved;
      if (primary.sentinels.has(id)) return "Duplicate runid for sentinel.";
      addPeer(sentinel, primary, id, new Address(host, numberOf(port)));
      return undefined;
    },
  },
};

const unrecognized = "Unrecognized sentinel configuration statement.";

function kindOf(word: string): LineKind | undefined {
  const table: Record<string, LineKind> = { ...globals, ...ofPrimaries, monitor };
  return Object.hasOwn(table, word) ? table[word] : undefined;
}

function check([word = "", ...words]: readonly string[]): string | undefined {
  const kind = kindOf(word.toLowerCase());
  if (kind === undefined) return unrecognized;
  const [from, to] = kind.count;
  if (words.length < from || words.length > to) return unrecognized;
  return kind.problem?.(words);
}

function apply(lines: readonly (readonly string[])[], ports: Ports): void {
  const sentinel = ports.of(sentinelPort);
  const named = lines.map(([word = "", ...words]) => ({ word: word.toLowerCase(), words }));
  for (const { word, words } of named)
    if (Object.hasOwn(globals, word)) globals[word]?.take(sentinel, words);
  const refuse = (word: string, words: readonly string[], problem: string) => {
    throw new SentinelStartError(`sentinel ${[word, ...words].join(" ")}: ${problem}`);
  };
  for (const { word, words } of named) {
    if (word !== "monitor") continue;
    const [name = "", host = "", port, quorum] = words;
    if (sentinel.primaries.has(name)) refuse(word, words, "Duplicate master name.");
    if (!sentinel.mayBeAt(host)) refuse(word, words, unresolved);
    addPrimary(sentinel, name, new Address(host, numberOf(port)), numberOf(quorum));
  }
  for (const { word, words } of named) {
    if (!Object.hasOwn(ofPrimaries, word)) continue;
    const [name = "", ...further] = words;
    const primary = sentinel.primaries.get(name);
    const problem =
      primary === undefined
        ? "No such master with specified name."
        : ofPrimaries[word]?.take(sentinel, primary, further);
    if (typeof problem === "string") refuse(word, words, problem);
  }
}

/** A line of these words; those that hold blanks or nothing are quoted. */
const line = (...words: (string | number)[]) =>
  words
    .map((word) =>
      /^[\x21\x24-\x26\x28-\x7e]+$/.test(`${word}`) ? `${word}` : quoteArg(`${word}`),
    )
    .join(" ");

function rewritten(ports: Ports): string[] {
  const sentinel = ports.of(sentinelPort);
  const { settings, myId, currentEpoch } = sentinel;
  const lines = [line("myid", myId)];
  const given = (name: string, value: string | number) => {
    if (value !== "" && value !== 0) lines.push(line(name, value));
  };
  if (!settings.deniesScripts) lines.push(line("deny-scripts-reconfig", "no"));
  if (settings.resolvesHostnames) lines.push(line("resolve-hostnames", "yes"));
  if (settings.announcesHostnames) lines.push(line("announce-hostnames", "yes"));
  for (const primary of sentinel.primaries.values()) lines.push(...linesOf(sentinel, primary));
  lines.push(line("current-epoch", currentEpoch));
  given("announce-ip", settings.announceIp);
  given("announce-port", settings.announcePort);
  given("sentinel-user", settings.user);
  given("sentinel-pass", settings.pass);
  return lines;
}

function linesOf({ periods }: Sentinel, primary: Primary): string[] {
  const { name, currentAddress, address } = primary;
  const lines = [line("monitor", name, currentAddress.host, currentAddress.port, primary.quorum)];
  const unless = (usual: string | number, word: string, value: string | number) => {
    if (value !== usual) lines.push(line(word, name, value));
  };
  unless(periods.defaultDownAfter, "down-after-milliseconds", primary.downAfterMs);
  unless(periods.defaultFailoverTimeout, "failover-timeout", primary.failoverTimeoutMs);
  unless(1, "parallel-syncs", primary.parallelSyncs);
  unless("", "notification-script", primary.notificationScript);
  unless("", "client-reconfig-script", primary.reconfigurationScript);
  unless("", "auth-pass", primary.authPass);
  unless("", "auth-user", primary.authUser);
  unless(0, "master-reboot-down-after-period", primary.rebootDownAfterMs);
  lines.push(line("config-epoch", name, primary.configEpoch));
  lines.push(line("leader-epoch", name, primary.leaderEpoch));
  for (const replica of primary.replicas.values()) {
    // After a restart the promoted one is the primary, and who was that a replica.
    const place = replica.address.equals(currentAddress) ? address : replica.address;
    lines.push(line("known-replica", name, place.host, place.port));
  }
  for (const { address: place, name: id } of primary.sentinels.values())
    lines.push(line("known-sentinel", name, place.host, place.port, id));
  for (const [from, to] of primary.renamedCommands)
    lines.push(line("rename-command", name, from, to));
  return lines;
}

/** The lines for the engine: see the head of this file. */
export const stateStatement: StatementRow = { keyword: "sentinel", check, apply, rewritten };
