import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { humanBytes } from "../../module/info-format.ts";
import type { System } from "../../module/system.ts";
import { infoPort } from "./info-sections.ts";

/** Names of the fields in a text, and headings of its sections. */
function parsed(text: string): { fields: Map<string, string>; titles: string[] } {
  const fields = new Map<string, string>();
  const titles: string[] = [];
  for (const line of text.split("\r\n")) {
    if (line.startsWith("# ")) titles.push(line.slice(2));
    else if (line !== "") {
      const colon = line.indexOf(":");
      fields.set(line.slice(0, colon), line.slice(colon + 1));
    }
  }
  return { fields, titles };
}

/** Every field of a plain INFO of Redis 7.0.15, without those that depend on what it has done. */
const fieldsOfRedis = `
redis_version redis_git_sha1 redis_git_dirty redis_build_id redis_mode os arch_bits monotonic_clock
multiplexing_api atomicvar_api gcc_version process_id process_supervised run_id tcp_port
server_time_usec uptime_in_seconds uptime_in_days hz configured_hz lru_clock executable config_file
io_threads_active connected_clients cluster_connections maxclients client_recent_max_input_buffer
client_recent_max_output_buffer blocked_clients tracking_clients clients_in_timeout_table
used_memory used_memory_human used_memory_rss used_memory_rss_human used_memory_peak
used_memory_peak_human used_memory_peak_perc used_memory_overhead used_memory_startup
used_memory_dataset used_memory_dataset_perc allocator_allocated allocator_active
allocator_resident total_system_memory total_system_memory_human used_memory_lua
used_memory_vm_eval used_memory_lua_human used_memory_scripts_eval number_of_cached_scripts
number_of_functions number_of_libraries used_memory_vm_functions used_memory_vm_total
used_memory_vm_total_human used_memory_functions used_memory_scripts used_memory_scripts_human
maxmemory maxmemory_human maxmemory_policy allocator_frag_ratio allocator_frag_bytes
allocator_rss_ratio allocator_rss_bytes rss_overhead_ratio rss_overhead_bytes
mem_fragmentation_ratio mem_fragmentation_bytes mem_not_counted_for_evict mem_replication_backlog
mem_total_replication_buffers mem_clients_slaves mem_clients_normal mem_cluster_links
mem_aof_buffer mem_allocator active_defrag_running lazyfree_pending_objects lazyfreed_objects
loading async_loading current_cow_peak current_cow_size current_cow_size_age current_fork_perc
current_save_keys_processed current_save_keys_total rdb_changes_since_last_save
rdb_bgsave_in_progress rdb_last_save_time rdb_last_bgsave_status rdb_last_bgsave_time_sec
rdb_current_bgsave_time_sec rdb_saves rdb_last_cow_size rdb_last_load_keys_expired
rdb_last_load_keys_loaded aof_enabled aof_rewrite_in_progress aof_rewrite_scheduled
aof_last_rewrite_time_sec aof_current_rewrite_time_sec aof_last_bgrewrite_status aof_rewrites
aof_rewrites_consecutive_failures aof_last_write_status aof_last_cow_size module_fork_in_progress
module_fork_last_cow_size total_connections_received total_commands_processed
instantaneous_ops_per_sec total_net_input_bytes total_net_output_bytes total_net_repl_input_bytes
total_net_repl_output_bytes instantaneous_input_kbps instantaneous_output_kbps
instantaneous_input_repl_kbps instantaneous_output_repl_kbps rejected_connections sync_full
sync_partial_ok sync_partial_err expired_keys expired_stale_perc expired_time_cap_reached_count
expire_cycle_cpu_milliseconds evicted_keys evicted_clients total_eviction_exceeded_time
current_eviction_exceeded_time keyspace_hits keyspace_misses pubsub_channels pubsub_patterns
pubsubshard_channels latest_fork_usec total_forks migrate_cached_sockets
slave_expires_tracked_keys active_defrag_hits active_defrag_misses active_defrag_key_hits
active_defrag_key_misses total_active_defrag_time current_active_defrag_time tracking_total_keys
tracking_total_items tracking_total_prefixes unexpected_error_replies total_error_replies
dump_payload_sanitizations total_reads_processed total_writes_processed
io_threaded_reads_processed io_threaded_writes_processed reply_buffer_shrinks reply_buffer_expands
role connected_slaves master_failover_state master_replid master_replid2 master_repl_offset
second_repl_offset repl_backlog_active repl_backlog_size repl_backlog_first_byte_offset
repl_backlog_histlen used_cpu_sys used_cpu_user used_cpu_sys_children used_cpu_user_children
used_cpu_sys_main_thread used_cpu_user_main_thread cluster_enabled
`
  .trim()
  .split(/\s+/);

