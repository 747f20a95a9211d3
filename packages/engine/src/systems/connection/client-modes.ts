/** CLIENT REPLY, NO-EVICT, NO-TOUCH: switches of a connection. */
import { arg, errors } from "@kv/commands";
import { ClientState, ReplyMode } from "../../kernel/client-state.ts";
import { type EngineCall, engineCommand } from "../../module/engine-call.ts";

const reply = engineCommand({
  name: "reply",
  group: "connection",
  since: "3.2.0",
  summary: "Switches replies off and on, or leaves out the next one.",
  complexity: "O(1)",
  arity: 3,
  flags: ["noscript", "loading", "stale"],
  args: [
    arg.oneOf("action", arg.token("on", "ON"), arg.token("off", "OFF"), arg.token("skip", "SKIP")),
  ],

  run(call) {
    const { client } = call;
    if (call.is(2, "ON")) {
      client.replyMode = ReplyMode.ON;
      client.mark(ClientState.MUTED, false);
      call.reply.ok();
    } else if (call.is(2, "OFF")) {
      client.replyMode = ReplyMode.OFF;
      client.mark(ClientState.MUTED, true);
    } else if (call.is(2, "SKIP")) {
      // Of what is never answered nothing can be left out.
      if (client.replyMode === ReplyMode.OFF) return;
      client.replyMode = ReplyMode.SKIP_NEXT;
      client.mark(ClientState.MUTED, true);
    } else {
      throw errors.syntax;
    }
  },
});

const noEvict = engineCommand({
  name: "no-evict",
  group: "connection",
  since: "7.0.0",
  summary: "Says whether this connection may be closed to save memory.",
  complexity: "O(1)",
  arity: 3,
  flags: ["admin", "noscript", "loading", "stale"],
  args: [arg.oneOf("enabled", arg.token("on", "ON"), arg.token("off", "OFF"))],

  run(call) {
    call.client.noEvict = onOrOff(call, 2);
    call.reply.ok();
  },
});

const noTouch = engineCommand({
  name: "no-touch",
  group: "connection",
  since: "7.2.0",
  summary: "Says whether reading a key on this connection counts as using it.",
  complexity: "O(1)",
  arity: 3,
  flags: ["noscript", "loading", "stale"],
  args: [arg.oneOf("enabled", arg.token("on", "ON"), arg.token("off", "OFF"))],

  run(call) {
    call.client.mark(ClientState.NO_TOUCH, onOrOff(call, 2));
    call.reply.ok();
  },
});

function onOrOff(call: EngineCall, index: number): boolean {
  if (call.is(index, "ON")) return true;
  if (call.is(index, "OFF")) return false;
  throw errors.syntax;
}

export const modes = [reply, noEvict, noTouch] as const;
