/**
 * The threads on which Node works at files and looks names up. It makes them when the first of them is
 * needed, all at once, and ends the process where the system has none left: as the container's other
 * processes have them all, say, by the time of the first BGSAVE. So they are there before anybody is served
 * (measured: half a millisecond, and a hundred kilobytes).
 */
import { fstat } from "node:fs";
import { NO_DESCRIPTOR } from "./no-descriptor.ts";

/** Has the threads made, now. A second time changes nothing. */
export function startThreadPool(): void {
  fstat(NO_DESCRIPTOR, () => {});
}
