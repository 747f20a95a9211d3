/**
 * The RDB file format: its numbers, and how lengths and strings are encoded.
 *
 *      "REDIS" version: 4 digits
 *      AUX name value ...                        facts about the file
 *      FUNCTION2 code ...                        libraries of functions
 *      SELECTDB n, RESIZEDB keys expiries        then that database's keys:
 *          [EXPIRETIME_MS 8 bytes] [IDLE length | FREQ byte] type key value
 *      EOF  checksum: 8 bytes                    CRC-64 of all before it; 0: not computed
 *
 * Lengths, with the highest bits of the first byte as the tag:
 *
 *      00nnnnnn                        0 to 63
 *      01nnnnnn nnnnnnnn               14 bits, high ones first
 *      10000000 4 bytes                32 bits, high ones first
 *      10000001 8 bytes                64 bits, high ones first
 *      11eeeeee                        no length: a string stored in a special way
 *
 * Strings are a length and the bytes, or one of
 *
 *      C0 byte, C1 2 bytes, C2 4 bytes          an integer, low byte first, in decimal text
 *      C3 compressed-length length bytes        LZF: see lzf.ts
 *
 * All fixed-size numbers are little-endian. Example, a file with the key "a" holding 1 and "h", a
 * hash of one field "f" with the value "v", without the AUX fields and the checksum:
 *
 *      52 45 44 49 53 30 30 31 30      REDIS0010
 *      FE 00                           SELECTDB 0
 *      FB 02 00                        RESIZEDB: 2 keys, none expires
 *      00 01 61 C0 01                  string, key "a", integer of 8 bits: 1
 *      10 01 68 0D                     hash as listpack, key "h", 13 bytes:
 *      0D 00 00 00 02 00 81 66 02 81 76 02 FF
 *      FF                              EOF
 */

/** Versions that this package reads, and those that it can write. */
export const RDB_VERSION_MIN = 1;
/** The newest version that is read. */
export const RDB_VERSION_MAX = 12;
/** The versions that can be written: 10 is Redis 7.0's, 11 that of 7.2, 12 that of 7.4. */
export type RdbWriteVersion = 10 | 11 | 12;
/** From this version on there are hashes whose fields expire. */
export const RDB_FIELD_EXPIRY_SINCE = 12 satisfies RdbWriteVersion;
/** The version that is written unless told otherwise: Redis 7.0 and later load it. */
export const RDB_VERSION_DEFAULT: RdbWriteVersion = 10;
/** From this version on sets are written as listpacks, too. */
export const RDB_SET_LISTPACK_SINCE = 11;
/** From this version on files end with a checksum. */
export const RDB_CHECKSUM_SINCE = 5;

/** First bytes of every file, before the four digits of the version. */
export const RDB_SIGNATURE = Uint8Array.of(0x52, 0x45, 0x44, 0x49, 0x53);
export const RDB_HEADER_BYTES = 9;

/** What may stand where a type could: everything that is no key. */
export const Opcode = {
  SLOT_INFO: 244,
  FUNCTION2: 245,
  FUNCTION_PRE_GA: 246,
  MODULE_AUX: 247,
  IDLE: 248,
  FREQ: 249,
  AUX: 250,
  RESIZEDB: 251,
  EXPIRETIME_MS: 252,
  EXPIRETIME: 253,
  SELECTDB: 254,
  EOF: 255,
} as const;

/** The types of values: what they are and how they are laid out, in one number. See values/. */
export const RdbType = {
  STRING: 0,
  LIST: 1,
  SET: 2,
  ZSET: 3,
  HASH: 4,
  ZSET_2: 5,
  MODULE_PRE_GA: 6,
  MODULE_2: 7,
  HASH_ZIPMAP: 9,
  LIST_ZIPLIST: 10,
  SET_INTSET: 11,
  ZSET_ZIPLIST: 12,
  HASH_ZIPLIST: 13,
  LIST_QUICKLIST: 14,
  STREAM_LISTPACKS: 15,
  HASH_LISTPACK: 16,
  ZSET_LISTPACK: 17,
  LIST_QUICKLIST_2: 18,
  STREAM_LISTPACKS_2: 19,
  SET_LISTPACK: 20,
  STREAM_LISTPACKS_3: 21,
  HASH_METADATA_PRE_GA: 22,
  HASH_LISTPACK_EX_PRE_GA: 23,
  HASH_METADATA: 24,
  HASH_LISTPACK_EX: 25,
} as const;

/** First bytes of the longer forms of lengths. */
export const LENGTH_32 = 0x80;
export const LENGTH_64 = 0x81;

/** How a string is stored whose first byte has the upper two bits set: the lower six. */
export const StringEncoding = { INT8: 0, INT16: 1, INT32: 2, LZF: 3 } as const;

/** Strings longer than this are worth trying to compress. */
export const COMPRESS_ABOVE_BYTES = 20;

/** Part of a module's value: what stands before each of its pieces. */
export const ModuleOpcode = { EOF: 0, SINT: 1, UINT: 2, FLOAT: 3, DOUBLE: 4, STRING: 5 } as const;

/** Bytes at the end of a payload of DUMP: a version of two bytes and a checksum of eight. */
export const PAYLOAD_FOOTER_BYTES = 10;
