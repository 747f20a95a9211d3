/** @kv/replication: the primary side of replication as a module of @kv/engine. See README.md. */
export { replicationSystem } from "./system.ts";
