/**
 * The commands of Redis 7.2 that are not there yet, group by group; placeholder.ts says what a row
 * means and what becomes of it. SENTINEL is none of them: a Redis that is no Sentinel does not know
 * it either. `function` stands here for the subcommands that it lacks.
 */

import { errors } from "../call/errors.ts";
import type { Command } from "./command.ts";
import { placeholders } from "./placeholder.ts";

const generic = placeholders(
  "generic",
  `
    wait      3  3.0.0  blocking @connection
    waitaof   4  7.2.0  blocking @connection
  `,
);

const scripting = placeholders(
  "scripting",
  `
    eval              -3  2.6.0  noscript stale skip_monitor no_mandatory_keys movablekeys may_replicate
    eval_ro           -3  7.0.0  readonly noscript stale skip_monitor no_mandatory_keys movablekeys
    evalsha           -3  2.6.0  noscript stale skip_monitor no_mandatory_keys movablekeys may_replicate
    evalsha_ro        -3  7.0.0  readonly noscript stale skip_monitor no_mandatory_keys movablekeys
    fcall             -3  7.0.0  noscript stale skip_monitor no_mandatory_keys movablekeys may_replicate
    fcall_ro          -3  7.0.0  readonly noscript stale skip_monitor no_mandatory_keys movablekeys
    function          -2  7.0.0
    function|delete    3  7.0.0  write noscript
    function|dump      2  7.0.0  noscript
    function|flush    -2  7.0.0  write noscript
    function|help      2  7.0.0  loading stale
    function|kill      2  7.0.0  noscript allow_busy
    function|list     -2  7.0.0  noscript
    function|load     -3  7.0.0  write denyoom noscript
    function|restore  -3  7.0.0  write denyoom noscript
    function|stats     2  7.0.0  noscript allow_busy
    script            -2  2.6.0
    script|debug       3  3.2.0  noscript
    script|exists     -3  2.6.0  noscript
    script|flush      -2  2.6.0  noscript
    script|help        2  5.0.0  loading stale
    script|kill        2  2.6.0  noscript allow_busy
    script|load        3  2.6.0  noscript stale
  `,
);

const server = placeholders(
  "server",
  `
    failover        -1  6.2.0  admin noscript stale
    psync           -3  2.8.0  admin noscript no_async_loading no_multi
    replconf        -1  3.0.0  admin noscript loading stale allow_busy
    replicaof        3  5.0.0  admin noscript stale no_async_loading
    role             1  2.8.12 noscript loading stale fast @admin @dangerous
    slaveof          3  1.0.0  admin noscript stale no_async_loading
    sync             1  1.0.0  admin noscript no_async_loading no_multi
  `,
);

/** With cluster-enabled at no, Redis gives each of them, CLUSTER HELP included, this one answer. */
const cluster = placeholders(
  "cluster",
  `
    asking                          1  3.0.0  fast @connection
    cluster                        -2  3.0.0
    cluster|addslots               -3  3.0.0  admin stale no_async_loading
    cluster|addslotsrange          -4  7.0.0  admin stale no_async_loading
    cluster|bumpepoch               2  3.0.0  admin stale no_async_loading
    cluster|count-failure-reports   3  3.0.0  admin stale
    cluster|countkeysinslot         3  3.0.0  stale
    cluster|delslots               -3  3.0.0  admin stale no_async_loading
    cluster|delslotsrange          -4  7.0.0  admin stale no_async_loading
    cluster|failover               -2  3.0.0  admin stale no_async_loading
    cluster|flushslots              2  3.0.0  admin stale no_async_loading
    cluster|forget                  3  3.0.0  admin stale no_async_loading
    cluster|getkeysinslot           4  3.0.0  stale
    cluster|help                    2  5.0.0  loading stale
    cluster|info                    2  3.0.0  stale
    cluster|keyslot                 3  3.0.0  stale
    cluster|links                   2  7.0.0  stale
    cluster|meet                   -4  3.0.0  admin stale no_async_loading
    cluster|myid                    2  3.0.0  stale
    cluster|myshardid               2  7.2.0  stale
    cluster|nodes                   2  3.0.0  stale
    cluster|replicas                3  5.0.0  admin stale
    cluster|replicate               3  3.0.0  admin stale no_async_loading
    cluster|reset                  -2  3.0.0  admin noscript stale
    cluster|saveconfig              2  3.0.0  admin stale no_async_loading
    cluster|set-config-epoch        3  3.0.0  admin stale no_async_loading
    cluster|setslot                -4  3.0.0  admin stale no_async_loading
    cluster|shards                  2  7.0.0  stale
    cluster|slaves                  3  3.0.0  admin stale
    cluster|slots                   2  3.0.0  stale
    readonly                        1  3.0.0  loading stale fast @connection
    readwrite                       1  3.0.0  loading stale fast @connection
  `,
  errors.clusterDisabled,
);

/** The placeholders of all groups. Where they stand among a table's commands means nothing. */
export const placeholderCommands: readonly Command[] = [
  ...generic,
  ...scripting,
  ...server,
  ...cluster,
];
