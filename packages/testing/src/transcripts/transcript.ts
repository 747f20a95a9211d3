/** A transcript: requests that are sent to redis-server and to ours, whose raw replies must agree. */

/** Each request is its words; text stands for bytes, one latin1 character each. */
export type Transcript = readonly (readonly (string | number)[])[];
