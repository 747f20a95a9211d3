/**
 * What this package takes of WebAssembly. The types of the language's library do not have it, and
 * those of browsers and of Node differ in what they know of suspension, so it is said here.
 */

/** Compiled code, as `WebAssembly.compile` or `new WebAssembly.Module` gives it. */
export interface WasmModule {
  /** `WebAssembly.Module`. */
  readonly [Symbol.toStringTag]?: string;
}

// biome-ignore lint/suspicious/noExplicitAny: exports are whatever the module says.
export type WasmFunction = (...values: any[]) => any;

export interface WasmMemory {
  readonly buffer: ArrayBuffer;
  /** Adds pages of 64 KiB; throws when there are none. */
  grow(pages: number): number;
}

export interface WasmTable {
  readonly length: number;
  get(index: number): WasmFunction | null;
  set(index: number, value: WasmFunction): void;
  grow(count: number): number;
}

/** What a function of the glue throws through WebAssembly. */
export interface WasmException {
  is(tag: object): boolean;
}

interface Engine {
  Module: new (bytes: Uint8Array) => WasmModule;
  Instance: new (
    module: WasmModule,
    imports: Record<string, Record<string, unknown>>,
  ) => { exports: Record<string, unknown> };
  Tag: new (type: { parameters: string[] }) => object;
  Exception: new (tag: object, values: unknown[]) => WasmException;
  Suspending?: new (work: () => Promise<void>) => object;
  promising?: (work: WasmFunction) => (...values: number[]) => Promise<unknown>;
}

/** Stands in where the runtime has none, as `node --jitless`: whoever wants to use it is told. */
class Missing {
  constructor() {
    const error = new Error("This runtime has no WebAssembly");
    throw Object.assign(error, { code: "ERR_NO_WEBASSEMBLY" });
  }
}

const missing = { Module: Missing, Instance: Missing, Tag: Missing, Exception: Missing };

export const wasm: Engine =
  (globalThis as unknown as { WebAssembly?: Engine }).WebAssembly ?? (missing as unknown as Engine);

/** Whether this runtime can stop a running script and go on with it later. */
export const canSuspend = wasm.Suspending !== undefined && wasm.promising !== undefined;
