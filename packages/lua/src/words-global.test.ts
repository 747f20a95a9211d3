/** Globals that are set for each run: whatever a script makes of them, the next one sees its own words. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { LuaScript, LuaVm, Outcome, type WordSource } from "./index.ts";
import { luaModule } from "./node.ts";

const bytesOf = (text: string) => Buffer.from(text, "latin1");

function requestOf(words: readonly string[]): WordSource {
  const starts: number[] = [];
  let length = 0;
  for (const word of words) {
    starts.push(length);
    length += word.length;
  }
  return {
    bytes: bytesOf(words.join("")),
    start: (index) => starts[index] as number,
    end: (index) => (starts[index] as number) + (words[index] as string).length,
  };
}

const attempts = [
  "",
  "WORDS[1] = 'own'",
  "WORDS.name = 'own'",
  "WORDS[1] = 'own' WORDS[1] = nil",
  "WORDS.name = 'own' WORDS.name = nil",
  "table.insert(WORDS, 'own')",
  "for i = 1, 100 do WORDS[i] = i end",
  "WORDS[#WORDS + 1] = 'own'",
  "WORDS[#WORDS + 2] = 'own' WORDS[2] = nil",
  "rawset(WORDS, 0, 'own')",
  "setmetatable(WORDS, {__index = function() return 'own' end})",
  "setmetatable(WORDS, {__len = 1}) setmetatable(WORDS, nil)",
  "WORDS[1] = WORDS error('in its middle')",
  "string.own = WORDS",
];
const shown = "local t = {} for k, v in pairs(WORDS) do t[#t + 1] = k .. '=' .. v end ";
const source = (attempt: string) =>
  `${shown} local seen = table.concat(t, ' ')
   for _, v in ipairs({tostring(getmetatable(WORDS)), tostring(WORDS[1]), tostring(WORDS.name)}) do
     seen = seen .. '|' .. v
   end
   pcall(function() ${attempt} end)
   return seen`;

test("each run sees the words that it was given and nothing that another one put there", () => {
  const vm = new LuaVm({ module: luaModule() });
  const global = vm.environment.words("WORDS");
  const scripts = attempts.map((each) => vm.compile(bytesOf(source(each)), "@user_script"));
  const word = fc.oneof(
    fc.string(),
    fc.nat(1500).map((length) => "long".repeat(length / 4)),
  );
  const runs = fc.array(fc.tuple(fc.nat(attempts.length - 1), fc.array(word, { maxLength: 10 })), {
    minLength: 1,
    maxLength: 40,
  });
  fc.assert(
    fc.property(runs, (each) => {
      for (const [which, given] of each) {
        const words = given.map((word) => word.replace(/[^a-z]/g, "w"));
        const script = scripts[which] as LuaScript;
        const outcome = vm.run(script, () => {
          global.set(requestOf(words), 0, words.length);
          return 0;
        });
        expect(outcome).toBe(Outcome.DONE);
        const pairs = words.map((word, i) => `${i + 1}=${word}`).join(" ");
        expect(vm.stack.latin1(1)).toBe(`${pairs}|nil|${words[0] ?? "nil"}|nil`);
      }
    }),
  );
});

test("a table that was left alone serves the next run with as many words", () => {
  const vm = new LuaVm({ module: luaModule() });
  const global = vm.environment.words("WORDS");
  const script = vm.compile(bytesOf("return tostring(WORDS)"), "@user_script") as LuaScript;
  expect(script).toBeInstanceOf(LuaScript);
  const nameWith = (...words: string[]) => {
    vm.run(script, () => {
      global.set(requestOf(words), 0, words.length);
      return 0;
    });
    return vm.stack.latin1(1);
  };
  const [none, one, two] = [nameWith(), nameWith("a"), nameWith("a", "b")];
  expect(new Set([none, one, two]).size).toBe(3);
  expect([nameWith(), nameWith("c"), nameWith("a", "c")]).toEqual([none, one, two]);
  expect(nameWith("long".repeat(300))).not.toBe(one);
  expect(nameWith("a")).toBe(one);
});

test.each([
  { count: 3, holes: [2], length: 1 },
  { count: 4, holes: [2], length: 4 },
  { count: 5, holes: [2, 4], length: 1 },
  { count: 7, holes: [4], length: 3 },
  { count: 9, holes: [8], length: 7 },
])("of $count words without $holes the length is $length, as in a table that has grown", (each) => {
  const vm = new LuaVm({ module: luaModule() });
  const global = vm.environment.words("WORDS");
  const words = new Array<string>(each.count).fill("w");
  const cut = each.holes.map((hole) => `WORDS[${hole}] = nil`).join(" ");
  const grown = `local t = {} for i = 1, ${each.count} do t[i] = i end ${cut.replaceAll("WORDS", "t")}`;
  const script = vm.compile(
    bytesOf(`${grown} ${cut} return #WORDS, #t`),
    "@user_script",
  ) as LuaScript;
  for (let run = 0; run < 2; run++) {
    vm.run(script, () => {
      global.set(requestOf(words), 0, words.length);
      return 0;
    });
    expect([vm.stack.number(1), vm.stack.number(2)]).toEqual([each.length, each.length]);
  }
});
