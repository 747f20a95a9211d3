/** The machine as it is used here: its bytes as they come, with what is rewritten of it. */

import { withRewritten } from "./bodies.ts";
import { longFunctions } from "./long-functions.ts";
import { numberToText, textToNumber } from "./number-texts.ts";
import { wholeHashes } from "./string-hashes.ts";

/** Throws when it is another machine than the one that is known. */
export const preparedMachine = (bytes: Uint8Array): Uint8Array<ArrayBuffer> =>
  withRewritten(bytes, [textToNumber, wholeHashes, ...longFunctions, numberToText]);
