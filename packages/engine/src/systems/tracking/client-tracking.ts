/** CLIENT TRACKING, CACHING, GETREDIR, TRACKINGINFO: client-side caching, from the client's side. */
import { arg, type Command, CommandError, errors } from "@kv/commands";
import { bytesOf, keyIndex, keyLength, RefList } from "@kv/core";
import { containerPart } from "../../module/container-part.ts";
import { type EngineCall, engineCommand } from "../../module/engine-call.ts";
import { type ClientTracking, type TrackingRequest, trackingPort } from "./tracking.ts";
import { checkPrefixes } from "./tracking-prefixes.ts";

const oneRedirect = new CommandError("ERR A client can only redirect to a single other client");
const noRedirect = new CommandError("ERR The client ID you want redirect to does not exist");
const prefixNeedsBcast = new CommandError("ERR PREFIX option requires BCAST mode to be enabled");
const bcastSwitch = new CommandError(
  "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a different mode.",
);
const bcastWithOpt = new CommandError("ERR OPTIN and OPTOUT are not compatible with BCAST");
const bothOpts = new CommandError("ERR You can't specify both OPTIN mode and OPTOUT mode");
const optSwitch = new CommandError(
  "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with a different mode.",
);
const cachingAlone = new CommandError(
  "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled",
);
const yesNeedsOptIn = new CommandError(
  "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.",
);
const noNeedsOptOut = new CommandError(
  "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.",
);

const tracking = engineCommand({
  name: "tracking",
  group: "connection",
  since: "6.0.0",
  summary: "Switches on or off that this client hears when keys change that it has read.",
  complexity: "O(1), or O(N) with N prefixes.",
  arity: -3,
  flags: ["noscript", "loading", "stale"],
  args: [
    arg.oneOf("status", arg.token("on", "ON"), arg.token("off", "OFF")),
    arg.optional(arg.integer("client-id", { token: "REDIRECT" })),
    arg.optional(arg.many(arg.string("prefix", { token: "PREFIX" }), { multipleToken: true })),
    arg.optional(arg.token("bcast", "BCAST")),
    arg.optional(arg.token("optin", "OPTIN")),
    arg.optional(arg.token("optout", "OPTOUT")),
    arg.optional(arg.token("noloop", "NOLOOP")),
  ],

  run(call) {
    const { client, engine, reply } = call;
    const request = parse(call);
    if (call.is(2, "ON")) {
      checkRequest(call, request);
      engine.of(trackingPort).enable(client, request, call);
    } else if (call.is(2, "OFF")) engine.of(trackingPort).disable(client);
    else throw errors.syntax;
    reply.ok();
  },
});

function parse(call: EngineCall): TrackingRequest {
  const request = {
    redirectId: 0,
    broadcast: false,
    optIn: false,
    optOut: false,
    noLoop: false,
    prefixes: new RefList(),
  };
  for (let index = 3; index < call.argc; index++) {
    const more = index + 1 < call.argc;
    if (call.is(index, "REDIRECT") && more) {
      if (request.redirectId !== 0) throw oneRedirect;
      request.redirectId = call.integer(++index);
      if (!call.engine.clients.has(request.redirectId)) throw noRedirect;
    } else if (call.is(index, "PREFIX") && more) request.prefixes.push(++index);
    else if (call.is(index, "BCAST")) request.broadcast = true;
    else if (call.is(index, "OPTIN")) request.optIn = true;
    else if (call.is(index, "OPTOUT")) request.optOut = true;
    else if (call.is(index, "NOLOOP")) request.noLoop = true;
    else throw errors.syntax;
  }
  return request;
}

/** Throws unless the options go together, and with how the client tracks already. */
function checkRequest(call: EngineCall, request: TrackingRequest): void {
  const { broadcast, optIn, optOut, prefixes } = request;
  const before = call.engine.of(trackingPort).of(call.client);
  if (!broadcast && prefixes.count > 0) throw prefixNeedsBcast;
  if (before !== undefined && before.broadcast !== broadcast) throw bcastSwitch;
  if (broadcast && (optIn || optOut)) throw bcastWithOpt;
  if (optIn && optOut) throw bothOpts;
  if (before !== undefined && ((optIn && before.optOut) || (optOut && before.optIn)))
    throw optSwitch;
  if (broadcast) checkPrefixes(call, prefixes);
}

const cachingSwitch = engineCommand({
  name: "caching",
  group: "connection",
  since: "6.0.0",
  summary: "Makes the next command an exception from OPTIN or OPTOUT.",
  complexity: "O(1)",
  arity: 3,
  flags: ["noscript", "loading", "stale"],
  args: [arg.oneOf("mode", arg.token("yes", "YES"), arg.token("no", "NO"))],

  run(call) {
    const own = call.engine.of(trackingPort).of(call.client);
    if (own === undefined) throw cachingAlone;
    if (call.is(2, "YES")) {
      if (!own.optIn) throw yesNeedsOptIn;
    } else if (call.is(2, "NO")) {
      if (!own.optOut) throw noNeedsOptOut;
    } else {
      throw errors.syntax;
    }
    own.caching = true;
    call.reply.ok();
  },
});

const getredir = engineCommand({
  name: "getredir",
  group: "connection",
  since: "6.0.0",
  summary: "Returns which client gets the messages of this one: 0 itself, -1 it does not track.",
  complexity: "O(1)",
  arity: 2,
  flags: ["noscript", "loading", "stale"],

  run({ client, engine, reply }) {
    reply.integer(engine.of(trackingPort).redirectOf(client));
  },
});

const trackinginfo = engineCommand({
  name: "trackinginfo",
  group: "connection",
  since: "6.2.0",
  summary: "Tells how this client tracks.",
  complexity: "O(N) with N prefixes.",
  arity: 2,
  flags: ["noscript", "loading", "stale"],

  run({ client, engine, reply }) {
    const flags = infoFlags(engine.of(trackingPort).of(client));
    reply.map(3);
    reply.bulkLatin1("flags");
    reply.set(flags.length);
    for (const flag of flags) reply.bulkLatin1(flag);
    reply.bulkLatin1("redirect");
    reply.integer(engine.of(trackingPort).redirectOf(client));
    reply.bulkLatin1("prefixes");
    const { arena } = engine.keyspace;
    const prefixes = engine.of(trackingPort).prefixesOf(client);
    reply.array(prefixes.length);
    for (const prefix of prefixes) {
      const at = keyIndex(arena, prefix);
      reply.bulk(bytesOf(arena, prefix), at, at + keyLength(arena, prefix));
    }
  },
});

function infoFlags(own: ClientTracking | undefined): string[] {
  if (own === undefined) return ["off"];
  const flags = ["on"];
  if (own.broadcast) flags.push("bcast");
  if (own.optIn) flags.push("optin", ...(own.caching ? ["caching-yes"] : []));
  if (own.optOut) flags.push("optout", ...(own.caching ? ["caching-no"] : []));
  if (own.noLoop) flags.push("noloop");
  if (own.redirectBroken) flags.push("broken_redirect");
  return flags;
}

/** What tracking adds to CLIENT. */
export const client: Command = containerPart("client", "connection", [
  tracking,
  cachingSwitch,
  getredir,
  trackinginfo,
]);
