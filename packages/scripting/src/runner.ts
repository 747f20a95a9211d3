/**
 * Runner: runs one compiled script or function at a time, for whoever owns a machine.
 *
 *      begin() → frame of Execution → machine → reply                    or: → suspended → turns → reply
 *
 * What it changes leaves together when it is over, no key expires in its middle, and nobody else is
 * served, unless it runs for longer than `busy-reply-threshold` (busy.ts).
 */
import { CommandError, Propagation } from "@kv/commands";
import { type Database, InvariantError } from "@kv/core";
import { ClientState, type EngineCall, type Ports, Target } from "@kv/engine";
import { type LuaScript, type LuaStack, type LuaVm, Outcome } from "@kv/lua";
import { Busy } from "./busy.ts";
import { type MachineOwner, takeError } from "./machine.ts";
import { isOutOfMemory } from "./may-begin.ts";
import { asOneLine } from "./one-line.ts";
import { pushError } from "./redis-call.ts";
import { RunContext } from "./run-context.ts";

/** Garbage is collected a step at a time, behind a script, once so many bytes have come. */
const GARBAGE_BYTES = 65_536;

const killedLine = "Lua script killed by user with SCRIPT KILL.";
const killedText = "ERR Script killed by user with SCRIPT KILL...";
const usedUpText = "ERR The script used up the memory or the stack of its machine";
const notBusy = new CommandError("NOTBUSY No scripts in execution right now.");
const unkillable = new CommandError(
  "UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the script termination or kill the server in a hard way using the SHUTDOWN NOSAVE command.",
);

/** Runs scripts and functions: see the head of this file. */
export class Runner {
  /** What is true of the script that runs. */
  readonly context = new RunContext();
  readonly busy: Busy;
  /** Whose machine runs, or has run last. */
  owner: MachineOwner | null = null;
  private readonly ports: Ports;
  /** Database of the client whose script is suspended. */
  private databaseIndex = 0;
  /** What came of a script that was suspended. */
  private outcome: Outcome = Outcome.DONE;

  constructor(ports: Ports) {
    this.ports = ports;
    this.busy = new Busy(ports, () => this.tellSlow());
  }

  /** The command of a script is there: whoever follows commands hears of it ahead of those that it runs. */
  announce(call: EngineCall): void {
    const { effects, situation } = this.ports;
    if (effects.attends && !situation.isReplaying)
      effects.scriptBegins(call.client, call.row, call);
  }

  /** Says what is about to be run; run() follows. */
  begin(name: string, flags: number, isReadOnly: boolean): void {
    const { context, ports } = this;
    context.begin(name, flags, isReadOnly);
    context.wasOutOfMemory = isOutOfMemory(ports);
  }

  /** Runs what begin() has told of, and writes its reply or throws its error. */
  run(
    call: EngineCall,
    owner: MachineOwner,
    script: LuaScript,
    pushArguments: (stack: LuaStack) => number,
  ): void {
    const { execution } = this.ports;
    const { vm } = owner.present();
    this.owner = owner;
    this.databaseIndex = call.client.databaseIndex;
    execution.open();
    this.busy.begins();
    let outcome: Outcome;
    try {
      // The words of the request are Lua's by the time that anything else is executed.
      outcome = vm.run(script, pushArguments);
    } catch (error) {
      throw faultOf(error);
    }
    if (outcome === Outcome.SUSPENDED) this.becomeBusy(call, owner);
    else {
      this.end(call);
      this.answer(call, outcome);
    }
  }

  /** The script is over, whatever came of it. */
  private end(call: EngineCall): void {
    const { execution, keyspace, propagator, reply } = this.ports;
    const { databaseIndex } = this;
    this.context.isRunning = false;
    propagator.mask = Target.BOTH;
    execution.close();
    const { client } = call;
    client.databaseIndex = databaseIndex;
    call.database = keyspace.databases[databaseIndex] as Database;
    reply.resp3 = client.protocol === 3;
    call.propagation = Propagation.PREVENTED;
  }

  /** The script goes on by and by; its client waits, and what it has sent behind it. */
  private becomeBusy(call: EngineCall, { busyError }: MachineOwner): void {
    this.busy.suspended(busyError, () => {
      this.end(call);
      this.answer(call, this.outcome);
    });
    // The command is left as it was before it ran anything.
    call.propagation = Propagation.PREVENTED;
    call.client.mark(ClientState.WAITING, true);
    this.tellSlow();
  }

