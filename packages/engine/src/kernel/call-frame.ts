/**
 * CallFrame: what a running command's call had come to, kept while others are run in its place
 * (execution.ts) or behind it (reexecution.ts), so that its changes, its rewriting and its own words
 * are there again afterwards.
 */
import type { CommandRow, Wait } from "@kv/commands";
import type { Database } from "@kv/core";
import type { ArgVector } from "@kv/resp";
import type { Client } from "./client.ts";
import type { ClientCall } from "./client-call.ts";

/** What a call had come to: see the head of this file. */
export interface CallFrame {
  /** Who sent the command. */
  readonly client: Client;
  /** The batch that it is part of. */
  readonly args: ArgVector;
  /** Its number there. */
  readonly requestIndex: number;
  /** The command; undefined before the first one. */
  readonly row: CommandRow | undefined;
  /** The database that it works on. */
  readonly database: Database;
  /** Its changes so far. */
  readonly dirty: number;
  /** What goes to the log and the replicas in its place. */
  readonly rewritten: ClientCall["rewritten"];
  /** How it goes there. */
  readonly propagation: number;
  /** Whether it may make its client wait. */
  readonly mayWait: boolean;
  /** What it waits for. */
  readonly wait: ClientCall["wait"];
  /** Whether its accesses count. */
  readonly touches: boolean;
  /** When it is, by the wall clock. */
  readonly nowMs: number;
  /** When it began, by the clock that measures commands. */
  readonly startUs: number;
}

/** What a command that has stopped in its middle waits for: no key, but that it is its turn again. */
export const goesOnLater: Wait = { firstKey: 0, keyCount: 0, type: -1, untilMs: 0 };

/** What a command waits for whose owner keeps the request, and has it run anew by Reexecution. */
export const runsAnew: Wait = { firstKey: 0, keyCount: 0, type: -1, untilMs: 0 };

/** What the call has come to, of a command that began at `startUs`. */
export function frameOf(call: ClientCall, startUs: number): CallFrame {
  return {
    client: call.client,
    args: call.args,
    requestIndex: call.requestIndex,
    row: call.row,
    database: call.database,
    dirty: call.dirty,
    rewritten: call.rewritten,
    propagation: call.propagation,
    mayWait: call.mayWait,
    wait: call.wait,
    touches: call.touches,
    nowMs: call.nowMs,
    startUs,
  };
}

/** Makes the call again what it was. */
export function restoreFrame(call: ClientCall, frame: CallFrame): void {
  if (frame.row !== undefined) call.begin(frame.args, frame.requestIndex, frame.row);
  call.client = frame.client;
  call.database = frame.database;
  call.dirty = frame.dirty;
  call.rewritten = frame.rewritten;
  call.propagation = frame.propagation;
  call.mayWait = frame.mayWait;
  call.wait = frame.wait;
  call.touches = frame.touches;
  call.nowMs = frame.nowMs;
}
