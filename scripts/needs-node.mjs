/**
 * Stops a script on a Node that cannot even install what is needed, in plain words. The Node that
 * runs everything else comes with the install.
 *
 * Imported for its effect, ahead of everything else. Its syntax and that of whoever imports it is
 * such that Node 12 can read it; what comes after is loaded with import().
 */
const needed = 20;
const found = process.versions.node;

if (parseInt(found, 10) < needed) {
  process.stderr.write(
    `kv needs Node.js ${needed} or later to install itself, but this is Node.js ${found} (${process.execPath}).\n`,
  );
  process.exit(1);
}
