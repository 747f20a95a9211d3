/** CLIENT ID, GETNAME, SETNAME, SETINFO: who is on this connection. */
import { arg, fail, quoted } from "@kv/commands";
import { engineCommand } from "../../module/engine-call.ts";
import { clientNameAt, isPlainWord, isShort, tooLong } from "./log-in.ts";

const id = engineCommand({
  name: "id",
  group: "connection",
  since: "5.0.0",
  summary: "Returns the number of this connection, which no later one will get.",
  complexity: "O(1)",
  arity: 2,
  flags: ["noscript", "loading", "stale"],

  run({ client, reply }) {
    reply.integer(client.id);
  },
});

const getname = engineCommand({
  name: "getname",
  group: "connection",
  since: "2.6.9",
  summary: "Returns the name of this connection.",
  complexity: "O(1)",
  arity: 2,
  flags: ["noscript", "loading", "stale"],

  run({ client, reply }) {
    if (client.name === "") reply.null();
    else reply.bulkLatin1(client.name);
  },
});

const setname = engineCommand({
  name: "setname",
  group: "connection",
  since: "2.6.9",
  summary: "Names this connection; an empty name takes the name away.",
  complexity: "O(1)",
  arity: 3,
  flags: ["noscript", "loading", "stale"],
  args: [arg.string("connection-name")],

  run(call) {
    call.client.name = clientNameAt(call, 2);
    call.reply.ok();
  },
});

const setinfo = engineCommand({
  name: "setinfo",
  group: "connection",
  since: "7.2.0",
  summary: "Says which client library is speaking, and which version of it.",
  complexity: "O(1)",
  arity: 4,
  flags: ["noscript", "loading", "stale"],
  tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
  args: [
    arg.oneOf(
      "attr",
      arg.string("libname", { token: "LIB-NAME" }),
      arg.string("libver", { token: "LIB-VER" }),
    ),
  ],

  run(call) {
    const { client, reply } = call;
    const option = call.word(2);
    const isName = call.is(2, "LIB-NAME");
    if (!isName && !call.is(2, "LIB-VER")) fail(`ERR Unrecognized option '${quoted(option)}'`);
    if (!isPlainWord(call, 3))
      fail(`ERR ${option} cannot contain spaces, newlines or special characters.`);
    if (!isShort(call, 3)) throw tooLong(option);
    if (isName) client.libraryName = call.text(3);
    else client.libraryVersion = call.text(3);
    reply.ok();
  },
});

export const identity = [id, getname, setname, setinfo] as const;
