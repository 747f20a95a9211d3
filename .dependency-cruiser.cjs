/**
 * The layers of the repository, one rule each. Imports only look down:
 *
 *   apps       server   bench                              may use node:* ; nothing imports an app
 *   modules    scripting   replication   sentinel          see what an engine offers; scripting lua, too
 *   engine     engine                                      sees the parts and the ground
 *   parts      commands   acl   persistence   eviction   config   see what their rule says
 *   ground     core   resp   lua                           import nothing, not even each other
 *
 * @kv/testing stands outside the picture: it sees everything below the apps, and only tests see it.
 * The comment of each rule says what to do instead of the import that it refuses.
 *
 * The rules stand in the order in which they may speak: an import that breaks several is one entry
 * in the report (scripts/layers-report.mjs), with the advice of the first. So a forbidden package is
 * "have it passed in" and never "declare it", whether pnpm finds it or not.
 */

/** Files that are no part of a layer: they may use test tools, Node and @kv/testing. */
const TESTS = "[.](test|bench|interop)[.]ts$|^apps/[^/]+/interop/";

/** A rule that lets `name` import only itself, the packages of `below` and the npm packages of `npm`. */
function layer(name, below, comment, npm = []) {
  return {
    name: `layer-${name}`,
    severity: "error",
    comment,
    from: { path: `^packages/${name}/src/`, pathNot: TESTS },
    to: {
      pathNot: [
        // What pnpm does not resolve keeps the name that was written: to declare it is the advice
        // for a package of the layers below, for all others this rule's.
        ...[name, ...below].map((each) => `^(packages|@kv)/${each}(/|$)`),
        ...npm.map((each) => `(^|node_modules/)${each}(/|$)`),
        // A path into nowhere is no matter of layers.
        "^[.]",
      ],
      // Built-in modules are the business of no-io-below-the-apps, which has its own exceptions.
      dependencyTypesNot: ["core"],
    },
  };
}

