/** HELLO: chooses the protocol, and on the way logs in and names the connection. */
import { arg, CommandError, fail, quoted } from "@kv/commands";
import { ClientState } from "../../kernel/client-state.ts";
import { EngineState } from "../../kernel/situation.ts";
import { type EngineCall, engineCommand } from "../../module/engine-call.ts";
import { clientNameAt, logIn } from "./log-in.ts";

const badVersion = new CommandError("ERR Protocol version is not an integer or out of range");
const unknownVersion = new CommandError("NOPROTO unsupported protocol version");
const mustLogIn = new CommandError(
  "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time",
);

export const hello = engineCommand({
  name: "hello",
  group: "connection",
  since: "6.0.0",
  summary: "Switches to RESP2 or RESP3 and tells about the server.",
  complexity: "O(1)",
  arity: -1,
  flags: ["noscript", "loading", "stale", "fast", "no_auth", "allow_busy"],
  args: [
    arg.optional(
      arg.block(
        "arguments",
        arg.integer("protover"),
        {
          ...arg.block("auth", arg.string("username"), arg.string("password")),
          token: "AUTH",
          optional: true,
        },
        arg.optional(arg.string("clientname", { token: "SETNAME" })),
      ),
    ),
  ],
  history: [
    [
      "6.2.0",
      "`protover` made optional; when called without arguments the command reports the current connection's context.",
    ],
  ],

  run(call) {
    const { client, engine, reply } = call;
    // Nothing takes effect before all of it is known to be right.
    const { protocol, userArgument, name } = parse(call);
    if (userArgument !== 0) logIn(call, call.word(userArgument), userArgument + 1);
    if (client.is(ClientState.UNAUTHENTICATED)) throw mustLogIn;
    if (name !== null) client.name = name;
    if (protocol !== 0) {
      client.protocol = protocol;
      reply.resp3 = protocol === 3;
      client.subscriptionsChanged();
    }
    // A server of another kind has no part in replication.
    const { mode } = engine.identity;
    reply.map(mode === "standalone" ? 7 : 6);
    reply.bulkLatin1("server");
    reply.bulkLatin1("redis");
    reply.bulkLatin1("version");
    reply.bulkLatin1(engine.identity.redisVersion);
    reply.bulkLatin1("proto");
    reply.integer(client.protocol);
    reply.bulkLatin1("id");
    reply.integer(client.id);
    reply.bulkLatin1("mode");
    reply.bulkLatin1(!engine.situation.is(EngineState.CLUSTER) ? mode : "cluster");
    if (mode === "standalone") {
      reply.bulkLatin1("role");
      reply.bulkLatin1(!engine.situation.is(EngineState.REPLICA) ? "master" : "replica");
    }
    reply.bulkLatin1("modules");
    reply.array(0);
  },
});

/** What the request asks for; 0 or null stands for what it leaves out. */
function parse(call: EngineCall): {
  protocol: number;
  userArgument: number;
  name: string | null;
} {
  let protocol = 0;
  let userArgument = 0;
  let name: string | null = null;
  if (call.argc > 1) {
    protocol = call.integer(1, badVersion);
    if (protocol !== 2 && protocol !== 3) throw unknownVersion;
  }
  for (let index = 2; index < call.argc; index++) {
    const more = call.argc - 1 - index;
    if (call.is(index, "AUTH") && more >= 2) {
      userArgument = index + 1;
      index += 2;
    } else if (call.is(index, "SETNAME") && more >= 1) {
      index += 1;
      name = clientNameAt(call, index);
    } else {
      fail(`ERR Syntax error in HELLO option '${quoted(call.word(index))}'`);
    }
  }
  return { protocol, userArgument, name };
}
