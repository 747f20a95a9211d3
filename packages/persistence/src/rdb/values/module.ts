/** Values of modules: checked as far as anybody can who does not have the module; never loaded. */
import { ModuleOpcode, RdbType } from "../format.ts";
import type { RdbInput } from "../input.ts";
import type { Skipper } from "../skip-string.ts";
import type { RdbForm } from "./form.ts";
import { bytes, length, refuse, string } from "./grammar.ts";

/** What a module wrote: pieces that say what they are, up to an end mark. */
export function* skipModulePieces(input: RdbInput): Skipper {
  for (;;) {
    yield* length(input);
    switch (input.number) {
      case ModuleOpcode.EOF:
        return;
      case ModuleOpcode.SINT:
      case ModuleOpcode.UINT:
        yield* length(input);
        break;
      case ModuleOpcode.FLOAT:
        yield* bytes(4)(input);
        break;
      case ModuleOpcode.DOUBLE:
        yield* bytes(8)(input);
        break;
      case ModuleOpcode.STRING:
        yield* string(input);
        break;
      default:
        yield input.bad(`Unknown opcode ${input.number} in the value of a module`);
    }
  }
}

function* module(input: RdbInput): Skipper {
  yield* length(input); // The module's ID.
  yield* skipModulePieces(input);
}

export const moduleForm: RdbForm = {
  reads: [
    {
      type: RdbType.MODULE_PRE_GA,
      name: "module-pre-release",
      skip: (input) => refuse(input, "Modules of pre-release versions cannot be read"),
    },
    { type: RdbType.MODULE_2, name: "module-value", skip: module },
  ],
  writes: [],
};
