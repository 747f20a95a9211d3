/**
 * What rules make of users, and what they may do then. Otherwise in Redis 7.0, and so compared
 * through masks or not at all:
 *
 *   - refusals are worded otherwise: that both refuse is compared, the words stand in the tests of
 *     the engine;
 *   - a new user is not shown as `sanitize-payload` before it was reset;
 *   - rules about commands are shown sorted, and made from what may be run;
 *   - an entry of the log has no number and no times.
 */
import type { LooseRequest, Transcript, TranscriptRequest } from "./transcript.ts";

const rules = (...words: string[]): TranscriptRequest => ["ACL", "SETUSER", "default", ...words];

/** A user that may do everything, as 7.0 shows it after a reset. */
const whole = rules("reset", "on", "nopass", "~*", "&*", "+@all");

/** A request that both allow or both refuse. */
const tried = (...request: (string | number)[]): LooseRequest => ({
  request,
  mask: /NOPERM [^\r]*/g,
});
/** The same for DRYRUN, whose refusals are texts with a length. */
const dry = (...words: (string | number)[]): LooseRequest => ({
  request: ["ACL", "DRYRUN", "default", ...words],
  mask: /\$\d+\r\n(This user|User default) has/g,
});

const refusedRules: Transcript = [
  whole,
  rules("+nope"),
  rules("+@nope"),
  rules("-select|0"),
  rules("+config|nope"),
  rules("+config|"),
  rules("+config|get|x"),
  rules("+"),
  rules("nope"),
  rules("ON "),
  rules("~x"),
  rules("&x"),
  rules("resetkeys", "~a b"),
  rules("resetkeys", "%~x"),
  rules("resetkeys", "%X~x"),
  rules("resetkeys", "%RR~x"),
  rules("resetchannels", "&a b"),
  rules("<nope"),
  rules("!nope"),
  rules(`!${"0".repeat(64)}`),
  rules(`#${"A".repeat(64)}`),
  rules("(+get"),
  rules("(+get", "~x"),
  rules("("),
  rules("(+get)x", "~x"),
  rules("(on)"),
  rules("(~a", "+nope)"),
  rules("(~*", "~a)"),
  ["ACL", "LIST"],
];

const shownRules: Transcript = [
  whole,
  ...[
    // Few at a time: 7.0 sorts them, and later versions keep their order.
    ["-@all", "+acl"],
    ["+@all", "-config|set"],
    ["-config"],
    ["+@all", "-select", "+select|1", "+select|2"],
    ["+@all", "-get", "-GET"],
    ["allcommands"],
    ["resetkeys", "~a*", "%R~b*", "%W~b*", "%RW~c", "%W~d", "%r~e", "%R"],
    ["resetchannels", "&news*", "&news*", "&other"],
    ["(+get", "~x)", "(~y %R~z -@all +set &q)"],
    ["()", ""],
    ["clearselectors", "allkeys", "allchannels"],
    ["skip-sanitize-payload"],
    ["sanitize-payload", ">secret", ">secret", ">other"],
    ["<secret", "nopass"],
    ["OFF", "ON", "AllKeys", "+@ALL"],
  ].flatMap((words) => [rules(...words), ["ACL", "LIST"], ["ACL", "GETUSER", "default"]]),
];

const refusedRequests: Transcript = [
  whole,
  rules("-@all", "+acl", "+get", "+select|1"),
  tried("GET", "k"),
  tried("SET", "k", "v"),
  tried("SELECT", 0),
  tried("CONFIG", "GET", "port"),
  ["AUTH", "default", "x"],
  rules("+@all", "resetkeys", "~x*", "%R~r*", "%W~w*"),
  ...["x", "r", "w", "other", ""].flatMap((key) => [
    tried("GET", key),
    tried("STRLEN", key),
    tried("EXISTS", key),
    tried("MGET", "x", key),
    tried("OBJECT", "ENCODING", key),
    // Writing is not tried: what is written is looked at, and that would be refused.
    ...["SET k v", "SET k v GET", "APPEND k v", "GETDEL k", "DEL x k", "EXPIRE k 10"].map((text) =>
      dry(...text.split(" ").map((word) => (word === "k" ? key : word))),
    ),
    ...["RENAME x k", "COPY k x", "COPY x k", "MSET x 1 k 2", "HSET k f v"].map((text) =>
      dry(...text.split(" ").map((word) => (word === "k" ? key : word))),
    ),
  ]),
  tried("SET", "other", "v"),
  tried("DEL", "x", "other"),
  tried("SORT", "x", "BY", "nosort"),
  tried("SORT", "x", "BY", "w*"),
  tried("SORT", "x", "GET", "#"),
  tried("SORT", "x", "STORE", "other"),
  tried("SORT_RO", "x", "GET", "y*"),
  rules("%R~*"),
  tried("SORT", "nothing", "BY", "w*", "GET", "#"),
  rules("allkeys", "resetchannels", "&news*"),
  tried("PUBLISH", "news", "m"),
  tried("PUBLISH", "other", "m"),
  tried("SPUBLISH", "other", "m"),
  tried("SUBSCRIBE", "news", "other"),
  tried("PSUBSCRIBE", "news?"),
  tried("SSUBSCRIBE", "other"),
  tried("UNSUBSCRIBE", "other"),
  dry("PUBLISH", "other", "m"),
  dry("SUBSCRIBE", "other"),
  rules("allchannels", "-@all", "+acl", "(~a", "+get)", "(~b +set &c)", "(+publish", "&d)"),
  tried("GET", "a"),
  tried("GET", "b"),
  dry("SET", "b", 1),
  tried("SET", "a", 1),
  tried("PUBLISH", "d", "m"),
  tried("PUBLISH", "c", "m"),
];

