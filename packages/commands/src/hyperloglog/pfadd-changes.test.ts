import { harness } from "@kv/testing";
import { expect, test } from "vitest";

test.each([
  { form: "sparse", bytes: 3000 },
  { form: "dense", bytes: 0 },
])("PFADD to a $form sketch counts each register that grows as a change", ({ form, bytes }) => {
  const kv = harness({ config: { "hll-sparse-max-bytes": bytes } });
  const changes = () =>
    Number(/changes_since_last_save:(\d+)/.exec(kv.send("INFO", "persistence") as string)?.[1]);
  kv.send("PFADD", "h", "first");
  expect(kv.send("PFDEBUG", "ENCODING", "h")).toBe(form);
  const before = changes();
  expect(kv.send("PFADD", "h", "a", "b", "c")).toBe(1);
  expect(changes() - before).toBe(3);
  kv.propagated.length = 0;
  expect(kv.send("PFADD", "h", "a", "b", "c")).toBe(0);
  expect(changes() - before).toBe(3);
  expect(kv.propagated).toEqual([]);
});
