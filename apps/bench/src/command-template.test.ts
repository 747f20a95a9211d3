import { describe, expect, test } from "vitest";
import { commandTemplate, repeatTemplate, templates, writeNumber } from "./command-template.ts";

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");

describe("command templates", () => {
  test("each copy gets its own number, everywhere it stands", () => {
    const template = commandTemplate(["SET", "k#", "#"], "+OK\r\n");
    const batch = repeatTemplate(template, 2);
    writeNumber(template, batch, 0, 7);
    writeNumber(template, batch, 1, 123456789012);
    const command = (digits: string) =>
      `*3\r\n$3\r\nSET\r\n$13\r\nk${digits}\r\n$12\r\n${digits}\r\n`;
    expect(text(batch)).toBe(command("000000000007") + command("123456789012"));
  });

  test("a smaller number leaves nothing of a larger one behind", () => {
    const template = commandTemplate(["GET", "#"], "$-1\r\n");
    const batch = repeatTemplate(template, 1);
    writeNumber(template, batch, 0, 999999);
    writeNumber(template, batch, 0, 1);
    expect(text(batch)).toContain("000000000001");
  });

  test("keys and values of the memory scenario have 16 bytes", () => {
    const sizes = text(templates.string.bytes).match(/\$\d+/g);
    expect(sizes).toEqual(["$3", "$16", "$16"]);
  });
});
