/** Cluster commands where the cluster is off: known, checked as all others, and refused. */
import type { Transcript } from "./transcript.ts";

const IN_7_2 = "new in 7.2";

const alone: Transcript = [
  ...["READONLY", "READWRITE", "ASKING", "readonly", "READONLY x", "READWRITE x", "ASKING x"],
  ...["CLUSTER", "CLUSTER HELP", "CLUSTER HELP x", "CLUSTER NOPE", "CLUSTER NOPE x", "CLUSTER ''"],
  ...["CLUSTER INFO", "cluster nodes", "CLUSTER NODES x", "CLUSTER MYID", "CLUSTER SLOTS"],
  ...["CLUSTER SHARDS", "CLUSTER LINKS", "CLUSTER KEYSLOT a", "CLUSTER COUNTKEYSINSLOT 1"],
  ...["CLUSTER GETKEYSINSLOT 1 1", "CLUSTER GETKEYSINSLOT x x", "CLUSTER MEET", "CLUSTER MEET a 1"],
  ...["CLUSTER ADDSLOTS", "CLUSTER ADDSLOTS 1", "CLUSTER ADDSLOTSRANGE 1", "CLUSTER RESET"],
  ...["CLUSTER RESET HARD", "CLUSTER FAILOVER", "CLUSTER FORGET x", "CLUSTER REPLICATE x"],
  ...["CLUSTER REPLICAS x", "CLUSTER SLAVES x", "CLUSTER SAVECONFIG", "CLUSTER BUMPEPOCH"],
  ...["CLUSTER SET-CONFIG-EPOCH 1", "CLUSTER SETSLOT 1 STABLE", "CLUSTER FLUSHSLOTS"],
  ...["CLUSTER DELSLOTS 1", "CLUSTER DELSLOTSRANGE 1 2", "CLUSTER COUNT-FAILURE-REPORTS x"],
].map((line) => line.split(" "));

/** They are queued like others, and fail when they run; what is wrong in itself ends it all. */
const inTransactions: Transcript = [
  ["MULTI"],
  ["READONLY"],
  ["CLUSTER", "NODES"],
  ["ASKING"],
  ["PING"],
  ["CLUSTER", "HELP"],
  ["READWRITE"],
  ["EXEC"],
  ["MULTI"],
  ["CLUSTER", "NOPE"],
  ["EXEC"],
  ["MULTI"],
  ["READONLY", "x"],
  ["EXEC"],
];

export const transcript: Transcript = [
  ...alone,
  { request: ["CLUSTER", "MYSHARDID"], differs: IN_7_2 },
  ...inTransactions,
];
