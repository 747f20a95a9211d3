/** What --help and --version print. */
import { compatibleVersion } from "@kv/config";
import { engineVersion } from "@kv/engine";

/** Tools look for the version that follows "v="; who we are stands behind it. */
export function versionLine(): string {
  return `Redis server v=${compatibleVersion} sha=00000000:0 malloc=arena bits=64 build=kv-${engineVersion}\n`;
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
`;
