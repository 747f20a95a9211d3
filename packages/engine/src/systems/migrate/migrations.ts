/**
 * Migrations: the MIGRATEs that wait for other servers. In Redis the whole server stands still meanwhile;
 * here the client waits, and moving-keys.ts says what protects its keys.
 *
 *      MIGRATE runs ──begin()──> Migration ──over()──> MIGRATE runs anew, whole, with `concluding` set
 *
 * So what it removes, propagates and answers are the effects of a command like any other, and the guards
 * have been asked once more: who may not do it any more removes nothing.
 *
 * A client that goes, is killed or unblocked with an error (so are all when this server becomes a replica)
 * takes its migration along: no key is removed then, be it taken or not.
 */
import type { CommandError, CommandRow } from "@kv/commands";
import { ArgVector } from "@kv/resp";
import { runsAnew } from "../../kernel/call-frame.ts";
import type { Client } from "../../kernel/client.ts";
import { ClientState } from "../../kernel/client-state.ts";
import { CommandQueue } from "../../kernel/command-queue.ts";
import { EngineState } from "../../kernel/situation.ts";
import type { EngineCall } from "../../module/engine-call.ts";
import { dataSetFilePort, Port, type Ports } from "../../module/ports.ts";
import type { Running } from "../../module/system.ts";
import { Migration, type Plan } from "./migration.ts";
import { MovingKeys } from "./moving-keys.ts";
import { TargetConnections } from "./target-connections.ts";

export const migratePort = new Port<Migrations>("migrate");

type Needs = Pick<
  Ports,
  | "host"
  | "config"
  | "situation"
  | "keyspace"
  | "commands"
  | "effects"
  | "pause"
  | "queuedBatch"
  | "reexecution"
  | "execution"
  | "call"
  | "of"
  | "resume"
  | "muting"
  | "output"
  | "caller"
  | "stats"
>;

/** A migration, and the request that runs anew when it is over. */
interface Waiting {
  readonly migration: Migration;
  readonly row: CommandRow;
  readonly kept: CommandQueue;
  readonly batch: ArgVector;
}

/** All that wait: see the head of this file. */
export class Migrations implements Running {
  /** What the MIGRATE that runs anew has come to; null: it is a new one. */
  concluding: Migration | null = null;
  readonly moving: MovingKeys;
  readonly changeListener: MovingKeys;
  readonly targets: TargetConnections;
  readonly guards: Running["guards"];
  private readonly ports: Needs;
  private readonly waiting = new Map<Client, Waiting>();
  private readonly over: Waiting[] = [];
  /** Have been answered, and go on in the next turn. */
  private answered: Client[] = [];

  constructor(ports: Ports) {
    this.ports = ports;
    this.moving = new MovingKeys(ports);
    this.changeListener = this.moving;
    this.targets = new TargetConnections(ports.host);
    const { call } = ports;
    this.guards = {
      // What runs anew has waited already; if it changes a key that moves, that is heard of.
      migration: (client, row) =>
        (call as EngineCall).isRerun || client.is(ClientState.REPLICATION)
          ? null
          : this.moving.verdictOn(client, row, call),
    };
  }

  /** The command that `call` points at waits from now on. Throws ArenaFullError, and it does not. */
  begin(call: EngineCall, plan: Plan): void {
    const { client, row } = call;
    const { config, keyspace } = this.ports;
    const kept = new CommandQueue(keyspace.arena);
    const batch = new ArgVector();
    kept.push(row, call);
    kept.next(batch);
    const needs = {
      ports: this.ports,
      targets: this.targets,
      moving: this.moving,
      restoreName: config.boolean("cluster-enabled") ? "RESTORE-ASKING" : "RESTORE",
      version: this.ports.of(dataSetFilePort).version,
      over: () => this.noteOver(client),
    };
    const migration = new Migration(needs, client, plan, batch);
    try {
      if (!plan.isCopy)
        this.moving.add(
          client,
          client.databaseIndex,
          migration.request,
          plan.firstKey,
          plan.keyCount,
        );
    } catch (full) {
      kept.free();
      throw full;
    }
    this.waiting.set(client, { migration, row, kept, batch });
    client.mark(ClientState.WAITING, true);
    client.unblock = (error) => {
      if (error === null) migration.timeOut();
      else this.endWith(client, error);
    };
    call.waitFor(runsAnew);
    migration.begin();
  }

  private noteOver(client: Client): void {
    client.unblock = null;
    this.over.push(this.waiting.get(client) as Waiting);
    this.ports.host.wake();
  }

  /** CLIENT UNBLOCK ERROR, or this server is another's replica from now on: the answer leaves at once. */
  private endWith(client: Client, error: CommandError): void {
    const { caller, muting, output, stats } = this.ports;
    const waiting = this.waiting.get(client) as Waiting;
    const { migration, row, batch } = waiting;
    migration.abandon();
    caller.waitEnded(client, row, batch, true);
    this.forget(waiting);
    stats.countError(error.reply);
    if (!client.isMuted) output.pushWriter(client).error(error.reply);
    muting.waitEnds(client);
    this.goesOn(client);
  }

  clientClosed(client: Client): void {
    const waiting = this.waiting.get(client);
    if (waiting === undefined || waiting.migration === this.concluding) return;
    waiting.migration.abandon();
    this.forget(waiting);
  }

  private forget(waiting: Waiting): void {
    const { client, databaseIndex } = waiting.migration;
    this.waiting.delete(client);
    client.unblock = null;
    const at = this.over.indexOf(waiting);
    if (at !== -1) this.over.splice(at, 1);
    this.moving.remove(client, databaseIndex);
    waiting.batch.clear();
    waiting.kept.free();
  }

  cron(): void {
    for (const { migration } of this.waiting.values()) migration.checkTime();
    this.targets.cron(this.ports.host.monotonicUs() / 1000);
    // What a pause has held up.
    if (this.over.length > 0) this.ports.host.wake();
  }

  turn(): void {
    while (this.over.length > 0 && this.mayConclude) this.conclude(this.over[0] as Waiting);
    if (this.answered.length === 0) return;
    const clients = this.answered;
    this.answered = [];
    for (const client of clients) if (!client.closed) this.ports.resume(client);
  }

  /** Nothing changes while writes are held, nor in the middle of a script. */
  private get mayConclude(): boolean {
    const { execution, pause, situation } = this.ports;
    return !pause.isInForce() && !execution.isSuspended && !situation.is(EngineState.BUSY);
  }

  private conclude(waiting: Waiting): void {
    const { reexecution } = this.ports;
    const { migration, row, batch } = waiting;
    const { client } = migration;
    this.concluding = migration;
    client.mark(ClientState.WAITING, false);
    reexecution.begin();
    reexecution.run(client, batch, row);
    reexecution.end();
    this.concluding = null;
    this.forget(waiting);
    if (client.closed) return;
    // What it has sent meanwhile is held until its turn comes.
    client.mark(ClientState.WAITING, true);
    this.goesOn(client);
  }

  private goesOn(client: Client): void {
    if (this.answered.length === 0) this.ports.host.wake();
    this.answered.push(client);
  }

  stop(): void {
    for (const { migration } of this.waiting.values()) migration.abandon();
    this.targets.stop();
  }
}
