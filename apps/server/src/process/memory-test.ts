/**
 * --test-memory: writes patterns over as much memory as asked for and reads them back. Finds bits
 * that do not hold; a machine that passes may still have some.
 */
const blockWords = 16 * 1024 * 1024; // 64 MiB

type Pattern = readonly [name: string, word: (index: number) => number];

const patterns: readonly Pattern[] = [
  ["addresses", (index) => index],
  ["inverted addresses", (index) => ~index],
  ["zeros", () => 0],
  ["ones", () => -1],
  ["checkerboard", (index) => (index % 2 === 0 ? 0x55555555 : 0xaaaaaaaa | 0)],
  ["mixed", (index) => Math.imul(index ^ (index >>> 15), 0x2c1b3c6d)],
];

/** True if every word came back as it was written. */
export function testMemory(megabytes: number, print: (text: string) => void): boolean {
  const blocks: Int32Array[] = [];
  for (let words = megabytes * 256 * 1024; words > 0; words -= blockWords) {
    blocks.push(new Int32Array(Math.min(words, blockWords)));
  }
  let failures = 0;
  for (const [name, word] of patterns) {
    print(`${name}...`);
    for (const block of blocks) for (let i = 0; i < block.length; i++) block[i] = word(i);
    const before = failures;
    for (const block of blocks) {
      for (let i = 0; i < block.length; i++) if (block[i] !== word(i)) failures++;
    }
    print(failures === before ? "OK\n" : `${failures - before} WORDS DIFFER\n`);
  }
  print(
    failures === 0
      ? "\nYour memory passed this test.\n"
      : "\nMEMORY ERROR DETECTED: do not trust this machine.\n",
  );
  return failures === 0;
}