/** Fields that have no true value here, and why. */
const absent: Record<string, string> = {
  redis_build_id: "it names one compilation; kv_version names the release",
  monotonic_clock: "the host's clock has no name; runtime tells what runs",
  multiplexing_api: "the event loop is the runtime's",
  atomicvar_api: "there are no threads that share variables",
  gcc_version: "nothing is compiled by gcc",
};

describe("INFO", () => {
  test("has every field of Redis, or a reason not to", () => {
    const { fields } = parsed(harness().engine.of(infoPort).text([]));
    const missing = fieldsOfRedis.filter((name) => !fields.has(name) && !(name in absent));
    expect(missing).toEqual([]);
    expect(Object.keys(absent).filter((name) => fields.has(name))).toEqual([]);
  });

  test.each([2, 3] as const)("shows paths as the bytes that they are, in RESP%i", (resp) => {
    const kv = harness({ resp });
    kv.host.facts.configFile = "/gr\xc3\xb6\xff.conf";
    kv.self.takeRaw();
    kv.send("INFO", "server");
    expect(kv.self.takeRaw()).toContain("config_file:/gr\xc3\xb6\xff.conf\r\n");
  });

  test("numbers listeners by their kind, and shows the port for TLS where there is no other", () => {
    const kv = harness({ config: { bind: ["10.0.0.1", "-::1"], unixsocket: "/tmp/kv.sock" } });
    const shown = () => {
      const { fields } = parsed(kv.engine.of(infoPort).text(["server"]));
      return [...fields].filter(([name]) => /^(tcp_port|listener)/.test(name));
    };
    const unix = ["listener1", "name=unix,bind=/tmp/kv.sock"];
    kv.host.facts.tlsPort = 7000;
    expect(shown()).toEqual([
      ["tcp_port", "6379"],
      ["listener0", "name=tcp,bind=10.0.0.1,bind=-::1,port=6379"],
      unix,
      ["listener2", "name=tls,bind=10.0.0.1,bind=-::1,port=7000"],
    ]);
    kv.host.facts.tcpPort = 0;
    expect(shown()).toEqual([
      ["tcp_port", "7000"],
      unix,
      ["listener2", "name=tls,bind=10.0.0.1,bind=-::1,port=7000"],
    ]);
  });

  test("shows what Redis 7.2 added", () => {
    const { fields } = parsed(harness().engine.of(infoPort).text([]));
    expect([...fields.keys()]).toEqual(
      expect.arrayContaining([
        "listener0",
        "total_blocking_keys",
        "total_blocking_keys_on_nokey",
        "eventloop_cycles",
        "eventloop_duration_sum",
        "eventloop_duration_cmd_sum",
        "instantaneous_eventloop_cycles_per_sec",
        "instantaneous_eventloop_duration_usec",
        "acl_access_denied_auth",
        "acl_access_denied_cmd",
        "acl_access_denied_key",
        "acl_access_denied_channel",
      ]),
    );
    expect(fields.get("redis_version")).toBe("7.2.4");
    expect(fields.get("server_name")).toBe("kv");
    expect(fields.get("mem_allocator")).toBe("arena");
  });

  test.each([
    {
      names: [],
      titles:
        "Server Clients Memory Persistence Stats Replication CPU Modules Errorstats Cluster Keyspace",
    },
    {
      names: ["default"],
      titles:
        "Server Clients Memory Persistence Stats Replication CPU Modules Errorstats Cluster Keyspace",
    },
    {
      names: ["all"],
      titles:
        "Server Clients Memory Persistence Stats Replication CPU Modules Commandstats Errorstats Latencystats Cluster Keyspace",
    },
    {
      names: ["Everything"],
      titles:
        "Server Clients Memory Persistence Stats Replication CPU Modules Commandstats Errorstats Latencystats Cluster Keyspace",
    },
    { names: ["keyspace", "SERVER"], titles: "Server Keyspace" },
    { names: ["commandstats"], titles: "Commandstats" },
    { names: ["modules"], titles: "Modules" },
    { names: ["debug"], titles: "Debug" },
  ])("sections of $names", ({ names, titles }) => {
    expect(parsed(harness().engine.of(infoPort).text(names)).titles.join(" ")).toBe(titles);
  });

  test("is empty when no section has the name", () => {
    expect(harness().engine.of(infoPort).text(["nope"])).toBe("");
  });

  test("lines end in CR LF, and an empty line stands between sections", () => {
    expect(harness().engine.of(infoPort).text(["cluster", "replication"])).toMatch(
      /^# Replication\r\nrole:master\r\n[\s\S]*\r\n\r\n# Cluster\r\ncluster_enabled:0\r\n$/,
    );
  });

  test("counts commands, and tells refused from failed", () => {
    const kv = harness();
    kv.send("SET", "k", "v");
    kv.send("HGET", "k", "f");
    kv.send("GET");
    kv.send("CONFIG", "GET", "hz");
    const { fields } = parsed(kv.engine.of(infoPort).text(["commandstats", "errorstats"]));
    expect(fields.get("cmdstat_set")).toMatch(
      /^calls=1,usec=\d+,usec_per_call=\d+\.\d\d,rejected_calls=0,failed_calls=0$/,
    );
    expect(fields.get("cmdstat_hget")).toContain("rejected_calls=0,failed_calls=1");
    expect(fields.get("cmdstat_get")).toMatch(/^calls=0,.*rejected_calls=1,failed_calls=0$/);
    expect(fields.get("cmdstat_config|get")).toContain("calls=1,");
    expect(fields.get("errorstat_WRONGTYPE")).toBe("count=1");
    expect(fields.get("errorstat_ERR")).toBe("count=1");
  });

  test("shows the percentiles that the directive names", () => {
    const kv = harness({ config: { "latency-tracking-info-percentiles": "50 99.9" } as never });
    kv.send("SET", "k", "v");
    kv.send("PING");
    const { fields } = parsed(kv.engine.of(infoPort).text(["latencystats"]));
    expect(fields.get("latency_percentiles_usec_set")).toMatch(
      /^p50=\d+\.\d{3},p99\.9=\d+\.\d{3}$/,
    );
  });

  test("the time of a loop turn holds that of its commands", () => {
    const kv = harness();
    kv.send("DEBUG", "SLEEP", "0.05");
    const { fields } = parsed(kv.engine.of(infoPort).text(["stats"]));
    const whole = Number(fields.get("eventloop_duration_sum"));
    const commands = Number(fields.get("eventloop_duration_cmd_sum"));
    expect(commands).toBeGreaterThanOrEqual(50_000);
    expect(whole).toBeGreaterThan(commands);
    expect(whole).toBeLessThan(60_000);
    expect(fields.get("eventloop_cycles")).toBe("1");
  });

  test("the longest turn, its commands and the cron's time are told to who asks for debug", () => {
    const kv = harness();
    kv.self.sendBytes("*1\r\n$4\r\nPING\r\n".repeat(7));
    kv.engine.turn();
    kv.send("DEBUG", "SLEEP", "0.05");
    kv.clock.advance(200);
    const { fields } = parsed(kv.engine.of(infoPort).text(["debug"]));
    expect(fields.get("eventloop_cmd_per_cycle_max")).toBe("7");
    expect(Number(fields.get("eventloop_duration_max"))).toBeGreaterThanOrEqual(50_000);
    expect(Number(fields.get("eventloop_duration_cron_sum"))).toBeGreaterThan(0);
    expect(fields.get("eventloop_duration_aof_sum")).toBe("0");
    kv.send("CONFIG", "RESETSTAT");
    kv.engine.turn();
    const { fields: reset } = parsed(kv.engine.of(infoPort).text(["debug"]));
    expect(Number(reset.get("eventloop_duration_max"))).toBeLessThan(1000);
    // CONFIG RESETSTAT is itself the first of the new ones.
    expect(reset.get("eventloop_cmd_per_cycle_max")).toBe("1");
  });

  test("databases with keys have a row each", () => {
    const kv = harness();
    kv.send("SET", "a", 1);
    kv.send("SET", "b", 1, "PX", 5000);
    kv.send("SELECT", 3);
    kv.send("SET", "c", 1);
    const { fields } = parsed(kv.engine.of(infoPort).text(["keyspace"]));
    expect([...fields]).toEqual([
      ["db0", "keys=2,expires=1,avg_ttl=5000"],
      ["db3", "keys=1,expires=0,avg_ttl=0"],
    ]);
  });

  test("a row has a fourth column only while there are hashes whose fields expire", () => {
    const kv = harness();
    const row = () => parsed(kv.engine.of(infoPort).text(["keyspace"])).fields.get("db0");
    kv.send("HSET", "h", "a", 1, "b", 2);
    expect(row()).toBe("keys=1,expires=0,avg_ttl=0");
    kv.send("HEXPIRE", "h", 10, "FIELDS", 1, "a");
    expect(row()).toBe("keys=1,expires=0,avg_ttl=0,subexpiry=1");
    kv.send("HPERSIST", "h", "FIELDS", 1, "a");
    expect(row()).toBe("keys=1,expires=0,avg_ttl=0");
  });

  test("memory follows the data", () => {
    const kv = harness();
    const used = () =>
      Number(parsed(kv.engine.of(infoPort).text(["memory"])).fields.get("used_memory"));
    const before = used();
    kv.send("SET", "k", "x".repeat(100_000));
    expect(used() - before).toBeGreaterThanOrEqual(100_000);
    expect(used() - before).toBeLessThan(110_000);
    kv.send("DEL", "k");
    expect(used()).toBe(before);
  });

  test("a module's rows join a section, replace rows of it, or form one of their own", () => {
    const module: System = {
      name: "replication",
      info: [
        {
          name: "replication",
          title: "Replication",
          isDefault: true,
          fields: [
            { name: "role", value: () => "slave" },
            { name: "second_repl_offset", value: () => undefined },
            { name: "master_host", value: () => "elsewhere" },
          ],
        },
        { name: "mine", title: "Mine", isDefault: false, fields: [{ name: "x", value: () => 1 }] },
      ],
    };
    const { engine } = harness({ modules: [module] });
    const { fields } = parsed(engine.of(infoPort).text(["replication"]));
    expect(fields.get("role")).toBe("slave");
    expect(fields.get("master_host")).toBe("elsewhere");
    expect(fields.has("second_repl_offset")).toBe(false);
    expect(engine.of(infoPort).text(["mine"])).toBe("# Mine\r\nx:1\r\n");
    expect(engine.of(infoPort).text(["all"])).not.toContain("# Mine");
    expect(engine.of(infoPort).text(["everything"])).toContain("# Mine");
  });
});

test.each([
  [0, "0B"],
  [1023, "1023B"],
  [1024, "1.00K"],
  [1_572_864, "1.50M"],
  [25_276_063_744, "23.54G"],
])("humanBytes(%d) is %s", (bytes, text) => {
  expect(humanBytes(bytes)).toBe(text);
});
