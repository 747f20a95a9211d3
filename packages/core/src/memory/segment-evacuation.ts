/**
 * Segment evacuation: which segments of the arena are to fall empty, and where to their blocks go,
 * so that the segments are given back.
 *
 * After most of the data has gone, a few blocks may hold on to each segment, and with it to every
 * page of it that was ever touched: the operating system takes back whole segments only. begin()
 * chooses those that give back the most, as long as the others have room for what lies in them;
 * plan() sees to it that new blocks land in the others; move() copies.
 *
 *      live / touched    seg 0 9/16   1 2/48   2 0.1/180 MiB        1 and 2 are left, 0 stays
 *
 * Room in pages that were touched before costs nothing. What has to go to fresh ones is no gain, so
 * a segment is left only if for each byte that is moved `gainMin` bytes are given back on balance.
 *
 * What is left meanwhile is a preference: an allocation that finds no room elsewhere takes it where
 * it is, before another segment is made. So a plan that time has passed by is no danger.
 */
import { type Arena, type Ref, SEGMENT_SHIFT, type SegmentUse } from "./arena.ts";
import type { MovePlan } from "./evacuation.ts";

/** Of what somebody waits for, only that which is done soon. */
const GAIN_MIN = 3;
/** Room that so many bytes of blocks need as a rule. What finds none stays where it is. */
const ROOM_FACTOR = 1.25;
const ROOM_SLACK_BYTES = 2 ** 19;

/** Decides which segments are emptied: see the head of this file. */
export class SegmentEvacuation implements MovePlan {
  private readonly arena: Arena;
  private readonly gainMin: number;
  private readonly mayGrow: boolean;

  /**
   * A segment is left when each byte that is moved gives back so many. `mayGrow`: one more may be made
   * for what the others have no room for, since of a new one nothing is touched but what is moved there.
   */
  constructor(arena: Arena, gainMin: number = GAIN_MIN, mayGrow = false) {
    this.arena = arena;
    this.gainMin = gainMin;
    this.mayGrow = mayGrow;
  }

  /** Whether there is something to gain by what the pages in use tell, without a look at blocks. */
  get isWorthwhile(): boolean {
    return this.choose(this.arena.segmentUses(false)) !== 0;
  }

  /** Chooses what is left in this pass. False: nothing is worth it. */
  begin(): boolean {
    const { arena } = this;
    arena.leftSegments = this.choose(arena.segmentUses(true));
    arena.mayGrow = this.mayGrow && arena.leftSegments !== 0;
    return arena.leftSegments !== 0;
  }

  /** The segments to be left, as bits. */
  private choose(uses: SegmentUse[]): number {
    let room = this.mayGrow ? this.arena.growthBytes : 0;
    let touchedRoom = 0;
    for (const { freeBytes, looseBytes } of uses) {
      room += freeBytes;
      touchedRoom += looseBytes;
    }
    let moving = 0;
    let fresh = 0;
    let leaving = 0;
    // Those that give back the most come first. The first segment always stays.
    uses.sort((one, other) => wasteOf(other) - wasteOf(one));
    for (const { segment, liveBytes, freeBytes, looseBytes, touchedBytes } of uses) {
      if (segment === 0) continue;
      const need = (moving + liveBytes) * ROOM_FACTOR + ROOM_SLACK_BYTES;
      if (need > room - freeBytes) continue;
      const freshThen = Math.max(0, need - (touchedRoom - looseBytes));
      if (touchedBytes - (freshThen - fresh) < liveBytes * this.gainMin) continue;
      room -= freeBytes;
      touchedRoom -= looseBytes;
      moving += liveBytes;
      fresh = freshThen;
      leaving |= 1 << segment;
    }
    return leaving;
  }

  /** The pass is over. */
  end(): void {
    this.arena.leftSegments = 0;
    this.arena.mayGrow = false;
  }

  /** Number of size classes. */
  get classCount(): number {
    return this.arena.partial.length;
  }

  /** Plans for a size class. Returns how many spans it looked at. */
  plan(sizeClass: number): number {
    return this.arena.leftSegments === 0 ? 0 : this.arena.listLeftLast(sizeClass);
  }

  /** Where the block lies from now on: see MovePlan. */
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
