/** What every scenario is given and what it hands back. */
import type { ServerKind } from "./servers.ts";

export interface Sizes {
  name: "full" | "quick" | "tiny";
  /** Rounds when the command line names none. */
  rounds: number;
  pipelines: { keys: number; requests: readonly { depth: number; count: number }[] };
  defaultList: { keys: number; requests: number };
  memory: {
    strings: readonly number[];
    collections: number;
    /** Kinds of collections that are measured, from the first on. */
    kinds: number;
    /** So often keys are loaded and flushed before. */
    warmUps: number;
    settleMs: number;
  };
  snapshot: { keys: number; calmMs: number; writesPerSecond: number };
  restart: { keys: number };
  /** Numbers of replicas that a primary is measured with, and how often a link is lost. */
  replication: { replicas: readonly number[]; resumptions: number };
  start: {
    starts: number;
    /** So long it is left alone, and then watched. */
    settleMs: number;
    watchMs: number;
    /** Keys of a kind that are flushed, and the time that their memory has to come back in. */
    flushed: number;
    returnMs: number;
    /** Kinds of which keys are flushed, from the first on. */
    kinds: number;
  };
  connections: {
    idle: number;
    /** So long they are left alone, and then watched. */
    settleMs: number;
    watchMs: number;
    requests: readonly { depth: number; count: number }[];
  };
  /** `calmMs` is how long clients are watched before. */
  defragmentation: { keys: number; calmMs: number; writesPerSecond: number };
  flatness: { keys: readonly number[]; requests: number; growTo: number };
  scripts: {
    /** Runs of a short script; longer ones are run a fraction as often. */
    requests: number;
    /** Runs that warm up, at least: as many as it takes to compile what they need. */
    warmUps: number;
    starts: number;
  };
  collections: {
    /** How many small ones of each kind. */
    small: number;
    /** Elements of a large one, whose memory, growth and saving are measured. */
    large: number;
    /** Elements of one that commands are run on. */
    used: number;
    requests: number;
    /** Elements of the inputs of commands that go through all of them. */
    inputs: number;
    /** For so long each of them is run, and once more to be measured. */
    runMs: number;
    /** Elements of one that is removed. */
    removed: number;
    /** Kinds that are measured where each takes servers of its own, from the first on. */
    kinds: number;
  };
}

