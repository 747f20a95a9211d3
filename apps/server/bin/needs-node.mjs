/**
 * Stops a program on a Node that is too old for it, in plain words.
 *
 * Imported for its effect, ahead of everything else. Its syntax and that of whoever imports it is
 * such that Node 12 can read it; what comes after is loaded with import() and may be of any kind.
 */
const needed = 24; // As `engines` in package.json says.
const found = process.versions.node;

if (parseInt(found, 10) < needed) {
  const program = process.argv[1]
    .split(/[\\/]/)
    .pop()
    .replace(/\.mjs$/, "");
  process.stderr.write(
    `${program} needs Node.js ${needed} or later, but this is Node.js ${found} (${process.execPath}).\n`,
  );
  process.exit(1);
}
