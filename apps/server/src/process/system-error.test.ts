import { statSync } from "node:fs";
import { constants } from "node:os";
import { describe, expect, test } from "vitest";
import { codeOf, systemErrorText } from "./system-error.ts";

function errorOf(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error("it worked");
}

describe("texts of system errors", () => {
  test("are those of the C library", () => {
    const error = errorOf(() => statSync("/nowhere"));
    expect(codeOf(error)).toBe("ENOENT");
    expect(systemErrorText(error)).toBe("No such file or directory");
    expect(systemErrorText({ code: "EADDRINUSE", errno: -98 })).toBe("Address already in use");
    expect(systemErrorText({ code: "EADDRNOTAVAIL", errno: -99 })).toBe(
      "Cannot assign requested address",
    );
    expect(systemErrorText({ code: "EADDRINUSE", errno: 98 })).toBe("Address already in use");
    expect(systemErrorText({ code: "EIO", errno: -5 })).toBe("Input/output error");
    const quota = { code: "Unknown system error -122", errno: -constants.errno.EDQUOT };
    expect(systemErrorText(quota)).toBe("Disk quota exceeded");
    expect(systemErrorText({ code: "EACCES", errno: -13 })).toBe("Permission denied");
  });

  test("other errors speak for themselves", () => {
    expect(systemErrorText(new Error("something"))).toBe("something");
    expect(codeOf("text")).toBe("");
  });
});
