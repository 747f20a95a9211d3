/** SENTINEL's subcommands about primaries and who belongs to them: looking, adding, removing. */
import { arg, CommandError, fail, matchesGlob } from "@kv/commands";
import { Address } from "../address.ts";
import { force } from "../failover.ts";
import { Flag } from "../flag.ts";
import { addPrimary, removePrimary, resetPrimary } from "../fleet.ts";
import type { Primary, Replica } from "../instance.ts";
import { selectReplica } from "../selection.ts";
import { replyInstance, replyInstances } from "./instance-reply.ts";
import { numberIn, primaryAt, primaryName, saveAndReply, subcommand } from "./sentinel-call.ts";

export const master = subcommand({
  name: "master",
  since: "2.8.4",
  summary: "Tells what is known of a primary.",
  args: [primaryName],
  run: (call, sentinel) => replyInstance(sentinel, call.reply, primaryAt(call, sentinel, 2)),
});

export const masters = subcommand({
  name: "masters",
  since: "2.8.4",
  summary: "Tells what is known of all primaries.",
  complexity: "O(N) with N primaries.",
  run: (call, sentinel) => replyInstances(sentinel, call.reply, [...sentinel.primaries.values()]),
});

const replicasSpec = {
  summary: "Tells what is known of a primary's replicas.",
  complexity: "O(N) with N replicas.",
  args: [primaryName],
  run: ((call, sentinel) => {
    const { replicas } = primaryAt(call, sentinel, 2);
    const announced = [...replicas.values()].filter(({ isAnnounced }) => isAnnounced);
    replyInstances(sentinel, call.reply, announced);
  }) as Parameters<typeof subcommand>[0]["run"],
};

export const replicas = subcommand({ name: "replicas", since: "5.0.0", ...replicasSpec });

export const slaves = subcommand({
  name: "slaves",
  since: "2.8.0",
  deprecatedSince: "5.0.0",
  replacedBy: "`SENTINEL REPLICAS`",
  docFlags: ["deprecated"],
  ...replicasSpec,
});

export const sentinels = subcommand({
  name: "sentinels",
  since: "2.8.4",
  summary: "Tells what is known of the other sentinels that watch a primary.",
  complexity: "O(N) with N sentinels.",
  args: [primaryName],
  run: (call, sentinel) => {
    const { sentinels: peers } = primaryAt(call, sentinel, 2);
    replyInstances(sentinel, call.reply, [...peers.values()]);
  },
});

export const getMasterAddrByName = subcommand({
  name: "get-master-addr-by-name",
  since: "2.8.4",
  summary: "Tells where clients find a primary.",
  args: [primaryName],
  run: (call, { primaries, settings }) => {
    const primary = primaries.get(call.text(2));
    if (primary === undefined) return call.reply.nullArray();
    const { currentAddress } = primary;
    call.reply.array(2);
    call.reply.bulkLatin1(currentAddress.shown(settings.announcesHostnames));
    call.reply.bulkLatin1(`${currentAddress.port}`);
  },
});

export const monitor = subcommand({
  name: "monitor",
  since: "2.8.4",
  summary: "Begins to watch a primary.",
  args: [arg.string("name"), arg.string("ip"), arg.integer("port"), arg.integer("quorum")],
  run: (call, sentinel) => {
    const [name, host] = [call.text(2), call.text(3)];
    const quorum = numberIn(call.word(5), Number.NEGATIVE_INFINITY);
    if (quorum === undefined) return fail("ERR Invalid quorum");
    const port = numberIn(call.word(4), Number.NEGATIVE_INFINITY);
    if (port === undefined) return fail("ERR Invalid port");
    if (quorum <= 0) return fail("ERR Quorum must be 1 or greater.");
    if (!sentinel.mayBeAt(host)) return fail("ERR Invalid IP address or hostname specified");
    if (port < 0 || port > 65_535) return fail("ERR Invalid port number.");
    if (sentinel.primaries.has(name)) return fail("ERR Duplicate master name.");
    const primary = addPrimary(sentinel, name, new Address(host, port), quorum);
    sentinel.news.about("warning", "+monitor", primary, `quorum ${quorum}`);
    saveAndReply(call, sentinel);
  },
});

