/**
 * A WebAssembly module from a few lines: what stands between Lua and JavaScript has to be
 * WebAssembly itself, for a frame of JavaScript on the stack could not be suspended. It is too small
 * for a compiler of its own, and too important to be bytes that nobody can read.
 *
 * Functions are arrays of instructions (bytes, which may be nested), imports come first and are
 * called by the number that `importFunction` returned. Only what the glue needs is here: 32-bit
 * integers, doubles, calls, blocks and the exceptions that came before `try_table`, since every
 * engine with exceptions has those.
 *
 *   const m = new Assembler();
 *   const add = m.func("add", [I32, I32], [I32], [], [get(0), get(1), i32.add]);
 */

/** Instructions, nested as it pleases the writer. */
export type Code = number | readonly Code[];

export const I32 = 0x7f;
export const F64 = 0x7c;
/** A block that leaves nothing. */
const VOID = 0x40;

/** An unsigned number as WebAssembly writes it. */
export function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value >>> 0;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest === 0 ? low : low | 0x80);
  } while (rest !== 0);
  return bytes;
}

/** A signed number as WebAssembly writes it. */
function signed(value: number): number[] {
  const bytes: number[] = [];
  let rest = value | 0;
  while (true) {
    const low = rest & 0x7f;
    rest >>= 7;
    if ((rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0)) {
      bytes.push(low);
      return bytes;
    }
    bytes.push(low | 0x80);
  }
}

function double(value: number): number[] {
  return [...new Uint8Array(new Float64Array([value]).buffer)];
}

export const get = (local: number): Code => [0x20, unsigned(local)];
export const set = (local: number): Code => [0x21, unsigned(local)];
export const tee = (local: number): Code => [0x22, unsigned(local)];
export const call = (index: number): Code => [0x10, unsigned(index)];
export const callIndirect = (type: number): Code => [0x11, unsigned(type), 0];
export const num = (value: number): Code => [0x41, signed(value)];
export const real = (value: number): Code => [0x44, double(value)];
export const block = (...body: Code[]): Code => [0x02, VOID, body, 0x0b];
export const loop = (...body: Code[]): Code => [0x03, VOID, body, 0x0b];
export const when = (...body: Code[]): Code => [0x04, VOID, body, 0x0b];
/** One of two values of type `type`. */
export const either = (type: number, yes: Code, no: Code): Code => [
  ...[0x04, type, yes],
  ...[0x05, no, 0x0b],
];
/** `body` without a value; `handler` runs when it threw `tag`. */
export const tryCatch = (body: Code, tag: number, handler: Code): Code => [
  ...[0x06, VOID, body],
  ...[0x07, unsigned(tag), handler, 0x0b],
];
export const throwTag = (tag: number): Code => [0x08, unsigned(tag)];
export const branch = (depth: number): Code => [0x0c, unsigned(depth)];
export const branchIf = (depth: number): Code => [0x0d, unsigned(depth)];
export const RETURN = 0x0f;
export const DROP = 0x1a;
export const UNREACHABLE = 0x00;

export const i32 = {
  load: (offset = 0): Code => [0x28, 2, unsigned(offset)],
  loadByte: (offset = 0): Code => [0x2d, 0, unsigned(offset)],
  store: (offset = 0): Code => [0x36, 2, unsigned(offset)],
  storeByte: (offset = 0): Code => [0x3a, 0, unsigned(offset)],
  /** Of a double: its whole part, or what is nearest to it. */
  truncate: [0xfc, 2],
  eqz: 0x45,
  eq: 0x46,
  ne: 0x47,
  ltS: 0x48,
  ltU: 0x49,
  gtS: 0x4a,
  gtU: 0x4b,
  leS: 0x4c,
  leU: 0x4d,
  geS: 0x4e,
  geU: 0x4f,
  add: 0x6a,
  sub: 0x6b,
  mul: 0x6c,
  divU: 0x6e,
  remU: 0x70,
  and: 0x71,
  or: 0x72,
  xor: 0x73,
  shl: 0x74,
  shrS: 0x75,
  shrU: 0x76,
  rotl: 0x77,
  rotr: 0x78,
} as const;

