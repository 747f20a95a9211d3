/**
 * The engine's own systems, each a folder. They start in this order, and in this order they are told
 * of what happens: who watches keys hears of a change before the caches do, and what expires between
 * two commands does so before messages leave.
 */
import type { System } from "../module/system.ts";
import { absentSystem } from "./absent.ts";
import { aclSystem } from "./acl/system.ts";
import { appendOnlySystem } from "./append-only/system.ts";
import { blockingSystem } from "./blocking/system.ts";
import { commandsSystem } from "./commands/system.ts";
import { configSystem } from "./config/system.ts";
import { connectionSystem } from "./connection/system.ts";
import { debugSystem } from "./debug/system.ts";
import { expirySystem } from "./expiry/system.ts";
import { infoSystem } from "./info/system.ts";
import { leftoversSystem } from "./leftovers/system.ts";
import { memorySystem } from "./memory/system.ts";
import { migrateSystem } from "./migrate/system.ts";
import { observeSystem } from "./observe/system.ts";
import { pubsubSystem } from "./pubsub/system.ts";
import { savingSystem } from "./saving/system.ts";
import { serverSystem } from "./server/system.ts";
import { shutdownSystem } from "./shutdown/system.ts";
import { trackingSystem } from "./tracking/system.ts";
import { transactionsSystem } from "./transactions/system.ts";
import { waitingSystem } from "./waiting/system.ts";

/** The engine's own systems: all of them, in their order. */
export const ownSystems: readonly System[] = [
  connectionSystem,
  aclSystem,
  transactionsSystem,
  observeSystem,
  pubsubSystem,
  expirySystem,
  trackingSystem,
  memorySystem,
  savingSystem,
  appendOnlySystem,
  leftoversSystem,
  configSystem,
  commandsSystem,
  infoSystem,
  debugSystem,
  serverSystem,
  shutdownSystem,
  blockingSystem,
  waitingSystem,
  migrateSystem,
  absentSystem,
];
