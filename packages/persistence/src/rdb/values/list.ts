/**
 * Lists: written node by node (18), each as it lies in memory: a listpack, one large element (plain),
 * or either of them compressed. A list that is one listpack is written as one node. Read is also what
 * older versions wrote: element by element (1), one ziplist (10), a ziplist for each node (14).
 *
 *      18   nodes | container 1 (plain) or 2 (packed) | string | container | string | ...
 *      14   nodes | ziplist | ziplist | ...
 *      10   ziplist
 *       1   elements | string | string | ...
 */
import {
  createList,
  createListOf,
  Encoding,
  eachNode,
  freeEntry,
  type Keyspace,
  type ListLimits,
  ListpackValue,
  ListValue,
  listpack,
  NONE,
  nodeCountOf,
  nodeImage,
  type Ref,
  Type,
  valueRef,
} from "@kv/core";
import { RdbType } from "../format.ts";
import { type RdbInput, RdbString, Status } from "../input.ts";
import { ZiplistWalk } from "../ziplist.ts";
import type { RdbForm, ValueOutput, ValueReader, WriteForm } from "./form.ts";
import { length, packed, repeat, string } from "./grammar.ts";
import { isEmptyListpack, listpackFault, writeListpack, ziplistFault } from "./packed.ts";
import { elementsEnd, lengthEnd, stringEnd } from "./value-end.ts";

/** What a node of type 18 is. */
const Container = { PLAIN: 1, PACKED: 2 } as const;
const BAD_CONTAINER = "Quicklist integrity check failed.";
const BAD_LISTPACK = "Listpack integrity check failed.";
const BAD_ZIPLIST = "Ziplist integrity check failed.";
const BAD_LIST_ZIPLIST = "List ziplist integrity check failed.";
/** Redis reads such a node as an error without a word. */
const EMPTY_NODE = "A node of a list is an empty string";

// --- Writing ---------------------------------------------------------------------------------

const rdbType = () => RdbType.LIST_QUICKLIST_2;

/** Of a list that is one listpack: one node. */
function writeOnlyNode(to: ValueOutput, entry: Ref): void {
  to.output.length(1);
  to.output.length(Container.PACKED);
  writeListpack(to, valueRef(to.arena, entry));
}

function writeNode({ arena, output }: ValueOutput, cell: Ref): void {
  const image = nodeImage(arena, cell);
  output.length(image.isPlain ? Container.PLAIN : Container.PACKED);
  if (image.isCompressed) output.lzf(image.bytes, image.start, image.end, image.rawBytes);
  else output.string(image.bytes, image.view, image.start, image.end);
}

const asNodes: WriteForm = {
  type: Type.LIST,
  encoding: Encoding.QUICKLIST,
  rdbType,
  write(to, entry) {
    const header = valueRef(to.arena, entry);
    to.output.length(nodeCountOf(to.arena, header));
    eachNode(to.arena, header, (cell) => writeNode(to, cell));
  },
  pieces: {
    begin({ arena, output }, entry) {
      output.length(nodeCountOf(arena, valueRef(arena, entry)));
      return 0;
    },
    element: writeNode,
  },
};

const asListpack: WriteForm = {
  type: Type.LIST,
  encoding: Encoding.LISTPACK,
  rdbType,
  write: writeOnlyNode,
};

// --- Reading ---------------------------------------------------------------------------------

class ListReader implements ValueReader {
  private readonly keyspace: Keyspace;
  private readonly limits: ListLimits;
  private readonly list: ListValue;
  private readonly text = new RdbString();
  private readonly element = new ListpackValue();
  /** The list under construction; NONE between values. */
  private entry: Ref = NONE;
  private type = 0;
  /** Elements or nodes that are still to come. */
  private left = 0;
  /** The node in `text` is one large element. */
  private isPlain = false;

  constructor(keyspace: Keyspace, limits: ListLimits) {
    this.keyspace = keyspace;
    this.limits = limits;
    this.list = new ListValue(keyspace.arena);
  }

  begin(input: RdbInput, type: number, key: RdbString, expiryMs: number): Status {
    this.type = type;
    if (type === RdbType.LIST_ZIPLIST) return this.beginZiplist(input, key, expiryMs);
    const status = input.length();
    if (status !== Status.OK) return status;
    if (input.number === 0) return Status.EMPTY;
    if (input.number === 1 && type === RdbType.LIST_QUICKLIST_2)
      return this.beginOnlyNode(input, key, expiryMs);
    this.left = input.number;
    this.create(key, expiryMs);
    if (type !== RdbType.LIST) this.asNodes();
    return Status.PART;
  }

  /** A list of one node, as most are: its listpack is the list, if it is not too long for that. */
  private beginOnlyNode(input: RdbInput, key: RdbString, expiryMs: number): Status {
    const status = this.readNode(input);
    if (status !== Status.OK) return status;
    if (this.isEmptyNode) return Status.EMPTY;
    if (this.isPlain) {
      this.create(key, expiryMs);
      this.asNodes();
      this.appendNode();
      return Status.OK;
    }
    const { arena, cuts } = this.keyspace;
    const { bytes, start, end } = this.text;
    const lp = listpack.listpackFromBytes(arena, bytes, start, end);
    this.entry = createListOf(arena, lp, cuts.epoch, key.bytes, key.start, key.end, expiryMs);
    this.list.attach(this.entry).fit(this.limits);
    return Status.OK;
  }

