/** GEOPOS, GEOHASH and GEODIST: where members are, and how far from each other. */
import { errors } from "../call/errors.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { readSortedSet } from "../sorted-set/sorted-set-at.ts";
import { distance } from "./distance.ts";
import { findPlace, replyDistance, replyPlace, unitArgument, unitAt } from "./geo-at.ts";
import { letters, place } from "./geohash.ts";

const memberArgs = [arg.key("key"), arg.optional(arg.many(arg.string("member")))];

export const geopos = command({
  name: "geopos",
  group: "geo",
  since: "3.2.0",
  summary: "Returns longitude and latitude of members; null for what is missing.",
  complexity: "O(1) for each member.",
  arity: -2,
  flags: ["readonly"],
  keys: [keyAt(1, "RO", "access")],
  args: memberArgs,

  run(call) {
    const set = readSortedSet(call, 1);
    call.reply.array(call.argc - 2);
    for (let i = 2; i < call.argc; i++) {
      if (set !== null && findPlace(call, set, i)) replyPlace(call);
      else call.reply.nullArray();
    }
  },
});

export const geohash = command({
  name: "geohash",
  group: "geo",
  since: "3.2.0",
  summary:
    "Returns the places of members as geohashes of eleven letters; null for what is missing.",
  complexity: "O(1) for each member.",
  arity: -2,
  flags: ["readonly"],
  keys: [keyAt(1, "RO", "access")],
  args: memberArgs,

  run(call) {
    const set = readSortedSet(call, 1);
    call.reply.array(call.argc - 2);
    for (let i = 2; i < call.argc; i++) {
      if (set !== null && findPlace(call, set, i))
        call.reply.bulkLatin1(letters(place.longitude, place.latitude));
      else call.reply.null();
    }
  },
});

export const geodist = command({
  name: "geodist",
  group: "geo",
  since: "3.2.0",
  summary: "Returns the distance between two members; null when one of them is missing.",
  complexity: "O(1)",
  arity: -4,
  flags: ["readonly"],
  keys: [keyAt(1, "RO", "access")],
  args: [arg.key("key"), arg.string("member1"), arg.string("member2"), arg.optional(unitArgument)],

  run(call) {
    if (call.argc > 5) throw errors.syntax;
    const unitMeters = call.argc === 5 ? unitAt(call, 4) : 1;
    const set = readSortedSet(call, 1);
    if (set === null || !findPlace(call, set, 2)) {
      call.reply.null();
      return;
    }
    const { longitude, latitude } = place;
    if (!findPlace(call, set, 3)) {
      call.reply.null();
      return;
    }
    const meters = distance(longitude, latitude, place.longitude, place.latitude);
    replyDistance(call, meters / unitMeters);
  },
});
