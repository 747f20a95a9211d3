/**
 * The changesets stage: whoever changed a published package told its users so. All changesets since
 * the last release count, so this asks for none of its own from a change that comes before it.
 *
 * The last release is the youngest commit that wrote a changelog; before the first one, all of
 * history counts. Branches play no part in it, so that it holds on any clone: without `main`, on a
 * commit without a branch, and on one that was fetched without its history, where only what is not
 * committed yet can be judged.
 */
import { run } from "./prepare.mjs";

async function git(...args) {
  const { code, output } = await run("git", args);
  return code === 0 ? output.trim() : undefined;
}

async function lastRelease() {
  if ((await git("rev-parse", "--is-shallow-repository")) === "true") return "HEAD";
  const changelogs = ["packages/*/CHANGELOG.md", "apps/*/CHANGELOG.md"];
  const release = await git("log", "-1", "--format=%H", "HEAD", "--", ...changelogs);
  if (release) return release;
  return (await git("rev-list", "--max-parents=0", "HEAD"))?.split("\n").at(-1);
}

/** `changeset status` since then. Returns `run`'s result. */
export async function judgeChangesets() {
  const since = await lastRelease();
  if (since === undefined) return { code: 0, output: "", note: ": left out, as this is no clone" };
  return run("changeset", ["status", `--since=${since}`]);
}
