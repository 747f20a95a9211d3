import { describe, test } from "vitest";
import { formats } from "./formats.ts";
import { formatContract } from "./testing.ts";

describe.each(Object.entries(formats))("the format %s", (_name, format) => {
  test.each(formatContract(format))("$name", ({ run }) => run());
});
