import { describe, expect, test } from "vitest";
import { SyncedOffset } from "./synced-offset.ts";

describe("the offset that is on disk", () => {
  /** A log of which so much has been written, and so much is on disk. */
  function logging() {
    const log = {
      isOn: true,
      isRewriting: false,
      offset: 0,
      syncedTo: 0,
      isSynced: (offset: number) => offset <= log.syncedTo,
      loadNow: () => true,
      dataSetReplaced: () => {},
      setWriteDelay: () => {},
    };
    return log;
  }

  test("comes behind what was applied, with each sync", () => {
    const [log, synced] = [logging(), new SyncedOffset()];
    log.offset = 1000;
    expect(synced.at(100, log)).toBe(0);
    log.syncedTo = 999;
    expect(synced.at(100, log)).toBe(0);
    log.syncedTo = 1000;
    expect(synced.at(100, log)).toBe(100);
  });

  test("goes on under writes that never stop: some of the log never is on disk", () => {
    const [log, synced] = [logging(), new SyncedOffset()];
    let least = 0;
    for (let second = 1; second < 20; second++) {
      log.offset = second * 1000;
      const at = synced.at(second * 100, log);
      expect(at).toBeLessThanOrEqual(log.syncedTo / 10);
      expect(at).toBeGreaterThanOrEqual(least);
      least = at;
      log.syncedTo = second * 1000 - 500;
    }
    expect(least).toBeGreaterThan(1500);
  });

  test("of another history it begins anew", () => {
    const [log, synced] = [logging(), new SyncedOffset()];
    log.offset = log.syncedTo = 1000;
    expect(synced.at(500, log)).toBe(500);
    synced.forget();
    log.offset = 2000;
    expect(synced.at(7, log)).toBe(0);
    log.syncedTo = 2000;
    expect(synced.at(9, log)).toBe(9);
  });
});