  private tellSlow(): void {
    const { host, config } = this.ports;
    const { killCommand } = this.owner as MachineOwner;
    host.log(
      "warning",
      `Slow script detected: still in execution after ${config.number("busy-reply-threshold")} milliseconds. You can try killing the script using the ${killCommand} command. Script name is: ${this.context.name}.`,
    );
  }

  /** In place of all other work while a script keeps the server busy. */
  busyTurn(): number {
    const { busy } = this;
    if (busy.mayResume) {
      busy.resumes();
      void this.vm.resume().then(
        (outcome) => this.paused(outcome),
        (error) => {
          // Nobody catches this: a fault ends the server.
          throw faultOf(error);
        },
      );
    }
    return busy.due;
  }

  private get vm(): LuaVm {
    return (this.owner as MachineOwner).present().vm;
  }

  private paused(outcome: Outcome): void {
    const { execution, situation, muting, output, host } = this.ports;
    if (outcome === Outcome.SUSPENDED) {
      this.busy.suspendedAgain();
      return;
    }
    const { client } = this.ports.call as EngineCall;
    this.outcome = outcome;
    muting.keep();
    this.busy.ended();
    if (!execution.isSuspended) muting.requestEnds(client);
    output.sendReply(client);
    situation.current = null;
    if (execution.isSuspended) return;
    host.wake();
    this.ports.resume(client);
  }

  /**
   * SCRIPT KILL and FUNCTION KILL, of the owner who asks: the error for whoever asked, or null: the
   * script ends as soon as it goes on. Neither ends what is the other's.
   */
  kill(by: MachineOwner): CommandError | null {
    const { context, owner, ports } = this;
    if (!context.isRunning || owner === null) return notBusy;
    if (context.hasWritten) return unkillable;
    if (owner !== by) return owner.busyError;
    context.isKilled = true;
    this.vm.kill((stack) => {
      ports.host.log("notice", killedLine);
      pushError(stack, killedText, false);
    });
    return null;
  }

  /** For good. A script that is suspended would hold the whole engine in memory. */
  stop(): void {
    if (!this.context.isRunning || !this.busy.isBusy) return;
    this.busy.resumes(); // No turn does, from now on.
    this.vm.abandon();
  }

  /** Writes what the script returned, or throws its error. */
  private answer({ row }: EngineCall, outcome: Outcome): void {
    const owner = this.owner as MachineOwner;
    const { vm, toReply } = owner.present();
    if (outcome === Outcome.BROKEN) {
      owner.giveUp("broken");
      const { name, isKilled } = this.context;
      // One that catches every error takes its machine along when it is killed.
      if (isKilled) this.ports.host.log("notice", killedLine);
      throw new CommandError(`${isKilled ? killedText : usedUpText} script: ${name}`);
    }
    if (outcome === Outcome.FAILED) this.fail(vm, owner);
    if (vm.stack.top === 0) this.ports.reply.null();
    else {
      if (vm.stack.top > 1) vm.stack.setTop(1);
      toReply.write(this.context.speaks3);
      if (toReply.hasErrors) row.failedCalls++;
    }
    this.collect(vm, owner);
  }

  /** Garbage goes by and by; a machine that has grown large for one script is given up. */
  private collect(vm: LuaVm, owner: MachineOwner): void {
    if (vm.memoryBytes > owner.keptBytesMax) owner.giveUp("large");
    else vm.collect(GARBAGE_BYTES);
  }

  private fail(vm: LuaVm, owner: MachineOwner): never {
    const { errorSource, errorLine } = vm;
    let { text, isCounted } = takeError(vm);
    this.collect(vm, owner);
    if (errorSource !== undefined)
      text += ` script: ${this.context.name}, on ${errorSource}:${errorLine}.`;
    throw new CommandError(asOneLine(text), isCounted);
  }
}

/** What stopped in the middle of a command: nobody knows what state the data is in. */
function faultOf(error: unknown): InvariantError {
  return error instanceof InvariantError
    ? error
    : new InvariantError(String(error), { cause: error });
}
