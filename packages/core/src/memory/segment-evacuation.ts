/**
 * Segment evacuation: which segments of the arena are to fall empty, and where to their blocks go,
 * so that the segments are given back.
 *
 * After most of the data has gone, a few blocks may hold on to each segment, and with it to every
 * page of it that was ever touched: the operating system takes back whole segments only. begin()
 * chooses those of which less than a quarter is in use, as long as the others have room for what
 * lies in them; plan() sees to it that new blocks land in the others; move() copies.
 *
 *      live / touched    seg 0 9/16   1 2/48   2 0.1/180 MiB        1 and 2 are left, 0 stays
 *
 * What is left meanwhile is a preference: an allocation that finds no room elsewhere takes it where
 * it is, before another segment is made. So a plan that time has passed by is no danger.
 */
import { type Arena, type Ref, SEGMENT_SHIFT, type SegmentUse } from "./arena.ts";
import type { MovePlan } from "./evacuation.ts";

const LIVE_SHARE_MAX = 0.25;
/** Room that so many bytes of blocks need as a rule. What finds none stays where it is. */
const ROOM_FACTOR = 1.25;
const ROOM_SLACK_BYTES = 2 ** 19;

export class SegmentEvacuation implements MovePlan {
  private readonly arena: Arena;
  private readonly liveShareMax: number;

  /** A segment is left when no more of its touched bytes than `liveShareMax` is in use. */
  constructor(arena: Arena, liveShareMax = LIVE_SHARE_MAX) {
    this.arena = arena;
    this.liveShareMax = liveShareMax;
  }

  begin(): boolean {
    const { arena } = this;
    const uses = arena.segmentUses();
    let room = 0;
    for (const { freeBytes } of uses) room += freeBytes;
    let moving = 0;
    let leaving = 0;
    // Those that give back the most come first. The first segment always stays.
    uses.sort((one, other) => wasteOf(other) - wasteOf(one));
    for (const { segment, liveBytes, freeBytes, touchedBytes } of uses) {
      if (segment === 0 || liveBytes > touchedBytes * this.liveShareMax) continue;
      const need = (moving + liveBytes) * ROOM_FACTOR + ROOM_SLACK_BYTES;
      if (need > room - freeBytes) continue;
      room -= freeBytes;
      moving += liveBytes;
      leaving |= 1 << segment;
    }
    arena.leftSegments = leaving;
    return leaving !== 0;
  }

  end(): void {
    this.arena.leftSegments = 0;
  }

  get classCount(): number {
    return this.arena.partial.length;
  }

  plan(cls: number): number {
    return this.arena.leftSegments === 0 ? 0 : this.arena.listLeftLast(cls);
  }

  move(ref: Ref): Ref {
    const { arena } = this;
    if (((arena.leftSegments >>> (ref >>> SEGMENT_SHIFT)) & 1) === 0) return ref;
    const bytes = arena.blockBytes(ref);
    if (!arena.hasRoomElsewhere(bytes)) return ref;
    const moved = arena.alloc(bytes);
    arena.copy(moved, 0, ref, 0, bytes);
    arena.free(ref);
    return moved;
  }
}

function wasteOf({ touchedBytes, liveBytes }: SegmentUse): number {
  return touchedBytes - liveBytes;
}