const transactions: Transcript = [
  whole,
  ["MULTI"],
  ["SET", "k", 1],
  rules("resetkeys", "~x"),
  ["GET", "k"],
  ["PUBLISH", "c", "m"],
  rules("resetchannels"),
  ["PUBLISH", "c", "m"],
  rules("-set"),
  ["SET", "x", 1],
  ["EXEC"],
  ["MULTI"],
  tried("SET", "x", 1),
  ["EXEC"],
  rules("allkeys", "-exec"),
  ["MULTI"],
  ["GET", "k"],
  tried("EXEC"),
  ["DISCARD"],
];

const userOf = (name: string, ...words: string[]): TranscriptRequest => [
  "ACL",
  "SETUSER",
  name,
  "reset",
  ...words,
];

const users: Transcript = [
  whole,
  ["ACL", "USERS"],
  userOf("carol"),
  userOf("alice", "on", ">a", "~a*", "+get", "+set", "+acl|whoami", "+ping", "+hello", "+select|1"),
  userOf("Bob", "off", "nopass", "+@all", "~*", "&*"),
  userOf("", "on", "nopass", "+acl"),
  userOf("__proto__", "on", "nopass", "+acl"),
  ["ACL", "SETUSER", "a b", "on"],
  ["ACL", "SETUSER", "a\0b", "on"],
  ["ACL", "SETUSER", "dave", "on", "nope"],
  ["ACL", "USERS"],
  ...[["LIST"], ["GETUSER", "alice"]].map((words) => ({
    request: ["ACL", ...words],
    mask: /-@all( \+\S+)+/g,
  })),
  ["ACL", "GETUSER", "dave"],
  ["ACL", "GETUSER", "ALICE"],
  ["ACL", "GETUSER", ""],
  ["AUTH", "alice"],
  ["AUTH", "alice", "b"],
  ["AUTH", "Bob", "x"],
  ["AUTH", "dave", "x"],
  ["AUTH", "alice", "a", "x"],
  ["ACL", "WHOAMI"],
  ["SET", "a", 1],
  ["SET", "b", 1],
  ["AUTH", "alice", "a"],
  ["ACL", "WHOAMI"],
  ["GET", "a"],
  tried("GET", "b"),
  tried("MGET", "a"),
  tried("SELECT", 0),
  ["SELECT", 1],
  tried("ACL", "LIST"),
  tried("ACL", "GETUSER", "alice"),
  tried("ACL"),
  ["ACL", "NOPE"],
  tried("CONFIG", "GET", "port"),
  tried("MULTI"),
  tried("PUBLISH", "c", "m"),
  ["AUTH", "__proto__", "x"],
  ["ACL", "WHOAMI"],
  ["AUTH", "", "x"],
  ["ACL", "WHOAMI"],
  ["AUTH", "default", "x"],
  ["SELECT", 0],
  ...["GET a", "GET b", "SET a 1", "SET b 1", "SELECT 1", "SELECT 0", "PING", "NOPE"].map(
    (text) => ({
      request: ["ACL", "DRYRUN", "alice", ...text.split(" ")],
      mask: /\$\d+\r\n(This user|User alice) has/g,
    }),
  ),
  ["ACL", "DRYRUN", "dave", "GET", "a"],
  ["ACL", "DRYRUN", "alice", "GET"],
  ["ACL", "DELUSER", "dave"],
  ["ACL", "DELUSER", "carol", "carol", "dave", ""],
  ["ACL", "DELUSER", "alice", "default"],
  ["ACL", "USERS"],
  ["ACL", "DELUSER", "alice", "Bob", "__proto__"],
  ["ACL", "USERS"],
  ["AUTH", "alice", "a"],
];

