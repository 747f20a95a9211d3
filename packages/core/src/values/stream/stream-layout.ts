/**
 * Where what stands in the blocks of a stream. All numbers are words of 32 bits; 64 bits are two of
 * them, the lower half first, and IDs are four (stream-id.ts). A pair "root, count" is a tree
 * (id-tree.ts) or a list of names (name-list.ts).
 *
 *      header     0  blocks: root, count           2  groups: root, count
 *                 4  version                       5  groups, consumers and pending entries together
 *                 6  length, a double              8  last ID
 *                12  first ID                     16  highest deleted ID
 *                20  entries added
 *      group      0  name    1  version            2  pending: root, count
 *                 4  consumers: root, count        6  last ID delivered
 *                10  entries read, -1: unknown
 *      consumer   0  name    1  version            2  pending: root, count
 *                 4  seen                          6  active, -1: never
 *      pending    0  name of the consumer          1  version
 *                 2  time of delivery              4  deliveries
 *      name       0  the consumer's block          1  bytes, and behind them the name itself
 *
 * A consumer is known to its pending entries by its name's block, which stays the same whatever
 * becomes of the consumer's own: a snapshot may make that another one (stream-space.ts).
 *
 * The blocks' IDs and listpacks are the entries: see stream-block.ts.
 */

/** Words of the header. */
export const BLOCKS_WORD = 0;
export const GROUPS_WORD = 2;
export const VERSION_WORD = 4;
export const OTHERS_WORD = 5;
export const LENGTH_DOUBLE = 3;
export const LAST_ID_WORD = 8;
export const FIRST_ID_WORD = 12;
export const DELETED_ID_WORD = 16;
export const ADDED_WORD = 20;
export const HEADER_BYTES = 88;

/** Words that groups, consumers and pending entries have in the same place. */
export const NAME_WORD = 0;
export const BLOCK_VERSION_WORD = 1;
export const PENDING_WORD = 2;

/** Words of a group. */
export const CONSUMERS_WORD = 4;
export const GROUP_ID_WORD = 6;
export const READ_WORD = 10;
export const GROUP_BYTES = 48;

/** Words of a consumer. */
export const SEEN_WORD = 4;
export const ACTIVE_WORD = 6;
export const CONSUMER_BYTES = 32;

/** Words of a pending entry. */
export const DELIVERED_WORD = 2;
export const DELIVERIES_WORD = 4;
export const PENDING_BYTES = 24;

/** Words of a name. */
export const NAME_OWNER_WORD = 0;
export const NAME_LENGTH_WORD = 1;
export const NAME_HEAD_BYTES = 8;
