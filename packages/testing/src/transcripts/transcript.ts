/** A transcript: requests that are sent to redis-server and to ours, whose raw replies must agree. */

/** A request is its words; text stands for bytes, one latin1 character each. */
export type TranscriptRequest = readonly (string | number)[];

/** A request whose replies need not agree byte for byte. */
export interface LooseRequest {
  request: TranscriptRequest;
  /**
   * Why the replies may differ altogether, and the encodings of the keys that are written: the reference
   * is Redis 7.0, we follow 7.2.
   */
  differs?: string;
  /** What to blank in both replies before they are compared; needs the flag `g` to hit twice. */
  mask?: RegExp;
}

export type Transcript = readonly (TranscriptRequest | LooseRequest)[];
