/** What DEBUG has switched and others ask for. Everything is off unless a test wants it otherwise. */
export class DebugSwitches {
  /** SET-SKIP-CHECKSUM-VALIDATION: RESTORE takes payloads whose checksum is wrong. */
  skipsChecksums = false;
}
