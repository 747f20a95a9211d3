/**
 * Synced offset: up to where the primary's stream is on disk here, which is what a replica that logs says
 * behind FACK. Looked at with each acknowledgement: what has been applied by then is marked, and once the
 * log has been synced that far, it counts. So it goes on under writes that never stop, too.
 *
 *      stream    ........ known ........ mark ........ offset
 *      log       ............. synced .. mark ........ end
 */
import type { AppendOnlyFile } from "@kv/engine";

export class SyncedOffset {
  private known = 0;
  private mark: { readonly offset: number; readonly logged: number } | null = null;

  /** All before `offset` has been applied, and logged. Returns up to where it is on disk. */
  at(offset: number, log: AppendOnlyFile): number {
    this.settle(log);
    this.mark ??= { offset, logged: log.offset };
    this.settle(log);
    return this.known;
  }

  private settle(log: AppendOnlyFile): void {
    if (this.mark === null || !log.isSynced(this.mark.logged)) return;
    this.known = this.mark.offset;
    this.mark = null;
  }

  /** Offsets are those of another history from now on. */
  forget(): void {
    this.known = 0;
    this.mark = null;
  }
}
