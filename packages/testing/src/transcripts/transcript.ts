/** A transcript: requests that are sent to redis-server and to ours, whose raw replies must agree. */

/** A request is its words; text stands for bytes, one latin1 character each. */
export type TranscriptRequest = readonly (string | number)[];

/** A request whose replies need not agree byte for byte. */
export interface LooseRequest {
  request: TranscriptRequest;
  /** Why the replies may differ altogether: the reference is Redis 7.0, we follow 7.2. */
  differs?: string;
  /** Why the keys that it writes may have another encoding: as above. Its replies have to agree. */
  encodes?: string;
  /** What to blank in both replies before they are compared; needs the flag `g` to hit twice. */
  mask?: RegExp;
}

export type Transcript = readonly (TranscriptRequest | LooseRequest)[];
