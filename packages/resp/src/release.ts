/**
 * Giving memory back without waiting for the garbage collector.
 *
 * A buffer of JavaScript's is freed when the collector happens to look, and it looks at how the
 * heap grows, not at the memory outside it: an idle server would keep what its last large request
 * took for as long as it idles. Moving a buffer's memory into an empty one frees it there and then.
 */

/** Smaller ones are the allocator's to keep anyway. */
const RELEASE_BYTES_MIN = 64 * 1024;

/**
 * Frees the memory under `bytes`, where that is worth it. The caller must be its only owner: every
 * view over the same memory is empty from then on, and nobody outside JavaScript (a write under
 * way) may be reading it.
 */
export function release(bytes: Uint8Array | Int32Array): void {
  const { buffer } = bytes;
  if (buffer.byteLength >= RELEASE_BYTES_MIN) (buffer as ArrayBuffer).transfer(0);
}