export const f64 = {
  load: (offset = 0): Code => [0x2b, 3, unsigned(offset)],
  store: (offset = 0): Code => [0x39, 3, unsigned(offset)],
  abs: 0x99,
  neg: 0x9a,
  add: 0xa0,
  mul: 0xa2,
  div: 0xa3,
  eq: 0x61,
  lt: 0x63,
  ge: 0x66,
  /** The low 32 bits of the double as it lies in memory. */
  lowBits: [0xbd, 0xa7],
  /** A double of an integer with a sign. */
  convert: 0xb7,
} as const;

interface Import {
  module: string;
  name: string;
  kind: Code;
}

const text = (value: string): Code => [
  unsigned(value.length),
  [...value].map((letter) => letter.charCodeAt(0)),
];

/** Instructions one behind the other. */
export function flat(code: Code, into: number[]): number[] {
  if (typeof code === "number") into.push(code);
  else for (const part of code) flat(part, into);
  return into;
}

const vector = (items: Code[]): Code => [unsigned(items.length), items];

export class Assembler {
  private readonly types: Code[] = [];
  private readonly typeNumbers = new Map<string, number>();
  private readonly imports: Import[] = [];
  private importedFunctions = 0;
  private importedTags = 0;
  private readonly declared: Code[] = [];
  private readonly bodies: Code[] = [];
  private readonly exports: Code[] = [];
  private ownTable: Code | undefined;

  /** The number of a function's type, for `callIndirect`. */
  type(params: number[], results: number[]): number {
    const key = `${params}>${results}`;
    let index = this.typeNumbers.get(key);
    if (index === undefined) {
      index = this.types.length;
      this.types.push([0x60, vector(params), vector(results)]);
      this.typeNumbers.set(key, index);
    }
    return index;
  }

  importFunction(module: string, name: string, params: number[], results: number[]): number {
    if (this.declared.length > 0) throw new Error("imports come before functions");
    this.imports.push({ module, name, kind: [0, unsigned(this.type(params, results))] });
    return this.importedFunctions++;
  }

  importTable(module: string, name: string): void {
    this.imports.push({ module, name, kind: [1, 0x70, 0, unsigned(0)] });
  }

  importMemory(module: string, name: string): void {
    this.imports.push({ module, name, kind: [2, 0, unsigned(0)] });
  }

  importTag(module: string, name: string): number {
    this.imports.push({ module, name, kind: [4, 0, unsigned(this.type([], []))] });
    return this.importedTags++;
  }

  /** A table of this module's own, exported. */
  table(name: string, size: number): void {
    this.ownTable = [0x70, 0, unsigned(size)];
    this.exports.push([text(name), 1, unsigned(0)]);
  }

  /** A function, exported by its name; returns its number. */
  func(name: string, params: number[], results: number[], locals: number[], body: Code): number {
    const index = this.importedFunctions + this.declared.length;
    this.declared.push(unsigned(this.type(params, results)));
    const code = flat([vector(locals.map((type) => [1, type])), body, 0x0b], []);
    this.bodies.push([unsigned(code.length), code]);
    this.exports.push([text(name), 0, unsigned(index)]);
    return index;
  }

  assemble(): Uint8Array<ArrayBuffer> {
    const out: number[] = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
    const section = (id: number, items: Code[]) => {
      if (items.length === 0) return;
      const bytes = flat(vector(items), []);
      flat([id, unsigned(bytes.length), bytes], out);
    };
    section(1, this.types);
    section(
      2,
      this.imports.map(({ module, name, kind }) => [text(module), text(name), kind]),
    );
    section(3, this.declared);
    section(4, this.ownTable === undefined ? [] : [this.ownTable]);
    section(7, this.exports);
    section(10, this.bodies);
    return new Uint8Array(out);
  }
}
