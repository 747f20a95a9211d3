/** What --help and --version print, of the server and of its tools. */
import { compatibleVersion } from "@kv/config";
import { engineVersion } from "@kv/engine";

/** Scripts look for the version that follows "v="; who we are stands behind it. */
export function versionLine(program = "Redis server"): string {
  return `${program} v=${compatibleVersion} sha=00000000:0 malloc=arena bits=64 build=kv-${engineVersion}\n`;
}

export const usageText = `Usage: kv-server [FILE | -] [--NAME VALUE...]... [-]
       kv-server --version | --help | --check-system
       kv-server --test-memory MEGABYTES

FILE is a redis.conf; every line of one can be an option, too: --port 7000. A dash
reads more configuration from standard input. What comes last counts.

Examples:
       kv-server                                    default configuration, port 6379
       kv-server --port 7777 --maxmemory 2gb
       kv-server /etc/kv.conf --loglevel verbose
       echo 'maxmemory 128mb' | kv-server -
       kv-server /etc/sentinel.conf --sentinel      watches primaries and replicas
`;

export const toolUsageTexts = {
  "kv-check-rdb": `Usage: kv-check-rdb <rdb-file-name>
       kv-check-rdb --version | --help

Reads an RDB file from its beginning to its end and says what it found, and where
it is damaged. The exit code is 0 when the file is good, and 1 otherwise.
`,
  "kv-check-aof": `Usage: kv-check-aof [--fix|--truncate-to-timestamp $timestamp] <file.manifest|file.aof>
       kv-check-aof --version | --help

Reads a manifest with the files that it names, or one append-only file, and says where
they are damaged. --fix asks, then cuts a torn end off the last file. With
--truncate-to-timestamp all that was written after that second goes, unasked.
The exit code is 0 when all is good, and 1 otherwise.
`,
} as const;
