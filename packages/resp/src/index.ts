/** RESP2 and RESP3 both ways: bytes to argument offsets, replies to bytes, and the client's side. */

export { ARGUMENTS_MAX, ArgVector, COMMANDS_MAX } from "./arg-vector.ts";
export { type AnnotationVisitor, RequestLogReader } from "./log-parser.ts";
export {
  DOUBLE_BYTES,
  formatDouble,
  integerLength,
  parseDouble,
  parseInt64,
  parseInteger,
  writeInt64,
  writeInteger,
} from "./number-codec.ts";
export { release } from "./release.ts";
export {
  AttributedReply,
  PushReply,
  type Reply,
  ReplyError,
  ReplySyntaxError,
  VerbatimReply,
} from "./reply.ts";
export type { ReplyBuffer } from "./reply-buffer.ts";
export type { ReplyInput } from "./reply-input.ts";
export type { ReplyParserOptions } from "./reply-options.ts";
export { ReplyParser } from "./reply-parser.ts";
export { ReplyWriter } from "./reply-writer.ts";
export type { RequestBuffer } from "./request-buffer.ts";
export {
  defaultRequestLimits,
  ReadStatus,
  type RequestLimits,
  toldRequestLimits,
} from "./request-limits.ts";
export { RequestReader } from "./request-parser.ts";
export {
  encodeRequest,
  encodeWords,
  type RequestArgument,
  RequestWriter,
} from "./request-writer.ts";
export { seventeenDigits } from "./seventeen-digits.ts";
export {
  latin1,
  latin1Bytes,
  TEXT_BYTES_MAX,
  utf8,
  utf8Bytes,
  utf8Length,
  writeLatin1,
  writeUtf8,
} from "./text.ts";
export { TracelessError } from "./traceless-error.ts";
