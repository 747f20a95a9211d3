/**
 * What rules make of the default user, and what it may do then. Refusals are worded otherwise in
 * Redis 7.0; that both refuse is compared, and the words stand in the tests of the engine.
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

export const transcript: Transcript = [
  ...refusedRules,
  ...shownRules,
  ...refusedRequests,
  ...transactions,
  ["ACL", "LOG", "RESET"],
  whole,
  ["ACL", "LIST"],
];
