/**
 * NOTIFY_SOCKET: a message from this very process to systemd, as sd_notify(3) describes it. The system
 * logger gets its lines in the same way (system-log.ts).
 *
 * systemd listens on a Unix datagram socket and, by default, only to the process that it started.
 * Node has no such sockets (its Unix sockets are streams, its datagrams are UDP; the file cannot be
 * opened, and there is no descriptor to inherit), and a child that has them is not listened to. So the C
 * library does it (c-library.ts). Where it cannot be called, or anything is not as expected, send() says
 * so, and the caller has to find another way.
 *
 *      struct sockaddr_un     0    2
 *                           [ 1 0 | / r u n / s y s t e m d / n o t i f y 0 ]
 *                             │     └ a path; of an abstract name, "@" becomes 0 and no 0 ends it
 *                             └ AF_UNIX, in the machine's byte order: all that Node runs on is little
 *
 * Linux only, and so are the numbers.
 */
import { endianness } from "node:os";
import { withLibrary } from "./c-library.ts";

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
/** Bytes that a name may have in a sockaddr_un. */
const NAME_BYTES_MAX = 107;

const signatures = {
  socket: { arguments: ["i32", "i32", "i32"], return: "i32" },
  sendto: { arguments: ["i32", "buffer", "u64", "i32", "buffer", "u32"], return: "i64" },
  close: { arguments: ["i32"], return: "i32" },
} as const;

/** The address as sendto() takes it, or undefined where the name is none that systemd gives. */
export function socketAddress(name: string): Buffer | undefined {
  const isAbstract = name.startsWith("@");
  const bytes = Buffer.from(isAbstract ? name : `${name}\0`);
  if (!/^[@/]./.test(name) || bytes.length > NAME_BYTES_MAX + 1) return undefined;
  if (isAbstract) bytes[0] = 0;
  return Buffer.concat([Buffer.from([AF_UNIX, 0]), bytes]);
}

/** Sends `message` to the socket called `name`. False: it did not leave. */
export function sendToSocket(name: string, message: string | Uint8Array): boolean {
  const address = socketAddress(name);
  if (process.platform !== "linux" || endianness() !== "LE" || address === undefined) return false;
  try {
    return send(address, typeof message === "string" ? Buffer.from(message) : message);
  } catch {
    // What is experimental may have changed, and permissions may forbid it.
    return false;
  }
}

function send(address: Buffer, message: Uint8Array): boolean {
  const hasLeft = withLibrary(signatures, ({ socket, sendto, close }) => {
    const descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return false;
    // Never waits: a start is not to hang on a supervisor that does not read.
    const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    const length = BigInt(message.length);
    try {
      return BigInt(sendto(descriptor, message, length, flags, address, address.length)) === length;
    } finally {
      close(descriptor);
    }
  });
  return hasLeft ?? false;
}
