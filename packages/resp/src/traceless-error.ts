/**
 * TracelessError: an error that is a value rather than a fault. Its `stack` names no callers: where it was
 * made says nothing about who asked, and recording that costs more than all the rest.
 */

/** Where V8's family keeps how many frames an error records. */
const traces = Error as ErrorConstructor & { stackTraceLimit?: number };
/** Frozen where a program has frozen the language's own objects. */
const canLimitTraces = Object.getOwnPropertyDescriptor(Error, "stackTraceLimit")?.writable === true;

export class TracelessError extends Error {
  constructor(message: string) {
    const limit = traces.stackTraceLimit;
    if (canLimitTraces) traces.stackTraceLimit = 0;
    super(message);
    if (canLimitTraces) traces.stackTraceLimit = limit;
  }
}
