/** EngineCall: what commands see that need the engine, and not only the data and the client. */
import { type Command, type CommandSpec, command } from "@kv/commands";
import { ClientCall } from "../kernel/client-call.ts";
import type { Ports } from "./ports.ts";

export class EngineCall extends ClientCall {
  engine!: Ports;
}

/** As command(), for commands of the engine's systems. */
export function engineCommand(spec: CommandSpec<EngineCall>): Command {
  return command<EngineCall>(spec);
}
