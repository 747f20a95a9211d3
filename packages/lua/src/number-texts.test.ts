import fc from "fast-check";
import { expect, test } from "vitest";
import { type LuaScript, LuaType, LuaVm, Outcome } from "./index.ts";
import { luaModule } from "./node.ts";

const vm = new LuaVm({ module: luaModule() });
const compile = (source: string) =>
  vm.compile(new TextEncoder().encode(source), "@numbers") as LuaScript;
const read = compile("local text = ... return tonumber(text)");
const write = compile("local number = ... return tostring(number), number .. '', #('' .. number)");

/** What Lua makes of a text; undefined: no number. */
function numberOf(text: string): number | undefined {
  const outcome = vm.run(read, (stack) => {
    stack.pushText(text);
    return 1;
  });
  expect(outcome).toBe(Outcome.DONE);
  return vm.stack.type(1) === LuaType.NUMBER ? vm.stack.number(1) : undefined;
}

/** What Lua writes of a number. */
function textOf(number: number): string | undefined {
  const outcome = vm.run(write, (stack) => {
    stack.pushNumber(number);
    return 1;
  });
  expect(outcome).toBe(Outcome.DONE);
  const text = vm.stack.latin1(1);
  expect([vm.stack.latin1(2), vm.stack.number(3)]).toEqual([text, text?.length]);
  return text;
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

test("whole numbers are written as JavaScript writes them", () => {
  fc.assert(
    fc.property(fc.integer(), (number) => {
      expect(textOf(number)).toBe(String(number));
    }),
    { numRuns: 2_000 },
  );
});

test.each([
  [0, "0"],
  [-0, "-0"],
  [-1, "-1"],
  [2 ** 31 - 1, "2147483647"],
  [2 ** 31, "2147483648"],
  [-(2 ** 31), "-2147483648"],
  [-(2 ** 31) - 1, "-2147483649"],
  [99_999_999_999_999, "99999999999999"],
  [1e14, "1e+14"],
  [0.1, "0.1"],
  [1 / 3, "0.33333333333333"],
  [-2.5, "-2.5"],
  [Number.NaN, "nan"],
  [Number.POSITIVE_INFINITY, "inf"],
  [Number.NEGATIVE_INFINITY, "-inf"],
])("%d is written as %s", (number, expected) => {
  expect(textOf(number)).toBe(expected);
});
