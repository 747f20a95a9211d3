/** @kv/replication: replication, primary and replica, as a module of @kv/engine. See README.md. */
export { replicationSystem } from "./system.ts";