module.exports = {
  forbidden: [
    {
      name: "nothing-imports-an-app",
      severity: "error",
      comment: "Nothing imports an app. Move what is shared into the package that owns the idea.",
      from: { path: "^(packages|apps)/([^/]+)/" },
      to: { path: "^(apps/|@kv/(server|bench)(/|$))", pathNot: "^(apps|@kv)/$2(/|$)" },
    },
    {
      name: "testing-only-from-tests",
      severity: "error",
      comment:
        "@kv/testing is for *.test.ts, *.bench.ts and *.interop.ts. Production code takes its host from the app.",
      from: { path: "^(packages|apps)/", pathNot: [TESTS, "^packages/testing/"] },
      to: { path: "^(packages|@kv)/testing(/|$)" },
    },
    layer("core", [], "@kv/core imports nothing. Need a clock, a log, a list? Have it passed in."),
    layer("resp", [], "@kv/resp imports nothing, not even @kv/core: it turns bytes into bytes."),
    layer(
      "lua",
      [],
      "@kv/lua imports nothing but the machine that it drives: it runs Lua, it knows no Redis.",
      ["wasmoon-lua5.1"],
    ),
    layer(
      "commands",
      ["core", "resp"],
      "@kv/commands may import @kv/core and @kv/resp. Need more? Have it passed in.",
    ),
    layer(
      "acl",
      ["commands", "core", "resp"],
      "@kv/acl may import @kv/commands and the ground: it knows rules, not clients. Need more? Have it passed in.",
    ),
    layer(
      "persistence",
      ["core", "resp"],
      "@kv/persistence may import @kv/core and @kv/resp. Need files or time? Use the storage and the clock it is given.",
    ),
    layer(
      "eviction",
      ["core"],
      "@kv/eviction may import @kv/core. Need the limits? They are plain options, passed in.",
    ),
    layer(
      "config",
      [],
      "@kv/config may import zod and nothing else. A directive belongs to the module that reads it; hand its row in.",
      ["zod"],
    ),
    layer(
      "engine",
      ["acl", "commands", "config", "core", "eviction", "persistence", "resp"],
      "@kv/engine sees the parts and the ground. Need I/O? Add it to Host and let the app supply it.",
    ),
    layer(
      "scripting",
      ["acl", "commands", "config", "core", "engine", "lua", "persistence", "resp"],
      "@kv/scripting is a module: it sees @kv/lua and what an engine offers. Need more of the engine? Ask a port.",
    ),
    layer(
      "replication",
      ["commands", "config", "core", "engine", "persistence", "resp"],
      "@kv/replication is a module: it sees what an engine offers. Need sockets, files or time? The engine's host has them.",
    ),
    layer(
      "sentinel",
      ["commands", "config", "engine", "resp"],
      "@kv/sentinel is a module: it sees what an engine offers. Need sockets, files or time? The engine's host has them.",
    ),
    layer(
      "testing",
      [
        ...[
          "acl",
          "commands",
          "config",
          "core",
          "engine",
          "eviction",
          "lua",
          "persistence",
          "resp",
        ],
        "replication",
        "scripting",
        "sentinel",
      ],
      "@kv/testing sees everything below the apps. A test that needs an app stands in that app.",
      ["fast-check", "vitest"],
    ),
    {
      name: "engine-root-is-for-the-door",
      severity: "error",
      comment:
        "engine.ts and configuration.ts put the engine together: only index.ts imports them. Take what you need as a constructor's argument, or ask the ports.",
      from: { path: "^packages/engine/src/", pathNot: [TESTS, "^packages/engine/src/index[.]ts$"] },
      to: { path: "^packages/engine/src/(engine|configuration)[.]ts$" },
    },
    {
      name: "engine-kernel-sees-no-system",
      severity: "error",
      comment:
        "The kernel knows no system, nor what a system is. Let the system hand in a listener, a guard or a job (module/system.ts).",
      from: { path: "^packages/engine/src/kernel/", pathNot: TESTS },
      to: { path: "^packages/engine/src/(systems|module)/" },
    },
    {
      name: "engine-module-sees-no-system",
      severity: "error",
      comment:
        "module/ says what a system is, and sees none. What several systems share belongs here; what one has stays in its folder.",
      from: { path: "^packages/engine/src/module/", pathNot: TESTS },
      to: { path: "^packages/engine/src/systems/" },
    },
    {
      name: "engine-systems-see-no-sibling",
      severity: "error",
      comment:
        "A system sees the kernel and module/, never another system. Declare a port in module/ports.ts with no more than what you need of the other one.",
      from: { path: "^packages/engine/src/systems/([^/]+)/", pathNot: TESTS },
      to: { path: "^packages/engine/src/systems/", pathNot: "^packages/engine/src/systems/$1/" },
    },
    {
      name: "no-io-below-the-apps",
      severity: "error",
      comment:
        "Only apps/*, files named node.ts, tests and @kv/testing may import Node's modules. Describe what you need as an interface and let the app pass it in.",
      from: { path: "^packages/", pathNot: ["(^|/)node[.]ts$", "^packages/testing/", TESTS] },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "only-public-doors",
      severity: "error",
      comment:
        "Import another package by its name. Its doors are index.ts and, where present, testing.ts and node.ts.",
      from: { path: "^(packages|apps)/([^/]+)/", pathNot: "^packages/testing/" },
      to: {
        // A door that the package's `exports` do not have keeps the name that was written.
        path: "^(packages|@kv)/[^/]+/",
        pathNot: [
          "^packages/$2/",
          "^packages/[^/]+/src/(index|testing|node)[.]ts$",
          "^@kv/[^/]+/(testing|node)$",
        ],
      },
    },
    {
      name: "no-cycles",
      severity: "error",
      comment:
        "Two files that need each other are one idea, or hide a third: move the shared part.",
      from: { path: "^(packages|apps)/([^/]+)/" },
      to: { circular: true, viaOnly: { path: "^$1/$2/" } },
    },
    {
      name: "no-missing-file",
      severity: "error",
      comment: "There is no such file: fix the path.",
      from: { path: "^(packages|apps)/" },
      to: { couldNotResolve: true, path: "^[.]" },
    },
    {
      name: "no-undeclared-package",
      severity: "error",
      comment: "Declare the package in the package.json of the importing package.",
      from: { path: "^(packages|apps)/" },
      to: { couldNotResolve: true, pathNot: "^[.]" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(^|/)(dist|fixtures)/" },
    tsConfig: { fileName: "tsconfig.base.json" },
    // Type-only imports count: a layer that knows another's types depends on it.
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      conditionNames: ["@kv/source", "import", "node", "default"],
      exportsFields: ["exports"],
      extensions: [".ts", ".js", ".mjs", ".cjs", ".json", ".d.ts"],
    },
  },
};