export const remove = subcommand({
  name: "remove",
  since: "2.8.4",
  summary: "Watches a primary no longer.",
  args: [primaryName],
  run: (call, sentinel) => {
    const primary = primaryAt(call, sentinel, 2);
    sentinel.news.about("warning", "-monitor", primary);
    removePrimary(sentinel, primary);
    saveAndReply(call, sentinel);
  },
});

export const reset = subcommand({
  name: "reset",
  since: "2.8.4",
  summary: "Forgets what was found out about the primaries whose names match.",
  complexity: "O(N) with N primaries.",
  args: [arg.pattern("pattern")],
  run: (call, sentinel) => {
    const pattern = call.text(2);
    const found = [...sentinel.primaries.values()].filter(({ name }) =>
      matchesGlob(pattern, name, "exact"),
    );
    for (const primary of found) resetPrimary(sentinel, primary);
    if (found.length > 0) sentinel.saveState();
    call.reply.integer(found.length);
  },
});

const inProgress = new CommandError("INPROG Failover already in progress");
const noGoodReplica = new CommandError("NOGOODSLAVE No suitable replica to promote");

export const failover = subcommand({
  name: "failover",
  since: "2.8.4",
  summary: "Promotes a replica of a primary without asking other sentinels.",
  args: [primaryName],
  run: (call, sentinel) => {
    const primary = primaryAt(call, sentinel, 2);
    if (primary.is(Flag.FAILOVER_IN_PROGRESS)) throw inProgress;
    if (selectReplica(sentinel, primary) === undefined) throw noGoodReplica;
    sentinel.host.log("warning", `Executing user requested FAILOVER of '${primary.name}'`);
    force(sentinel, primary);
    call.reply.ok();
  },
});

export const ckquorum = subcommand({
  name: "ckquorum",
  since: "2.8.4",
  summary: "Tells whether enough sentinels are there for a failover of a primary.",
  complexity: "O(N) with N sentinels.",
  args: [primaryName],
  run: (call, sentinel) => {
    const { sentinels: peers, quorum } = primaryAt(call, sentinel, 2);
    const down = [...peers.values()].filter((peer) => peer.is(Flag.S_DOWN | Flag.O_DOWN)).length;
    const usable = peers.size + 1 - down;
    const reasons: string[] = [];
    const lacking = "Not enough available Sentinels to reach the";
    if (usable < quorum) reasons.push(`${lacking} specified quorum for this master`);
    if (usable < Math.floor((peers.size + 1) / 2) + 1)
      reasons.push(`${lacking} majority and authorize a failover`);
    const text = `${usable} usable Sentinels. `;
    if (reasons.length > 0) return fail(`NOQUORUM ${text}${reasons.join(". ")}`);
    call.reply.simple(`OK ${text}Quorum and failover authorization can be reached`);
  },
});

export const infoCache = subcommand({
  name: "info-cache",
  since: "3.2.0",
  summary: "Tells the last INFO of primaries and their replicas, and how old it is.",
  complexity: "O(N) with N instances.",
  arity: -3,
  args: [arg.many(arg.string("nodename"))],
  run: (call, { primaries, now }) => {
    const { reply } = call;
    const names = new Set<string>();
    for (let index = 2; index < call.argc; index++) names.add(call.text(index));
    const asked = [...primaries.values()].filter(({ name }) => names.has(name));
    reply.map(asked.length);
    for (const primary of asked) {
      const instances: (Primary | Replica)[] = [primary, ...primary.replicas.values()];
      reply.bulkLatin1(primary.name);
      reply.array(instances.length);
      for (const { info, infoMs } of instances) {
        reply.array(2);
        reply.integer(infoMs === 0 ? 0 : now() - infoMs);
        if (info === null) reply.null();
        else reply.bulkLatin1(info);
      }
    }
  },
});
