/** What the commands on places share: reading coordinates, units and distances, writing them. */
import type { SortedSetValue } from "@kv/core";
import type { Call } from "../call/call.ts";
import { CommandError, fail } from "../call/errors.ts";
import { type Argument, arg } from "../declare/arg.ts";
import { findArgument } from "../sorted-set/sorted-set-at.ts";
import { decode, LATITUDE_MAX, LONGITUDE_MAX, place } from "./geohash.ts";

const unknownUnit = new CommandError("ERR unsupported unit provided. please use M, KM, FT, MI");

/** The units, for COMMAND DOCS. */
export const unitArgument: Argument = arg.oneOf(
  "unit",
  arg.token("m", "M"),
  arg.token("km", "KM"),
  arg.token("ft", "FT"),
  arg.token("mi", "MI"),
);

/** Metres of the unit at an argument. */
export function unitAt(call: Call, index: number): number {
  if (call.is(index, "M")) return 1;
  if (call.is(index, "KM")) return 1000;
  if (call.is(index, "FT")) return 0.3048;
  if (call.is(index, "MI")) return 1609.34;
  throw unknownUnit;
}

/** Reads longitude and latitude at two arguments into `place`. */
export function placeAt(call: Call, index: number): void {
  const longitude = call.float(index);
  const latitude = call.float(index + 1);
  if (Math.abs(longitude) > LONGITUDE_MAX || Math.abs(latitude) > LATITUDE_MAX)
    fail(`ERR invalid longitude,latitude pair ${sixDigits(longitude)},${sixDigits(latitude)}`);
  place.longitude = longitude;
  place.latitude = latitude;
}

/** A number as C's "%f" prints it. */
function sixDigits(x: number): string {
  if (!Number.isFinite(x)) return x < 0 ? "-inf" : "inf";
  return Math.abs(x) < 1e21 ? plain(x, 6) : `${BigInt(x)}.000000`;
}

/** As toFixed(), which knows no negative zero, and of two that are equally near takes the larger, not the even one. */
function plain(x: number, digits: number): string {
  const size = Math.abs(x);
  const sign = x < 0 || Object.is(x, -0) ? "-" : "";
  // With one digit more it ends in a 5 when its last binary digit is as far behind the point.
  if ((size * 2 ** (digits + 1)) % 2 === 1) {
    const longer = size.toFixed(digits + 1);
    if (Number(longer.at(-2)) % 2 === 0) return sign + longer.slice(0, -1);
  }
  return sign + size.toFixed(digits);
}

/** Puts the place of the member at an argument into `place`. False: there is no such member. */
export function findPlace(call: Call, set: SortedSetValue, member: number): boolean {
  if (!findArgument(call, set, member)) return false;
  decode(set.score);
  return true;
}

/** Replies with a distance: four digits behind the point. */
export function replyDistance(call: Call, distance: number): void {
  call.reply.bulkLatin1(distance.toFixed(4));
}

/** Replies with longitude and latitude of `place`: up to 17 digits behind the point. */
export function replyPlace(call: Call): void {
  const { reply } = call;
  reply.array(2);
  replyCoordinate(call, place.longitude);
  replyCoordinate(call, place.latitude);
}

function replyCoordinate(call: Call, coordinate: number): void {
  const text = plain(coordinate, 17).replace(/\.?0+$/, "");
  call.reply.doubleText(text === "-0" ? "0" : text);
}
