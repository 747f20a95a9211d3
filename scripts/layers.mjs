/**
 * `pnpm layers`: reads all imports and prints one line for each that a rule of
 * .dependency-cruiser.cjs refuses, with the advice of that rule.
 *
 *     packages/core/src/memory/arena.ts imports @kv/engine: @kv/core imports nothing. ... (layer-core)
 *
 * dependency-cruiser lists an import once for each rule it breaks; here the rule that stands first
 * in the configuration speaks for all. Works on the folder it is called in.
 */
import { cruise } from "dependency-cruiser";
import extractDepcruiseOptions from "dependency-cruiser/config-utl/extract-depcruise-options";
import extractTSConfig from "dependency-cruiser/config-utl/extract-ts-config";

const options = await extractDepcruiseOptions("./.dependency-cruiser.cjs");
const tsConfig = extractTSConfig("tsconfig.base.json");
const { output } = await cruise(["packages", "apps"], options, undefined, { tsConfig });
const { violations, totalCruised } = output.summary;
const rules = options.ruleSet.forbidden;
const rankOf = ({ rule }) => rules.findIndex(({ name }) => name === rule.name);

const told = new Map();
for (const violation of violations) {
  const key = `${violation.from}\n${violation.to}`;
  const other = told.get(key);
  if (other === undefined || rankOf(violation) < rankOf(other)) told.set(key, violation);
}

const lines = [...told.values()].map((violation) => {
  const { from, to, unresolvedTo = to, cycle } = violation;
  const { name, comment } = rules[rankOf(violation)];
  const what =
    cycle === undefined
      ? `imports ${unresolvedTo}`
      : `imports itself by way of ${cycle.map((each) => each.name).join(", ")}`;
  return `${from} ${what}: ${comment} (${name})`;
});
for (const line of lines.sort()) console.error(line);
console.log(`${lines.length} imports refused in ${totalCruised} files`);
process.exitCode = lines.length === 0 ? 0 : 1;
