/** SENTINEL's subcommands about this sentinel itself, and what other sentinels ask it. */
import { arg, fail } from "@kv/commands";
import { vote } from "../election.ts";
import { Flag } from "../flag.ts";
import { subcommand } from "./sentinel-call.ts";

export const myid = subcommand({
  name: "myid",
  since: "6.2.0",
  summary: "Tells the id of this sentinel.",
  run: (call, { myId }) => call.reply.bulkLatin1(myId),
});

export const isMasterDownByAddr = subcommand({
  name: "is-master-down-by-addr",
  since: "2.8.4",
  summary: "Tells another sentinel whether a primary is down, and gives it a vote.",
  args: [arg.string("ip"), arg.integer("port"), arg.integer("current-epoch"), arg.string("runid")],
  run: (call, sentinel) => {
    const host = call.text(2);
    const port = call.integer(3);
    const epoch = call.integer(4);
    const candidate = call.text(5);
    const primary = [...sentinel.primaries.values()].find(({ address }) =>
      address.isAt(host, port),
    );
    const isDown = primary?.is(Flag.S_DOWN) === true && !sentinel.isTilted;
    const given =
      primary === undefined || candidate === "*"
        ? { leader: "", epoch: 0 }
        : vote(sentinel, primary, epoch, candidate);
    call.reply.array(3);
    call.reply.integer(isDown ? 1 : 0);
    call.reply.bulkLatin1(given.leader || "*");
    call.reply.integer(given.epoch);
  },
});

export const pendingScripts = subcommand({
  name: "pending-scripts",
  since: "2.8.4",
  summary: "Tells which scripts run and which wait.",
  complexity: "O(N) with N scripts.",
  run: ({ reply }, { scripts, now }) => {
    reply.array(scripts.jobs.length);
    for (const { path, words, program, startMs, attempts } of scripts.jobs) {
      const delayMs = program === null && startMs !== 0 ? Math.max(0, startMs - now()) : 0;
      reply.map(5);
      reply.bulkLatin1("argv");
      reply.array(1 + words.length);
      for (const word of [path, ...words]) reply.bulkLatin1(word);
      reply.bulkLatin1("flags");
      reply.bulkLatin1(program === null ? "scheduled" : "running");
      reply.bulkLatin1("pid");
      reply.bulkLatin1(`${program?.processId ?? 0}`);
      reply.bulkLatin1(program === null ? "run-delay" : "run-time");
      reply.bulkLatin1(`${program === null ? delayMs : now() - startMs}`);
      reply.bulkLatin1("retry-num");
      reply.bulkLatin1(`${attempts}`);
    }
  },
});

export const simulateFailure = subcommand({
  name: "simulate-failure",
  since: "3.2.0",
  summary: "Has the process end at a given point of the next failover, for tests.",
  arity: -3,
  arityBecause: "without a word there is nothing to do.",
  args: [
    arg.optional(
      arg.many(
        arg.oneOf(
          "mode",
          arg.token("crash-after-election", "CRASH-AFTER-ELECTION"),
          arg.token("crash-after-promotion", "CRASH-AFTER-PROMOTION"),
          arg.token("help", "HELP"),
        ),
      ),
    ),
  ],
  run: (call, { simulated, host }) => {
    simulated.afterElection = false;
    simulated.afterPromotion = false;
    for (let index = 2; index < call.argc; index++) {
      if (call.is(index, "CRASH-AFTER-ELECTION")) {
        simulated.afterElection = true;
        host.log(
          "warning",
          "Failure simulation: this Sentinel will crash after being successfully elected as failover leader",
        );
      } else if (call.is(index, "CRASH-AFTER-PROMOTION")) {
        simulated.afterPromotion = true;
        host.log(
          "warning",
          "Failure simulation: this Sentinel will crash after promoting the selected replica to master",
        );
      } else if (call.is(index, "HELP")) {
        call.reply.array(2);
        call.reply.bulkLatin1("crash-after-election");
        call.reply.bulkLatin1("crash-after-promotion");
        return;
      } else {
        fail("ERR Unknown failure simulation specified");
      }
    }
    call.reply.ok();
  },
});
