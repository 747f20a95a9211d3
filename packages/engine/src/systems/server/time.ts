/** TIME: the server's clock, and when it last saved. */
import { engineCommand } from "../../module/engine-call.ts";

export const time = engineCommand({
  name: "time",
  group: "server",
  since: "2.6.0",
  summary: "Tells the time as seconds since 1970 and microseconds.",
  complexity: "O(1)",
  arity: 1,
  flags: ["loading", "stale", "fast"],
  tips: ["nondeterministic_output"],
  run({ engine, reply }) {
    const nowUs = engine.execution.wallUs(engine.host);
    const seconds = Math.floor(nowUs / 1e6);
    reply.array(2);
    reply.bulkInteger(seconds);
    reply.bulkInteger(nowUs - seconds * 1e6);
  },
});
