/** Due: how soon the engine wants its next turn, as engine.turn() answers. The larger is the sooner. */
export const Due = {
  /** When something happens. */
  NEVER: 0,
  /** In a millisecond or two: there is work, but clients are at it, and they come first. */
  LATER: 1,
  /** After the events that are waiting now. */
  SOON: 2,
} as const;
