/**
 * What systemd is to a service: a Unix datagram socket that knows which process sent a message.
 * Node has none, so Perl listens; where there is no Perl, or another machine than this knows the
 * number of, whyNoReceiver() says so.
 */
import { spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";

/** The number of the system call recvmsg. */
const RECVMSG: Partial<Record<string, number>> = { x64: 47, arm64: 212 };

/** One line a message: the sender's process id, a space, the text with "Pn" as " ". */
const script = `
  use Socket; $| = 1;
  my ($name, $recvmsg) = @ARGV;
  $name =~ s/^@/\\0/;
  socket(my $socket, PF_UNIX, SOCK_DGRAM, 0) or die $!;
  setsockopt($socket, SOL_SOCKET, 16, pack("i", 1)) or die $!;
  bind($socket, pack("S a*", PF_UNIX, $name)) or die $!;
  print "listening\\n";
  while (1) {
    my ($data, $control) = ("\\0" x 4096, "\\0" x 64);
    my $parts = pack("P Q", $data, 4096);
    my $header = pack("Q L x4 P Q P Q i x4", 0, 0, $parts, 1, $control, 64, 0);
    my $length = syscall($recvmsg, fileno($socket), $header, 0);
    last if $length < 0;
    my (undef, undef, undef, $sender) = unpack("Q i i i", $control);
    my $text = substr($data, 0, $length);
    $text =~ tr/\\n/ /;
    print "$sender $text\\n";
  }
`;

/** Undefined where messages can be received. */
export function whyNoReceiver(): string | undefined {
  if (process.platform !== "linux") return "systemd is at home on Linux";
  if (RECVMSG[process.arch] === undefined) return `recvmsg has no known number on ${process.arch}`;
  if (spawnSync("perl", ["-MSocket", "-e", "1"]).status !== 0) return "there is no Perl";
  return undefined;
}

export interface NotifyReceiver extends Disposable {
  /** Messages so far, as \`PID text\`. */
  readonly messages: readonly string[];
}

/** Listens at a path, or at an abstract name that begins with "@". */
export async function receiveNotifications(name: string): Promise<NotifyReceiver> {
  const child = spawn("perl", ["-e", script, name, `${RECVMSG[process.arch]}`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const messages: string[] = [];
  const lines = createInterface(child.stdout);
  await new Promise((resolve) => lines.once("line", resolve));
  lines.on("line", (line) => messages.push(line.trim()));
  return { messages, [Symbol.dispose]: () => void child.kill() };
}
