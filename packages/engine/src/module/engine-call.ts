/** EngineCall: what commands see that need the engine, and not only the data and the client. */
import { type Command, type CommandSpec, command } from "@kv/commands";
import { ClientCall } from "../kernel/client-call.ts";
import type { Ports } from "./ports.ts";

/** What a command of a system gets: the data, the client and the engine. */
export class EngineCall extends ClientCall {
  /** The engine that runs the command. Set once, when it is put together. */
  engine!: Ports;

  /** Whether a script runs the command, and no client word for word. */
  override get isScripted(): boolean {
    return this.engine.execution.isScripted;
  }
}

/** As command(), for commands of the engine's systems. */
export function engineCommand(spec: CommandSpec<EngineCall>): Command {
  return command<EngineCall>(spec);
}
