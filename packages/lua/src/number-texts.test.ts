import fc from "fast-check";
import { expect, test } from "vitest";
import { type LuaScript, LuaType, LuaVm, Outcome } from "./index.ts";
import { luaModule } from "./node.ts";

const vm = new LuaVm({ module: luaModule() });
const read = vm.compile(
  new TextEncoder().encode("local text = ... return tonumber(text)"),
  "@read",
) as LuaScript;

/** What Lua makes of a text; undefined: no number. */
function numberOf(text: string): number | undefined {
  const outcome = vm.run(read, (stack) => {
    stack.pushText(text);
    return 1;
  });
  expect(outcome).toBe(Outcome.DONE);
  return vm.stack.type(1) === LuaType.NUMBER ? vm.stack.number(1) : undefined;
}

const digits = (maxLength: number) =>
  fc.string({ unit: fc.constantFrom(..."0123456789"), maxLength });

test("digits, a point among them or not, are the number that JavaScript reads", () => {
  fc.assert(
    fc.property(
      fc.constantFrom("", "-"),
      digits(18),
      fc.constantFrom("", "."),
      digits(18),
      (...parts) => {
        const text = parts.join("");
        const hasDigits = /\d/.test(text);
        expect(Object.is(numberOf(text), hasDigits ? Number(text) : undefined)).toBe(true);
      },
    ),
    { numRuns: 5_000 },
  );
});

test.each([
  ["-0", -0],
  ["-0.0", -0],
  ["0", 0],
  ["999999999999999", 999_999_999_999_999],
  ["9007199254740993", 9_007_199_254_740_992],
  ["0.000000000000001", 1e-15],
  ["123456.789012345", 123_456.789012345],
  [" 12 ", 12],
  ["+12", 12],
  ["1e3", 1000],
  ["0x10", 16],
  ["5.", 5],
  [".5", 0.5],
])("%j is %d", (text, expected) => {
  expect(Object.is(numberOf(text), expected)).toBe(true);
});

test.each(["", "-", ".", "-.", "--1", "1-", "1..2", "1.2.3", "1,5", "1_000", "１"])(
  "%j is none",
  (text) => {
    expect(numberOf(text)).toBeUndefined();
  },
);
