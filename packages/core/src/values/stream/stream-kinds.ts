/** The kind of streams: there is one encoding. See stream-value.ts. */
import type { Arena, Ref } from "../../memory/arena.ts";
import { Encoding, Type } from "../../table/entry.ts";
import type { ElementVisitor, ValueKind } from "../kind.ts";
import { streamBlocks } from "./stream-blocks.ts";
import { StreamId } from "./stream-id.ts";
import { StreamValue } from "./stream-value.ts";

function eachEntry(arena: Arena, entry: Ref, visitor: ElementVisitor): void {
  const stream = new StreamValue(arena).attach(entry);
  const { range } = stream;
  stream.walk(new StreamId(), new StreamId().setMax(), false);
  while (range.next()) {
    visitor.id.copy(range.id);
    visitor.entry(range.fieldCount);
    while (range.nextField()) {
      const { field, value } = range;
      if (field.isInteger) visitor.text.setInteger(field.hi, field.lo);
      else visitor.text.setString(field.bytes, field.view, field.start, field.end);
      if (value.isInteger) visitor.value.setInteger(value.hi, value.lo);
      else visitor.value.setString(value.bytes, value.view, value.start, value.end);
      visitor.entryField();
    }
  }
}

function check(arena: Arena, entry: Ref): void {
  new StreamValue(arena).attach(entry).check();
}

export const streamKinds: readonly ValueKind[] = [
  {
    type: Type.STREAM,
    typeName: "stream",
    shape: "entries",
    encoding: Encoding.STREAM,
    encodingName: "stream",
    ...streamBlocks,
    each: eachEntry,
    check,
  },
];
