import { describe, expect, test } from "vitest";
import { OutputViews } from "./output-views.ts";

describe("OutputViews", () => {
  test("short views of one buffer are made once", () => {
    const views = new OutputViews();
    const bytes = Uint8Array.of(1, 2, 3, 4);
    const first = views.of(bytes, 0, 3);
    expect([...first]).toEqual([1, 2, 3]);
    expect(first.buffer).toBe(bytes.buffer);
    const second = views.of(bytes, 0, 3);
    expect(views.of(bytes, 0, 3)).toBe(second);
    expect(views.of(bytes, 0, 4)).not.toBe(second);
  });

  test("long ones, and those that begin later, are made anew", () => {
    const views = new OutputViews();
    const bytes = new Uint8Array(10_000).fill(7);
    views.of(bytes, 0, 1);
    expect(views.of(bytes, 0, 5000)).not.toBe(views.of(bytes, 0, 5000));
    expect(views.of(bytes, 2, 4)).toHaveLength(2);
  });

  test("a view is of the buffer that was asked for, whatever was remembered", () => {
    const views = new OutputViews();
    const one = new Uint8Array(8).fill(1);
    const two = new Uint8Array(8).fill(2);
    for (let i = 0; i < 100; i++) {
      expect(views.of(one, 0, 4)[0]).toBe(1);
      if (i % 3 === 0) expect(views.of(two, 0, 4)[0]).toBe(2);
    }
    for (let i = 0; i < 100; i++) expect(views.of(two, 0, 4)[0]).toBe(2);
    expect(views.of(two, 0, 4)).toBe(views.of(two, 0, 4));
    expect(views.of(one, 0, 4)[0]).toBe(1);
  });

  test("two buffers that take turns keep their views, a third replaces the one used longest ago", () => {
    const views = new OutputViews();
    const [one, two, three] = [new Uint8Array(8), new Uint8Array(8), new Uint8Array(8)];
    const first = views.of(one, 0, 4) && views.of(one, 0, 4);
    const second = views.of(two, 0, 4) && views.of(two, 0, 4);
    for (let i = 0; i < 100; i++) {
      expect(views.of(two, 0, 4)).toBe(second);
      expect(views.of(one, 0, 4)).toBe(first);
    }
    for (let i = 0; i < 100; i++) views.of(three, 0, 4);
    expect(views.of(three, 0, 4)).toBe(views.of(three, 0, 4));
    expect(views.of(one, 0, 4)).toBe(first);
    expect(views.of(two, 0, 4)).not.toBe(second);
  });

  test("after forget() the next buffer takes its place", () => {
    const views = new OutputViews();
    const one = new Uint8Array(8).fill(1);
    views.of(one, 0, 4);
    views.forget(one);
    const two = new Uint8Array(8).fill(2);
    expect(views.of(two, 0, 4)[0]).toBe(2);
    expect(views.of(two, 0, 4)).toBe(views.of(two, 0, 4));
  });

  test("a buffer that starts inside its memory", () => {
    const views = new OutputViews();
    const bytes = new Uint8Array(Uint8Array.of(9, 9, 1, 2, 3).buffer, 2);
    views.of(bytes, 0, 1);
    expect([...views.of(bytes, 0, 2)]).toEqual([1, 2]);
    expect([...views.of(bytes, 1, 3)]).toEqual([2, 3]);
  });
});
