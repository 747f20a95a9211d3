/** How long the longest reply of a client is remembered, unless DEBUG says otherwise. */
export const OUTPUT_PEAK_PERIOD_MS = 5000;

/** What DEBUG has switched and others ask for. Everything is off unless a test wants it otherwise. */
export class DebugSwitches {
  /** SET-SKIP-CHECKSUM-VALIDATION: RESTORE takes payloads whose checksum is wrong. */
  skipsChecksums = false;
  /** SET-DISABLE-DENY-SCRIPTS: scripts may run (almost) every command. */
  allowsAllInScripts = false;
  /** REPLYBUFFER PEAK-RESET-TIME: after so long the longest reply of a client is forgotten; -1: never. */
  outputPeakPeriodMs = OUTPUT_PEAK_PERIOD_MS;
}
