/** The modules that every server has, before those that an embedder brings. */
import type { System } from "@kv/engine";
import { luaModule } from "@kv/lua/node";
import { replicationSystem } from "@kv/replication";
import { scriptingSystem } from "@kv/scripting";

/** These modules, with the server's own in front. */
export function withOwnModules(modules: readonly System[] = []): readonly System[] {
  return [scriptingSystem(luaModule), replicationSystem, ...modules];
}
