/**
 * What the packages below the apps may take from their surroundings beyond the language itself.
 * These exist in every JavaScript runtime, do no I/O and tell no time, so the packages stay
 * runnable anywhere and their tests stay repeatable. Everything else enters through `Host`.
 */

declare class TextEncoder {
  encode(text?: string): Uint8Array<ArrayBuffer>;
  encodeInto(text: string, target: Uint8Array): { read: number; written: number };
}

declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
  decode(bytes?: ArrayBufferView | ArrayBuffer, options?: { stream?: boolean }): string;
}