  /** The list gets whole nodes, and is one of several until all are there. */
  private asNodes(): void {
    try {
      this.list.toQuicklist(this.limits);
    } catch (full) {
      this.discard();
      throw full;
    }
  }

  private create(key: RdbString, expiryMs: number): void {
    const { arena, cuts } = this.keyspace;
    this.entry = createList(arena, cuts.epoch, key.bytes, key.start, key.end, expiryMs);
    this.list.attach(this.entry);
  }

  more(input: RdbInput): Status {
    const { list, text } = this;
    while (this.left > 0) {
      input.mark = input.at;
      let status: Status;
      if (this.type === RdbType.LIST) {
        status = input.string(text);
        if (status === Status.OK) this.push(text);
      } else if (this.type === RdbType.LIST_QUICKLIST) {
        status = this.ziplistNode(input);
      } else {
        status = this.node(input);
      }
      if (status !== Status.OK) return status;
      this.left--;
    }
    if (list.length === 0) {
      this.discard();
      return Status.EMPTY;
    }
    list.shrink(this.limits, false);
    return Status.OK;
  }

  private push({ bytes, start, end }: { bytes: Uint8Array; start: number; end: number }): void {
    const { list, limits } = this;
    list.grow(limits, 1, end - start);
    list.push(true, bytes, start, end, limits);
    list.settle();
  }

  private node(input: RdbInput): Status {
    const status = this.readNode(input);
    if (status === Status.OK && !this.isEmptyNode) this.appendNode();
    return status;
  }

  /** Reads a node, whole and valid, into `text`. */
  private readNode(input: RdbInput): Status {
    const { text } = this;
    let status = input.length();
    if (status !== Status.OK) return status;
    this.isPlain = input.number === Container.PLAIN;
    if (!this.isPlain && input.number !== Container.PACKED) return input.bad(BAD_CONTAINER);
    status = input.string(text);
    if (status !== Status.OK) return status;
    const { bytes, start, end } = text;
    if (start === end) return input.bad(EMPTY_NODE);
    if (!this.isPlain && !listpack.validateListpack(bytes, start, end, true))
      return input.bad(BAD_LISTPACK);
    return status;
  }

  /** True when the node in `text` has no elements. */
  private get isEmptyNode(): boolean {
    return !this.isPlain && isEmptyListpack(this.text);
  }

  private appendNode(): void {
    const { bytes, start, end } = this.text;
    this.list.appendNode(bytes, start, end, this.isPlain);
    this.list.settle();
  }

  /** A node of a quicklist as it was before Redis 7.0. */
  private ziplistNode(input: RdbInput): Status {
    const { text } = this;
    const status = input.string(text);
    if (status !== Status.OK) return status;
    if (text.length === 0) return input.bad(EMPTY_NODE);
    return this.pushZiplist() ? status : input.bad(BAD_ZIPLIST);
  }

  /** Adds the elements of the ziplist in `text`. False when it is malformed. */
  private pushZiplist(): boolean {
    const { text, element } = this;
    const walk = new ZiplistWalk(text.bytes, text.view, text.start, text.end);
    while (walk.next(element)) this.push(element);
    return walk.isWhole();
  }

  private beginZiplist(input: RdbInput, key: RdbString, expiryMs: number): Status {
    const status = input.string(this.text);
    if (status !== Status.OK) return status;
    this.create(key, expiryMs);
    if (!this.pushZiplist()) {
      this.discard();
      return input.bad(BAD_LIST_ZIPLIST);
    }
    if (this.list.length > 0) return Status.OK;
    this.discard();
    return Status.EMPTY;
  }

  finish(): Ref {
    const { entry } = this;
    this.entry = NONE;
    return entry;
  }

  discard(): void {
    if (this.entry !== NONE) freeEntry(this.keyspace.arena, this.entry);
    this.entry = NONE;
    this.left = 0;
  }
}

// --- Passing over ----------------------------------------------------------------------------

const packedNode = packed((node, seen) =>
  node.start === node.end ? EMPTY_NODE : listpackFault(BAD_LISTPACK, 0)(node, seen),
);
const ziplistNode = packed((node, seen) =>
  node.start === node.end ? EMPTY_NODE : ziplistFault(BAD_ZIPLIST, 0)(node, seen),
);

export const listForm: RdbForm = {
  reads: [
    { type: RdbType.LIST, name: "list-linked", skip: (input) => repeat(input, string) },
    {
      type: RdbType.LIST_ZIPLIST,
      name: "list-ziplist",
      skip: packed(ziplistFault(BAD_LIST_ZIPLIST, 0)),
    },
    {
      type: RdbType.LIST_QUICKLIST,
      name: "quicklist",
      skip: (input, seen) => repeat(input, (each) => ziplistNode(each, seen)),
    },
    {
      type: RdbType.LIST_QUICKLIST_2,
      name: "quicklist-v2",
      end: elementsEnd(lengthEnd, stringEnd),
      *skip(input, seen) {
        yield* length(input);
        for (let left = input.number; left > 0; left--) {
          yield* length(input);
          const container = input.number;
          if (container === Container.PACKED) yield* packedNode(input, seen);
          else if (container === Container.PLAIN) yield* string(input);
          else yield input.bad(BAD_CONTAINER);
        }
      },
    },
  ],
  writes: [asListpack, asNodes],
  createReader: (keyspace, limits) => new ListReader(keyspace, limits.list),
};
