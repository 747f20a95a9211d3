/** MIGRATE: moves keys to another server, by RESTORE there and DEL here, once it has them. */
import {
  arg,
  CommandError,
  errors,
  type FoundKeys,
  foundAt,
  keyAt,
  Notify,
  type RequestWords,
} from "@kv/commands";
import { NONE } from "@kv/core";
import { type EngineCall, engineCommand } from "../../module/engine-call.ts";
import type { Migration, Plan } from "./migration.ts";
import { migratePort } from "./migrations.ts";
import { KeyState } from "./moving-keys.ts";

const TIMEOUT_DEFAULT_MS = 1000;
const KEY = 3;

const keyNotEmpty = new CommandError(
  "ERR When using MIGRATE KEYS option, the key argument must be set to the empty string",
);
const cannotWait = new CommandError(
  "ERR MIGRATE waits for another server, which neither a transaction nor a script can do",
);
const changed = new CommandError(
  "ERR A key has changed while it was being migrated: it stays here, and the target has what it was before",
);

export const migrate = engineCommand({
  name: "migrate",
  group: "generic",
  since: "2.6.0",
  summary: "Moves keys to another server, or copies them.",
  complexity: "O(N) with N bytes of the values, here, on the way, and there.",
  differs:
    "Only the client waits for the other server; whoever would change one of the keys waits as well, and all others are served. In transactions and scripts it is an error.",
  arity: -6,
  flags: ["write", "movablekeys"],
  categories: ["keyspace", "dangerous"],
  keys: [
    keyAt(KEY, "RW", "access", "delete"),
    {
      flags: ["RW", "access", "delete", "incomplete"],
      begin: { type: "keyword", keyword: "KEYS", startFrom: -2 },
      find: { type: "range", last: -1, step: 1, limit: 0 },
    },
  ],
  getKeys: keysIn,
  tips: ["nondeterministic_output"],
  args: [
    arg.string("host"),
    arg.integer("port"),
    arg.oneOf("key-selector", arg.key("key"), arg.token("empty-string", "")),
    arg.integer("destination-db"),
    arg.integer("timeout"),
    arg.optional(arg.token("copy", "COPY", { since: "3.0.0" })),
    arg.optional(arg.token("replace", "REPLACE", { since: "3.0.0" })),
    arg.optional(
      arg.oneOf(
        "authentication",
        arg.string("auth", { token: "AUTH", displayText: "password", since: "4.0.7" }),
        {
          ...arg.block("auth2", arg.string("username"), arg.string("password")),
          token: "AUTH2",
          since: "6.0.0",
        },
      ),
    ),
    arg.optional(
      arg.many(
        arg.key("keys", { token: "KEYS", displayText: "key", keySpecIndex: 1, since: "3.0.6" }),
      ),
    ),
  ],
  history: [
    ["3.0.0", "Added COPY and REPLACE."],
    ["3.0.6", "Added KEYS."],
    ["4.0.7", "Added AUTH."],
    ["6.0.0", "Added AUTH2."],
  ],

  run(call) {
    const migrations = call.engine.of(migratePort);
    if (migrations.concluding !== null) {
      conclude(call, migrations.concluding);
      return;
    }
    const plan = planOf(call);
    let count = 0;
    for (let key = plan.firstKey; key < plan.firstKey + plan.keyCount; key++)
      if (call.lookupRead(key) !== NONE) count++;
    if (count === 0) {
      call.reply.simple("NOKEY");
      return;
    }
    if (!call.mayWait) throw cannotWait;
    migrations.begin(call, plan);
  },
});

/** Behind KEYS, which may be the password of AUTH as well; without it, the one key. */
function keysIn(request: RequestWords): FoundKeys[] {
  const flags = ["RW", "access", "delete"] as const;
  const { argc } = request;
  if (request.length(KEY) > 0) return [foundAt(KEY, ...flags)];
  for (let index = 6; index < argc; index++) {
    if (request.is(index, "AUTH")) index++;
    else if (request.is(index, "AUTH2")) index += 2;
    else if (request.is(index, "KEYS"))
      return [{ index: index + 1, count: argc - index - 1, step: 1, flags }];
  }
  return [foundAt(KEY, ...flags)];
}

function planOf(call: EngineCall): Plan {
  const { argc, engine } = call;
  let isCopy = false;
  let replaces = false;
  let login: Uint8Array[] | null = null;
  let firstKey = KEY;
  let keyCount = 1;
  for (let index = 6; index < argc; index++) {
    const moreCount = argc - 1 - index;
    if (call.is(index, "COPY")) isCopy = true;
    else if (call.is(index, "REPLACE")) replaces = true;
    else if (call.is(index, "AUTH") && moreCount >= 1) login = [call.argument(++index).slice()];
    else if (call.is(index, "AUTH2") && moreCount >= 2)
      login = [call.argument(++index).slice(), call.argument(++index).slice()];
    else if (call.is(index, "KEYS")) {
      if (call.length(KEY) !== 0) throw keyNotEmpty;
      firstKey = index + 1;
      keyCount = moreCount;
      break;
    } else throw errors.syntax;
  }
  const timeoutMs = call.integer(5);
  const targetIndex = call.integer(4);
  const port = call.word(2);
  return {
    dialTarget: {
      host: call.word(1),
      port: /^\d{1,5}$/.test(port) ? Number(port) : 0,
      isTls: engine.config.boolean("tls-cluster"),
      sourceAddress: "",
    },
    targetIndex,
    timeoutMs: timeoutMs > 0 ? timeoutMs : TIMEOUT_DEFAULT_MS,
    isCopy,
    replaces,
    login,
    firstKey,
    keyCount,
  };
}

/** Removes what the other server has, and answers. */
function conclude(call: EngineCall, migration: Migration): void {
  const { database, engine, reply } = call;
  const { plan, request } = migration;
  const { moving } = engine.of(migratePort);
  const lazily = engine.settings.lazyServerDel;
  const removed: Uint8Array[] = [];
  let hasChanged = false;
  for (let key = plan.firstKey; key < plan.firstKey + plan.keyCount && !plan.isCopy; key++) {
    const entry = call.findStored(key);
    if (entry === NONE) continue;
    const state = moving.stateOf(call.client, database.index, request, key);
    if (state === KeyState.CHANGED) hasChanged = true;
    if (state !== KeyState.TAKEN) continue;
    database.remove(entry, lazily);
    call.changed(key, "del", Notify.GENERIC);
    if (call.propagates) removed.push(call.argument(key));
  }
  if (removed.length > 0) call.propagateAs("DEL", ...removed);
  if (migration.error !== "") throw new CommandError(migration.error);
  if (hasChanged) throw changed;
  reply.ok();
}
