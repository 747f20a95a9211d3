import { latin1Bytes } from "@kv/resp";
import { describe, expect, test } from "vitest";
import { hasOnlyAloneFunctions } from "./alone-functions.ts";

const areAlone = (code: string) => hasOnlyAloneFunctions(latin1Bytes(`           \n${code}`));

describe("functions are alone", () => {
  test.each([
    "redis.register_function('f', function() return 1 end)",
    "redis.register_function('f', function() return 1 end)\n  redis.register_function('g', function() end)",
    "redis.register_function{function_name = 'f', callback = function() return 1 end}",
    "redis.register_function{\n function_name='f',\n flags={'no-writes', 'allow-oom'},\n callback=function() end\n}",
    "redis.register_function('f', function() while true do end end)",
    "local n = 0\nredis.register_function('f', function() n = n + 1 return n end)",
  ])("in %j", (code) => expect(areAlone(code)).toBe(true));

  test.each([
    "local function g() return g() end\nredis.register_function('f', function() return g() end)",
    "local g\n-- redis.register_function('f',\nfunction g() return g() + g() end",
    "local callback\n-- redis.register_function{\ncallback = function() return callback() end",
    "local t = {callback = function() end}\nredis.register_function(t)",
    "redis.register_function('f', function() return (function() end)() end)",
    "local redis = {register_function = select}\nlocal f =\nredis.register_function('f', function() return f() end)",
    "local r = redis.register_function\nr('f', function() end)",
    "local t\nredis.register_function{description='{', callback=redis.log} t.callback = function() end",
    "redis.register_function('f', function() return loadstring('x')() end)",
  ])("but not in %j", (code) => expect(areAlone(code)).toBe(false));
});
