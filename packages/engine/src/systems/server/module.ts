/**
 * MODULE: native modules cannot be loaded here. The caller is told what Redis tells for a library
 * that cannot be opened, since clients compare the text; the reason stands in the log it points to.
 */
import { arg, CommandError, helpCommand } from "@kv/commands";
import { type EngineCall, engineCommand } from "../../module/engine-call.ts";

const notPossible = new CommandError(
  "ERR Error loading the extension. Please check the server logs.",
);
const notLoaded = new CommandError("ERR Error unloading module: no such module with that name");

const facts = {
  group: "server",
  since: "4.0.0",
  flags: ["admin", "noscript", "no_async_loading", "protected"],
} as const;

function refuse(call: EngineCall): void {
  call.engine.host.log(
    "warning",
    `Module ${call.word(2)} failed to load: native modules are not supported by this server`,
  );
  throw notPossible;
}

const list = engineCommand({
  ...facts,
  name: "list",
  summary: "Lists the loaded modules: there are none.",
  differs: "The list is empty, since no native module can be loaded.",
  complexity: "O(1)",
  arity: 2,
  flags: ["admin", "noscript"],
  tips: ["nondeterministic_output_order"],
  run({ reply }) {
    reply.emptyArray();
  },
});

const load = engineCommand({
  ...facts,
  name: "load",
  summary: "Would load a native module.",
  differs: "Refused: native modules cannot be loaded.",
  complexity: "O(1)",
  arity: -3,
  args: [arg.string("path"), arg.optional(arg.many(arg.string("arg")))],
  run: refuse,
});

const loadex = engineCommand({
  ...facts,
  name: "loadex",
  since: "7.0.0",
  summary: "Would load a native module with a configuration.",
  differs: "Refused: native modules cannot be loaded.",
  complexity: "O(1)",
  arity: -3,
  args: [
    arg.string("path"),
    arg.optional(
      arg.many({
        ...arg.block("configs", arg.string("name"), arg.string("value")),
        token: "CONFIG",
        multipleToken: true,
      }),
    ),
    arg.optional(arg.many(arg.string("args", { token: "ARGS" }))),
  ],
  run: refuse,
});

const unload = engineCommand({
  ...facts,
  name: "unload",
  summary: "Would unload a native module.",
  differs: "Refused: there is none to unload.",
  complexity: "O(1)",
  arity: 3,
  args: [arg.string("name")],
  run() {
    throw notLoaded;
  },
});

const subcommands = [list, load, loadex, unload];

export const module = engineCommand({
  name: "module",
  group: "server",
  since: "4.0.0",
  summary: "Groups the commands for native modules.",
  complexity: "As the subcommand.",
  arity: -2,
  flags: [],
  subcommands: [...subcommands, helpCommand("module", { group: "server", since: "5.0.0" })],
});
