/** LOLWUT: a picture in text, another one each time, and the version that tools look for. */
import { arg } from "@kv/commands";
import { engineCommand } from "../../module/engine-call.ts";

const COLUMNS = 64;
const ROWS = 16;
const SHADES = " .:-=+*#%@";

/** Ripples of a few stones in a pond; `random32` throws the stones. */
function pond(random32: () => number): string {
  const unit = () => (random32() >>> 0) / 2 ** 32;
  const stones = Array.from({ length: 3 }, () => ({
    x: unit() * COLUMNS,
    y: unit() * ROWS,
    wave: 2 + unit() * 4,
  }));
  let text = "";
  for (let row = 0; row < ROWS; row++) {
    for (let column = 0; column < COLUMNS; column++) {
      let height = 0;
      for (const { x, y, wave } of stones) {
        // A character is about twice as high as it is wide.
        const distance = Math.hypot(column - x, (row - y) * 2);
        height += Math.cos((distance / wave) * 2) / (1 + distance / 12);
      }
      const level = Math.floor(((height + 2) / 4) * SHADES.length);
      text += SHADES[Math.min(SHADES.length - 1, Math.max(0, level))] as string;
    }
    text += "\n";
  }
  return text;
}

export const lolwut = engineCommand({
  name: "lolwut",
  group: "server",
  since: "5.0.0",
  summary: "Draws a picture and tells the version.",
  differs: "The picture is another one.",
  complexity: "O(1)",
  arity: -1,
  flags: ["readonly", "fast"],
  args: [arg.optional(arg.integer("version", { token: "VERSION" }))],
  run(call) {
    // Every version has the same pond; the number must be one all the same.
    if (call.argc > 2 && call.is(1, "VERSION")) call.integer(2);
    const { engine, reply } = call;
    const picture = pond(() => engine.host.random32());
    reply.verbatim("txt", `${picture}\nRedis ver. ${engine.identity.redisVersion}\n`);
  },
});