/** Of an entry what both show, and nothing that differs from client to client. */
const logged = (...words: (string | number)[]): LooseRequest => ({
  request: ["ACL", "LOG", ...words],
  mask: /[*%]\d+\r\n(?=\$5\r\ncount)|[$,][\d.e-]+\r\n([\d.e-]+\r\n)?(?=\$11\r\nclient)|\$\d+\r\nid=[^\r]*\r\n(\$8\r\nentry-id\r\n:\d+\r\n(\$\d+\r\ntimestamp-\S+\r\n:\d+\r\n){2})?/g,
});

const log: Transcript = [
  whole,
  ["ACL", "LOG", "RESET"],
  ["ACL", "LOG"],
  userOf("alice", "on", ">a", "~a*", "+@all", "-get", "resetchannels"),
  ["AUTH", "alice", "x"],
  ["auth", "alice", "x"],
  ["HELLO", "2", "AUTH", "nobody", "x"],
  ["AUTH", "alice", "a"],
  tried("GET", "a"),
  tried("SET", "b", 1),
  tried("SET", "b", 2),
  tried("MGET", "a", "c"),
  tried("PUBLISH", "c", "m"),
  ["MULTI"],
  tried("SET", "b", 1),
  ["EXEC"],
  ["MULTI"],
  ["AUTH", "alice", "y"],
  ["EXEC"],
  ["CONFIG", "GET", "acllog-max-len"],
  logged(),
  logged(2),
  logged(0),
  logged(-1),
  ["ACL", "LOG", "nope"],
  ["ACL", "LOG", 1, 2],
  ["ACL", "LOG", "reset"],
  ["ACL", "LOG"],
  ["AUTH", "default", "x"],
  ["ACL", "DELUSER", "alice"],
];

const passwords: Transcript = [
  whole,
  ["CONFIG", "SET", "requirepass", "first"],
  ["ACL", "LIST"],
  ["AUTH", "wrong"],
  ["AUTH", "first"],
  rules(">second"),
  ["CONFIG", "GET", "requirepass"],
  ["AUTH", "second"],
  ["AUTH", "default", "first"],
  rules("<first"),
  ["AUTH", "first"],
  rules("<first"),
  ["CONFIG", "SET", "requirepass", "third"],
  ["AUTH", "second"],
  ["AUTH", "third"],
  rules("nopass"),
  ["CONFIG", "GET", "requirepass"],
  ["AUTH", "third"],
  ["AUTH", "default", "anything"],
  rules("resetpass"),
  ["AUTH", "third"],
  ["CONFIG", "SET", "requirepass", ""],
  ["AUTH", "third"],
  ["ACL", "LIST"],
  rules("reset", "+@all", "~*", "&*"),
  ["AUTH", "default", ""],
  ["CONFIG", "SET", "requirepass", "fourth"],
  ["AUTH", "fourth"],
  rules("on"),
  ["AUTH", "fourth"],
  ["CONFIG", "SET", "requirepass", ""],
];

const channelsByDefault: Transcript = [
  whole,
  ["CONFIG", "SET", "acl-pubsub-default", "allchannels"],
  userOf("alice"),
  ["ACL", "GETUSER", "alice"],
  userOf("alice", "(~a +get)", "resetchannels", "&a"),
  ["ACL", "LIST"],
  ["CONFIG", "SET", "acl-pubsub-default", "resetchannels"],
  userOf("alice", "(~a +get)", "&a"),
  ["ACL", "LIST"],
  ["ACL", "DELUSER", "alice"],
];

const generated: Transcript = [
  ...[0, -1, 4097, "x", "", "1.5", "9223372036854775808"].map((bits) => ["ACL", "GENPASS", bits]),
  ...[1, 4, 5, 256, 4096].map((bits) => ({
    request: ["ACL", "GENPASS", bits],
    mask: /[0-9a-f](?=[0-9a-f]*\r\n$)/g,
  })),
  ["ACL", "GENPASS", 1, 2],
  ["ACL", "CAT", "nope"],
  ["ACL", "CAT", "a", "b"],
  ["ACL", "SAVE"],
  ["ACL", "LOAD"],
];

export const transcript: Transcript = [
  ...refusedRules,
  ...shownRules,
  ...refusedRequests,
  ...transactions,
  ...users,
  ...log,
  ...passwords,
  ...channelsByDefault,
  ...generated,
  ["ACL", "LOG", "RESET"],
  whole,
  ["ACL", "LIST"],
];
