/** From the listpack of a hash to its table: with what is in it, or with NONE where a field repeats. */
import { type Arena, NONE, type Ref } from "../../memory/arena.ts";
import {
  find,
  first,
  ListpackValue,
  listpackCount,
  next,
  readAt,
  repeatsText,
} from "../../memory/listpack.ts";
import { Dict } from "../../table/dict.ts";
import { ExpiryHeap, HeapWord } from "../../table/expiry-heap.ts";
import { freeElements, insertElement } from "../element.ts";
import { TRIPLE, tripleExpiry } from "./field-expiry.ts";
import { createField, writeValue } from "./hash-field.ts";

/** Up to so many fields, looking for a duplicate by comparing all with all is the cheaper way. */
const FEW_FIELDS = 16;

/** Converts listpacks of one arena. The objects in it are for use again and again. */
export class HashConverter {
  private readonly arena: Arena;
  private readonly dict: Dict;
  private readonly heap: ExpiryHeap;
  /** Own windows: those of a HashValue may be what its caller hands to set(). */
  private readonly field = new ListpackValue();
  private readonly value = new ListpackValue();

  constructor(arena: Arena) {
    this.arena = arena;
    this.dict = new Dict(arena);
    this.heap = new ExpiryHeap(arena, HeapWord.IDLE);
  }

  /**
   * A new table with what the listpack holds, whose fields are `stride` elements each, and with room for
   * `more` fields: its header. NONE when a field comes twice. Throws ArenaFullError; the listpack is
   * whole then, and stays.
   */
  table(listpack: Ref, stride: number, seed: number, more = 0): Ref {
    const { arena, dict, heap, field, value } = this;
    const expected = listpackCount(arena, listpack) / stride + more;
    dict.attach(Dict.create(arena, seed, 0, expected));
    heap.attach(NONE);
    let complete = false;
    try {
      for (let at = first(arena, listpack); at !== 0; ) {
        readAt(arena, listpack, at, field);
        const valueAt = next(arena, listpack, at);
        readAt(arena, listpack, valueAt, value);
        const { bytes, view, start, end } = field;
        const hash = dict.hash(bytes, view, start, end);
        if (dict.find(bytes, view, start, end, hash) !== NONE) return NONE;
        const expiryMs = stride === TRIPLE ? tripleExpiry(arena, listpack, at) : 0;
        if (expiryMs > 0) heap.makeRoom(1);
        const added = createField(arena, bytes, start, end, value.end - value.start, expiryMs);
        writeValue(arena, added, value.bytes, value.start, value.end);
        insertElement(dict, added, hash);
        if (expiryMs > 0) heap.insert(added, expiryMs);
        at = next(arena, listpack, valueAt);
        if (stride === TRIPLE && at !== 0) at = next(arena, listpack, at);
      }
      complete = true;
      dict.attachment = heap.ref;
      return dict.header;
    } finally {
      if (!complete) {
        heap.free();
        freeElements(dict);
      }
    }
  }

  /** True when the listpack names a field twice. */
  hasDuplicate(listpack: Ref, stride: number, seed: number): boolean {
    const { arena, dict, heap } = this;
    if (listpackCount(arena, listpack) <= FEW_FIELDS * stride)
      return this.repeatsField(listpack, stride);
    const table = this.table(listpack, stride, seed);
    if (table === NONE) return true;
    heap.free();
    freeElements(dict);
    return false;
  }

  /** As hasDuplicate(), by comparing all fields with all: needs no memory. */
  repeatsField(listpack: Ref, stride: number): boolean {
    const { arena, field } = this;
    const answer = repeatsText(arena, listpack, stride);
    if (answer !== undefined) return answer;
    for (let at = first(arena, listpack); at !== 0; ) {
      readAt(arena, listpack, at, field);
      if (find(arena, listpack, field.bytes, field.start, field.end, stride) !== at) return true;
      for (let skip = stride; skip > 0 && at !== 0; skip--) at = next(arena, listpack, at);
    }
    return false;
  }
}
