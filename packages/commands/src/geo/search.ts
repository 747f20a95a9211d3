/**
 * Searching a sorted set of places: what GEOSEARCH and the older GEORADIUS have in common.
 *
 * The nine boxes (search-area.ts) are walked one after the other, each a range of scores, and every
 * member is measured. Of a box most members are in the shape or near it, so what costs is the
 * measuring: a member whose coordinates are out of bounds is passed over without it.
 */
import {
  freeEntry,
  NONE,
  type Ref,
  type SortedSetBuilder,
  type SortedSetValue,
  setIdleBits,
} from "@kv/core";
import type { Call } from "../call/call.ts";
import { Kept } from "../call/kept.ts";
import { Notify } from "../call/notify.ts";
import { attachMade, builderOf, replyText } from "../sorted-set/sorted-set-at.ts";
import { distance, latitudeDistance } from "./distance.ts";
import { replyDistance, replyPlace } from "./geo-at.ts";
import { decode, place } from "./geohash.ts";
import { Matches } from "./matches.ts";
import { SearchArea, Shape } from "./search-area.ts";

export const Order = { NONE: 0, ASCENDING: 1, DESCENDING: 2 } as const;

/** A search: what is looked for, and what is wanted of it. */
export class Search {
  readonly shape = new Shape();
  /** One of Order. */
  order = 0;
  /** How many matches are wanted; 0: all. */
  limit = 0;
  /** Any so many will do: the search ends with the last of them. */
  takesAny = false;
  withDistance = false;
  withScore = false;
  withPlace = false;
  /** Argument of the key that takes the result; 0: it is the reply. */
  storeArgument = 0;
  storesDistance = false;

  /** Rank of the member that the window on the sorted set would show next; -1: none. */
  private nextRank = -1;
  private readonly area = new SearchArea();
  private readonly matches = new Matches();

  reset(): void {
    this.shape.isBox = false;
    this.order = Order.NONE;
    this.limit = 0;
    this.takesAny = false;
    this.withDistance = false;
    this.withScore = false;
    this.withPlace = false;
    this.storeArgument = 0;
    this.storesDistance = false;
  }

  /** Searches the sorted set; the matches are in order then. Returns how many are wanted. */
  run(set: SortedSetValue): number {
    const { area, matches, limit, takesAny } = this;
    matches.clear();
    this.nextRank = -1;
    area.cover(this.shape);
    const most = takesAny ? limit : Number.POSITIVE_INFINITY;
    for (let box = 0; box < area.count && matches.count < most; box++)
      this.searchBox(set, area.from[box] as number, area.to[box] as number, most);
    const wanted = limit === 0 ? matches.count : Math.min(limit, matches.count);
    // So many without an order are the nearest, unless any will do.
    const order =
      this.order === Order.NONE && limit > 0 && !takesAny ? Order.ASCENDING : this.order;
    if (order === Order.NONE) matches.keepOrder();
    else matches.sort(order === Order.DESCENDING, wanted);
    return wanted;
  }

  private searchBox(set: SortedSetValue, from: number, to: number, most: number): void {
    const { matches } = this;
    let rank = set.countByScore(from, false);
    set.seek(rank);
    for (; matches.count < most && set.nextScore() && set.score < to; rank++) {
      const meters = this.measure(set.score);
      if (meters >= 0) matches.add(rank, meters, set.score);
    }
  }

  /** Metres from the middle to the place with this score; -1 when it is outside. */
  private measure(score: number): number {
    const { shape } = this;
    decode(score);
    if (!this.area.mayContain(place.longitude, place.latitude)) return -1;
    if (!shape.isBox) {
      const radius = shape.radius * shape.unitMeters;
      const { longitude, latitude } = shape;
      const meters = distance(longitude, latitude, place.longitude, place.latitude);
      return meters > radius ? -1 : meters;
    }
    const north = latitudeDistance(shape.latitude, place.latitude);
    if (north > (shape.height * shape.unitMeters) / 2) return -1;
    const { longitude, latitude } = place;
    const east = distance(longitude, latitude, shape.longitude, latitude);
    if (east > (shape.width * shape.unitMeters) / 2) return -1;
    return distance(shape.longitude, shape.latitude, longitude, latitude);
  }

  /** Replies with the first `wanted` matches. */
  reply(call: Call, set: SortedSetValue, wanted: number): void {
    const { matches, shape, withDistance, withScore, withPlace } = this;
    const { reply } = call;
    const parts = 1 + Number(withDistance) + Number(withScore) + Number(withPlace);
    reply.array(wanted);
    for (let i = 0; i < wanted; i++) {
      const match = matches.order[i] as number;
      if (parts > 1) reply.array(parts);
      this.show(set, match);
      replyText(call, set.member);
      if (withDistance)
        replyDistance(call, (matches.distances[match] as number) / shape.unitMeters);
      if (withScore) reply.integer(matches.scores[match] as number);
      if (withPlace) {
        decode(matches.scores[match] as number);
        replyPlace(call);
      }
    }
  }

  /** Lets the window show a match: those in a row in the sorted set cost one step each. */
  private show(set: SortedSetValue, match: number): void {
    const rank = this.matches.ranks[match] as number;
    if (rank !== this.nextRank) set.seek(rank);
    set.next();
    this.nextRank = rank + 1;
  }

  /** Makes the first `wanted` matches the sorted set of the key that takes them, and says so. */
  store(call: Call, set: SortedSetValue, wanted: number, event: string): void {
    if (wanted === 0) {
      removeKey(call, this.storeArgument);
      return;
    }
    const builder = builderOf(call);
    builder.begin();
    let entry: Ref = NONE;
    try {
      entry = this.build(call, set, wanted, builder);
      put(call, this.storeArgument, entry);
    } catch (full) {
      builder.discard();
      if (entry !== NONE) freeEntry(call.keyspace.arena, entry);
      throw full;
    }
    call.changed(this.storeArgument, event, Notify.ZSET);
    call.dirty += wanted - 1;
  }

  private build(call: Call, set: SortedSetValue, wanted: number, builder: SortedSetBuilder): Ref {
    const { matches, shape } = this;
    for (let i = 0; i < wanted; i++) {
      const match = matches.order[i] as number;
      this.show(set, match);
      const { bytes, view, start, end } = set.member;
      const meters = matches.distances[match] as number;
      const score = this.storesDistance
        ? meters / shape.unitMeters
        : (matches.scores[match] as number);
      builder.find(bytes, view, start, end);
      builder.add(bytes, start, end, score);
    }
    const { epoch } = call.keyspace.cuts;
    const start = call.start(this.storeArgument);
    const end = call.end(this.storeArgument);
    return builder.finish(epoch, call.bytes, start, end, call.settings.limits.sortedSet);
  }
}

/** The search that runs now. */
export const searches = new Kept(() => new Search());

/** Makes an entry that is in no database the value of the key at an argument. */
function put(call: Call, index: number, entry: Ref): void {
  const old = call.find(index);
  setIdleBits(call.keyspace.arena, attachMade(call, entry).entry, call.idleOf(old));
  call.database.put(entry, old, call.hashOf(index), call.settings.lazyServerDel);
  if (old === NONE) call.event(index, "new", Notify.NEW);
}

/** Removes the key at an argument, even if its time has passed. */
export function removeKey(call: Call, index: number): void {
  const old = call.findStored(index);
  if (old === NONE) return;
  call.database.remove(old, call.settings.lazyServerDel);
  call.changed(index, "del", Notify.GENERIC);
}
