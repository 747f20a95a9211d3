/** All scenarios, in the order in which they are run and reported. */
import type { Scenario } from "../scenario.ts";
import { connections } from "./connections.ts";
import { defaultList } from "./default-list.ts";
import { defragmentation } from "./defragmentation.ts";
import { durable } from "./durable.ts";
import { elements } from "./elements.ts";
import { files } from "./files.ts";
import { flatness } from "./flatness.ts";
import { large } from "./large.ts";
import { memory } from "./memory.ts";
import { pipelines } from "./pipelines.ts";
import { replication } from "./replication.ts";
import { restart } from "./restart.ts";
import { resuming } from "./resuming.ts";
import { scripts } from "./scripts.ts";
import { rewrite, snapshot } from "./snapshot.ts";
import { snapshotCollections } from "./snapshot-collections.ts";
import { startScenario } from "./start.ts";
import { stops } from "./stops.ts";
import { whole } from "./whole.ts";

export const scenarios: ReadonlyMap<string, Scenario> = new Map([
  ["pipelines", pipelines],
  ["default-list", defaultList],
  ["memory", memory],
  ["snapshot", snapshot],
  ["start", startScenario],
  ["restart", restart],
  ["flatness", flatness],
  ["connections", connections],
  ["elements", elements],
  ["large", large],
  ["whole", whole],
  ["files", files],
  ["stops", stops],
  ["snapshot-collections", snapshotCollections],
  ["scripts", scripts],
  ["defragmentation", defragmentation],
  ["durable", durable],
  ["rewrite", rewrite],
  ["replication", replication],
  ["resuming", resuming],
]);
