/** The options of XREAD and XREADGROUP, up to the keys. */
import type { Call } from "../call/call.ts";
import { CommandError, errors } from "../call/errors.ts";
import { timeoutMsAt } from "../call/timeout.ts";

const unbalanced = (name: string, mark: string) =>
  new CommandError(
    `ERR Unbalanced '${name}' list of streams: for each stream key an ID or '${mark}' must be specified.`,
  );
const unbalancedRead = unbalanced("xread", "$");
const unbalancedGroup = unbalanced("xreadgroup", ">");
const groupOption = new CommandError(
  "ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.",
);
const noackOption = new CommandError(
  "ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.",
);
const noGroupOption = new CommandError("ERR Missing GROUP option for XREADGROUP");

/** The options of the command that runs now. */
export class ReadOptions {
  /** Most entries of each stream; 0: all. */
  count = 0;
  /** When waiting is over (0: never); -1: there is no waiting. */
  untilMs = -1;
  /** The argument of the first key. */
  firstKey = 0;
  /** How many keys there are; their IDs follow. */
  keyCount = 0;
  /** The argument with the group's name, in front of the consumer's; 0: none. */
  groupIndex = 0;
  /** What is delivered is not pending. */
  isUnacknowledged = false;

  /** Reads the options. `isGroup`: of XREADGROUP. */
  parse(call: Call, isGroup: boolean): void {
    this.count = 0;
    this.untilMs = -1;
    this.firstKey = 0;
    this.groupIndex = 0;
    this.isUnacknowledged = false;
    const { argc } = call;
    for (let at = 1; at < argc; at++) {
      const left = argc - 1 - at;
      if (left > 0 && call.is(at, "BLOCK")) this.untilMs = timeoutMsAt(call, ++at);
      else if (left > 0 && call.is(at, "COUNT")) this.count = Math.max(0, call.integer(++at));
      else if (left > 0 && call.is(at, "STREAMS")) {
        this.firstKey = at + 1;
        if (left % 2 !== 0) throw isGroup ? unbalancedGroup : unbalancedRead;
        this.keyCount = left / 2;
        break;
      } else if (left > 1 && call.is(at, "GROUP")) {
        if (!isGroup) throw groupOption;
        this.groupIndex = at + 1;
        at += 2;
      } else if (call.is(at, "NOACK")) {
        if (!isGroup) throw noackOption;
        this.isUnacknowledged = true;
      } else throw errors.syntax;
    }
    if (this.firstKey === 0) throw errors.syntax;
    if (isGroup && this.groupIndex === 0) throw noGroupOption;
  }
}

/** True when the argument is this one character. */
export function isMark(call: Call, index: number, mark: string): boolean {
  return call.length(index) === 1 && call.is(index, mark);
}