export const sizes: Record<Sizes["name"], Sizes> = {
  full: {
    name: "full",
    rounds: 7,
    pipelines: {
      keys: 1_000_000,
      requests: [
        { depth: 1, count: 300_000 },
        { depth: 16, count: 2_000_000 },
        { depth: 64, count: 4_000_000 },
      ],
    },
    defaultList: { keys: 1_000_000, requests: 500_000 },
    memory: {
      strings: [1_000_000, 5_000_000],
      collections: 1_000_000,
      kinds: Number.POSITIVE_INFINITY,
      warmUps: 20,
      settleMs: 1500,
    },
    snapshot: { keys: 5_000_000, calmMs: 10_000, writesPerSecond: 20_000 },
    restart: { keys: 5_000_000 },
    replication: { replicas: [0, 1, 3], resumptions: 100 },
    start: {
      starts: 15,
      settleMs: 5000,
      watchMs: 10_000,
      flushed: 1_000_000,
      returnMs: 3000,
      kinds: 6,
    },
    connections: {
      idle: 10_000,
      settleMs: 3000,
      watchMs: 5000,
      requests: [
        { depth: 1, count: 200_000 },
        { depth: 16, count: 1_000_000 },
      ],
    },
    defragmentation: { keys: 1_000_000, calmMs: 10_000, writesPerSecond: 10_000 },
    flatness: { keys: [10_000, 1_000_000, 10_000_000], requests: 2_000_000, growTo: 5_000_000 },
    scripts: { requests: 160_000, warmUps: 40_000, starts: 10 },
    collections: {
      small: 1_000_000,
      large: 5_000_000,
      used: 1_000_000,
      requests: 500_000,
      inputs: 500_000,
      runMs: 500,
      removed: 10_000_000,
      kinds: Number.POSITIVE_INFINITY,
    },
  },
  quick: {
    name: "quick",
    rounds: 3,
    pipelines: {
      keys: 1_000_000,
      requests: [
        { depth: 1, count: 100_000 },
        { depth: 16, count: 800_000 },
        { depth: 64, count: 1_600_000 },
      ],
    },
    defaultList: { keys: 1_000_000, requests: 200_000 },
    memory: {
      strings: [1_000_000, 5_000_000],
      collections: 1_000_000,
      kinds: Number.POSITIVE_INFINITY,
      warmUps: 20,
      settleMs: 1500,
    },
    snapshot: { keys: 2_000_000, calmMs: 4_000, writesPerSecond: 20_000 },
    restart: { keys: 2_000_000 },
    replication: { replicas: [0, 1, 3], resumptions: 50 },
    start: {
      starts: 7,
      settleMs: 5000,
      watchMs: 10_000,
      flushed: 1_000_000,
      returnMs: 3000,
      kinds: 6,
    },
    connections: {
      idle: 10_000,
      settleMs: 3000,
      watchMs: 5000,
      requests: [
        { depth: 1, count: 100_000 },
        { depth: 16, count: 500_000 },
      ],
    },
    defragmentation: { keys: 1_000_000, calmMs: 4_000, writesPerSecond: 10_000 },
    flatness: { keys: [10_000, 1_000_000], requests: 800_000, growTo: 2_000_000 },
    scripts: { requests: 80_000, warmUps: 20_000, starts: 5 },
    collections: {
      small: 200_000,
      large: 1_000_000,
      used: 200_000,
      requests: 100_000,
      inputs: 100_000,
      runMs: 300,
      removed: 1_000_000,
      kinds: Number.POSITIVE_INFINITY,
    },
  },
  /** For tests: everything happens once, nothing is measured well. */
  tiny: {
    name: "tiny",
    rounds: 1,
    pipelines: { keys: 1000, requests: [{ depth: 16, count: 2000 }] },
    defaultList: { keys: 1000, requests: 1000 },
    memory: { strings: [2000], collections: 500, kinds: 1, warmUps: 1, settleMs: 50 },
    snapshot: { keys: 2000, calmMs: 100, writesPerSecond: 1000 },
    restart: { keys: 2000 },
    replication: { replicas: [1], resumptions: 2 },
    start: { starts: 1, settleMs: 10, watchMs: 300, flushed: 1000, returnMs: 20, kinds: 1 },
    connections: {
      idle: 50,
      settleMs: 20,
      watchMs: 100,
      requests: [{ depth: 16, count: 2000 }],
    },
    defragmentation: { keys: 3000, calmMs: 100, writesPerSecond: 1000 },
    flatness: { keys: [1000], requests: 2000, growTo: 2000 },
    scripts: { requests: 800, warmUps: 80, starts: 1 },
    collections: {
      small: 500,
      large: 2000,
      used: 1000,
      requests: 500,
      inputs: 500,
      runMs: 5,
      removed: 2000,
      kinds: 1,
    },
  },
};

export interface Context {
  ours: ServerKind;
  redis: ServerKind;
  sizes: Sizes;
  rounds: number;
  /** Tells the person who waits what is going on. */
  say(progress: string): void;
}

export interface Table {
  title?: string;
  columns: readonly string[];
  rows: readonly (readonly string[])[];
}

/** A promise with a limit, and what was measured. */
export interface Claim {
  text: string;
  measured: number;
  atMost: number;
  unit: string;
}

export interface Section {
  /** How the command line names the scenario. */
  name: string;
  title: string;
  method: string;
  tables: readonly Table[];
  claims: readonly Claim[];
  /** What the reader must know to judge the figures: left out, disturbed, refused. */
  remarks: readonly string[];
}

export type Scenario = (context: Context) => Promise<Section>;
