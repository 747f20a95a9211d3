/**
 * `pnpm api [--check]`: the report of what each published package exports, a file for each of its doors:
 *
 *      packages/persistence/api/index.api.md  testing.api.md  node.api.md
 *
 * Reports are committed, so that a change of what others build on shows in review. `--check` changes no
 * file and fails when a report is not what the sources say. Either way it fails when a public signature
 * names a type that its package does not export. What a report marks as undocumented is judged by the test
 * of @kv/testing that is called docstrings; `--undocumented` prints it here, with its place.
 *
 * The reports are made of the declarations that `tsc -b` has written.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { Extractor, ExtractorConfig, ExtractorLogLevel } from "@microsoft/api-extractor";
import { root } from "./pinned-node.mjs";
import { run, workspaceFolders } from "./prepare.mjs";

const isCheck = process.argv.includes("--check");
const showsUndocumented = process.argv.includes("--undocumented");
const { None: none, Error: error, Warning: warning } = ExtractorLogLevel;

/** Compiles nothing: the declarations are there. Conditions are those of a user, so no sources. */
const compilerOptions = {
  target: "es2024",
  lib: ["es2024", "esnext.disposable"],
  module: "nodenext",
  moduleResolution: "nodenext",
  types: ["node"],
  strict: true,
  skipLibCheck: true,
};

const messages = {
  compilerMessageReporting: { default: { logLevel: error } },
  extractorMessageReporting: {
    default: { logLevel: error },
    "ae-undocumented": { logLevel: warning },
    // Everything exported is public, and says so by being exported.
    "ae-missing-release-tag": { logLevel: none },
    "ae-internal-missing-underscore": { logLevel: none },
  },
  // Our comments are prose that editors show as it is, not TSDoc.
  tsdocMessageReporting: { default: { logLevel: none } },
};

/** The doors of a package that have types: name and declaration file. */
function doorsOf(folder) {
  const { exports } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return Object.entries(exports).flatMap(([door, target]) => {
    const types = target.types ?? target.import?.types;
    return types === undefined
      ? []
      : [{ name: door.slice(2) || "index", types: join(folder, types) }];
  });
}

/** The names that a report has as exports. */
function exportsIn(reportFile) {
  const text = readFileSync(reportFile, "utf8");
  const declared =
    /^export (?:declare )?(?:abstract )?(?:class|interface|type|function|const|enum|namespace) (\w+)/gm;
  return [...text.matchAll(declared)].map(([, name]) => name);
}

/** Writes or compares one report. Answers what is wrong, a line each. */
function report(folder, { name, types }, mainExports) {
  const place = relative(root, folder);
  const reportFolder = join(folder, "api");
  if (!isCheck) mkdirSync(reportFolder, { recursive: true });
  const file = `${name}.api.md`;
  if (isCheck && !existsSync(join(reportFolder, file))) return [`${place}/api/${file} is missing`];
  const config = ExtractorConfig.prepare({
    configObject: {
      projectFolder: folder,
      mainEntryPointFilePath: types,
      newlineKind: "lf",
      compiler: { overrideTsconfig: { compilerOptions, files: [types] } },
      apiReport: { enabled: true, reportFolder, reportTempFolder: scratch, reportFileName: file },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages,
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: join(folder, "package.json"),
  });
  const problems = [];
  const { apiReportChanged } = Extractor.invoke(config, {
    localBuild: !isCheck,
    messageCallback(message) {
      message.handled = true;
      const { category, messageId, logLevel, text, sourceFilePath, sourceFileLine } = message;
      if (category === "console" || logLevel === "none" || logLevel === "verbose") return;
      // What the package's main door exports can be had.
      const symbol = /^The symbol "(\w+?)(?:_\d+)?" needs/.exec(text)?.[1];
      if (messageId === "ae-forgotten-export" && mainExports.includes(symbol)) return;
      const file = sourceFilePath === undefined ? place : relative(root, sourceFilePath);
      const line = `${file}:${sourceFileLine ?? 1} ${text}`;
      if (messageId !== "ae-undocumented") problems.push(line);
      else if (showsUndocumented) console.log(line);
    },
  });
  if (isCheck && apiReportChanged)
    problems.push(`${place}/api/${file} is not what the sources say`);
  return problems;
}

const published = workspaceFolders().filter(
  (folder) => !JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).private,
);
const { code, output } = await run("tsc", ["-b"]);
if (code !== 0) {
  console.log(output);
  process.exit(1);
}
const scratch = mkdtempSync(join(tmpdir(), "kv-api-"));
const problems = published.flatMap((folder) => {
  const doors = doorsOf(folder);
  const mainExports = [];
  const found = doors.flatMap((door) => {
    const problems = report(folder, door, mainExports);
    if (door.name === "index") mainExports.push(...exportsIn(join(scratch, "index.api.md")));
    return problems;
  });
  // The report of a door that is no more.
  const known = new Set(doors.map(({ name }) => `${name}.api.md`));
  const reports = existsSync(join(folder, "api")) ? readdirSync(join(folder, "api")) : [];
  for (const name of reports.filter((each) => !known.has(each))) {
    if (isCheck) found.push(`${relative(root, folder)}/api/${name} is of no door`);
    else rmSync(join(folder, "api", name));
  }
  return found;
});
rmSync(scratch, { recursive: true, force: true });
if (problems.length > 0) {
  console.log(problems.join("\n"));
  console.log(
    "Where a report differs: look whether you meant the change, run `pnpm api`, and commit the reports with it.",
  );
}
process.exitCode = problems.length === 0 ? 0 : 1;
