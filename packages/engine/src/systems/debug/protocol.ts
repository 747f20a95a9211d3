/** DEBUG PROTOCOL: one reply of every kind, for the tests of client libraries. */
import { CommandError } from "@kv/commands";
import type { ReplyWriter } from "@kv/resp";

const needsResp3 = new CommandError("ERR RESP2 is not supported by this command");

const kinds: ReadonlyMap<string, (reply: ReplyWriter) => void> = new Map([
  ["string", (reply) => reply.bulkLatin1("Hello World")],
  ["integer", (reply) => reply.integer(12345)],
  // biome-ignore lint/suspicious/noApproximativeNumericConstant: the very digits that Redis sends.
  ["double", (reply) => reply.double(3.141)],
  ["bignum", (reply) => reply.bigNumber("1234567999999999999999999999999999999")],
  ["null", (reply) => reply.null()],
  [
    "array",
    (reply) => {
      reply.array(3);
      for (let i = 0; i < 3; i++) reply.integer(i);
    },
  ],
  [
    "set",
    (reply) => {
      reply.set(3);
      for (let i = 0; i < 3; i++) reply.integer(i);
    },
  ],
  [
    "map",
    (reply) => {
      reply.map(3);
      for (let i = 0; i < 3; i++) {
        reply.integer(i);
        reply.boolean(i === 1);
      }
    },
  ],
  [
    "attrib",
    (reply) => {
      // RESP2 has no attributes: it gets what they would be about.
      if (reply.resp3) {
        reply.attribute(1);
        reply.bulkLatin1("key-popularity");
        reply.array(2);
        reply.bulkLatin1("key:123");
        reply.integer(90);
      }
      reply.bulkLatin1("Some real reply following the attribute");
    },
  ],
  [
    "push",
    (reply) => {
      if (!reply.resp3) throw needsResp3;
      reply.push(2);
      reply.bulkLatin1("server-cpu-usage");
      reply.integer(42);
      // A push is no reply: one has to follow.
      reply.bulkLatin1("Some real reply following the push reply");
    },
  ],
  ["verbatim", (reply) => reply.verbatim("txt", "This is a verbatim\nstring")],
  ["true", (reply) => reply.boolean(true)],
  ["false", (reply) => reply.boolean(false)],
] as const);

const unknownKind = new CommandError(
  `ERR Wrong protocol type name. Please use one of the following: ${[...kinds.keys()].join("|")}`,
);

export function replyOfKind(reply: ReplyWriter, name: string): void {
  const write = kinds.get(name.toLowerCase());
  if (write === undefined) throw unknownKind;
  write(reply);
}
