import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ArgVector } from "./arg-vector.ts";
import { encodeRequest, encodeWords } from "./request-writer.ts";

test("a request put together of the words of a batch is the one that its words are sent as", () => {
  const word = fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ minLength: 40 }));
  const words = fc.array(word, { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(fc.array(words, { minLength: 1, maxLength: 4 }), (requests) => {
      const batch = new ArgVector();
      batch.bytes = Uint8Array.from(requests.flatMap((each) => each.flatMap((one) => [...one])));
      let at = 0;
      for (const request of requests) {
        const first = batch.argTotal;
        for (const { length } of request) batch.pushArgument(at, (at += length));
        batch.pushCommand(first, 0, 0, 1);
      }
      for (const [index, request] of requests.entries())
        expect(encodeWords(batch, index)).toEqual(encodeRequest(request));
    }),
  );
});

test("bytes of another realm are an argument as others are", () => {
  const foreign = runInNewContext("Uint8Array.of(0, 255)") as Uint8Array;
  expect(foreign instanceof Uint8Array).toBe(false);
  expect(encodeRequest(["SET", foreign])).toEqual(encodeRequest(["SET", Uint8Array.of(0, 255)]));
  expect(() => encodeRequest([runInNewContext("new Uint16Array(1)") as never])).toThrow(TypeError);
});
