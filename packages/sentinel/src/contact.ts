/**
 * Contact: connections to the instances, and what is sent by them: PING, INFO, greetings, and to whom
 * a server is to listen. What comes back is taken in here, or handed to those who know what it means.
 */
import type { Connection } from "@kv/engine";
import { type Reply, ReplyError } from "@kv/resp";
import { hostOf } from "./address.ts";
import { Conversation } from "./conversation.ts";
import { Flag } from "./flag.ts";
import { hearGreeting, helloChannel, helloText } from "./hello.ts";
import { takeInfo } from "./info-news.ts";
import type { Instance } from "./instance.ts";
import { ignored, nameFor } from "./orders.ts";
import type { Sentinel } from "./sentinel.ts";

/** A sentinel sends no more while so many requests of an instance are not answered. */
const PENDING_MAX = 100;
/** INFO of a replica whose primary fails comes so often. */
const FAILOVER_INFO_PERIOD_MS = 1000;

/** Has the connections made that are missing. */
export function reconnect(sentinel: Sentinel, instance: Instance): void {
  const { link, address } = instance;
  if (!link.isDisconnected || address.port === 0) return;
  const nowMs = sentinel.now();
  if (nowMs - link.lastReconnectMs < sentinel.periods.pingPeriod) return;
  link.lastReconnectMs = nowMs;
  if (link.commands === null) {
    link.commands = converse(sentinel, instance, "commands");
    link.commandsSinceMs = nowMs;
    introduce(sentinel, instance, link.commands, "cmd");
    sendPing(sentinel, instance);
  }
  if (instance.kind !== "sentinel" && link.listening === null) {
    link.listening = converse(sentinel, instance, "listening");
    link.listeningSinceMs = nowMs;
    introduce(sentinel, instance, link.listening, "pubsub");
    link.listening.sendUnanswered([nameFor(instance, "SUBSCRIBE"), helloChannel]);
  }
  link.isDisconnected = false;
}

function converse(sentinel: Sentinel, instance: Instance, which: "commands" | "listening") {
  const { host, config } = sentinel;
  const { link, address } = instance;
  const target = {
    host: address.host,
    port: address.port,
    isTls: config.boolean("tls-replication"),
    sourceAddress: config.text("bind-source-addr"),
  };
  const conversation: Conversation = new Conversation(host, target, {
    resolved: (numbers: readonly string[]) => address.isBehind(numbers),
    opened: (connection: Connection) => {
      if (address.ip !== address.host) address.ip = hostOf(connection.address);
    },
    heard: (reply: Reply) => {
      link.lastHeardMs = sentinel.now();
      // SUBSCRIBE is refused: nothing will be heard by this one, so another is tried in a while.
      if (reply instanceof ReplyError) conversation.hangUp(reply.message);
      else hearGreeting(sentinel, reply);
    },
    lost: (reason: string) => {
      // Another one may be there by now.
      if (link[which] !== conversation) return;
      link[which] = null;
      link.isDisconnected = true;
      const type = which === "commands" ? "-cmd-link" : "-pubsub-link";
      sentinel.news.about("debug", type, instance, `#${reason}`);
    },
  });
  return conversation;
}

/** Logs in, and says who we are. */
function introduce(
  sentinel: Sentinel,
  instance: Instance,
  conversation: Conversation,
  use: string,
): void {
  const { user, pass } = credentials(sentinel, instance);
  if (pass !== "") {
    const words = user === "" ? [pass] : [user, pass];
    conversation.send([nameFor(instance, "AUTH"), ...words], ignored);
  }
  const name = `sentinel-${sentinel.myId.slice(0, 8)}-${use}`;
  conversation.send([nameFor(instance, "CLIENT"), "SETNAME", name], ignored);
}

function credentials({ settings, config }: Sentinel, instance: Instance) {
  if (instance.kind !== "sentinel") {
    const { authUser, authPass } = instance.primary;
    return { user: authUser, pass: authPass };
  }
  if (settings.pass !== "") return { user: settings.user, pass: settings.pass };
  return { user: "", pass: config.text("requirepass") };
}

/** PING, INFO and greetings, each when it is time for it. */
export function sendWhatIsDue(sentinel: Sentinel, instance: Instance): void {
  const { link } = instance;
  if (link.isDisconnected || link.pendingCount >= PENDING_MAX * link.userCount) return;
  const { periods } = sentinel;
  const nowMs = sentinel.now();
  if (instance.kind !== "sentinel" && !instance.isAskedForInfo) {
    if (instance.infoMs === 0 || nowMs - instance.infoMs > infoPeriodOf(sentinel, instance)) {
      instance.isAskedForInfo = true;
      link.commands?.send([nameFor(instance, "INFO")], (reply) => {
        instance.isAskedForInfo = false;
        if (typeof reply === "string") takeInfo(sentinel, instance, reply);
      });
    }
  }
  const pingPeriodMs = Math.min(instance.downAfterMs, periods.pingPeriod);
  if (nowMs - link.lastPongMs > pingPeriodMs && nowMs - link.lastPingMs > pingPeriodMs / 2)
    sendPing(sentinel, instance);
  if (nowMs - instance.lastPublishMs > periods.publishPeriod) greet(sentinel, instance);
}

function infoPeriodOf({ periods }: Sentinel, instance: Instance): number {
  const { primary } = instance;
  const isUrgent =
    instance.kind === "slave" &&
    (primary.is(Flag.O_DOWN | Flag.FAILOVER_IN_PROGRESS) || instance.primaryLinkDownMs !== 0);
  return isUrgent ? FAILOVER_INFO_PERIOD_MS : periods.infoPeriod;
}

function sendPing(sentinel: Sentinel, instance: Instance): void {
  const { link } = instance;
  if (link.commands === null) return;
  link.lastPingMs = sentinel.now();
  if (link.openPingMs === 0) link.openPingMs = link.lastPingMs;
  link.commands.send([nameFor(instance, "PING")], (reply) => {
    if (reply !== undefined) takePong(sentinel, instance, textOf(reply));
  });
}

function textOf(reply: Reply): string {
  return reply instanceof ReplyError ? reply.message : `${reply}`;
}

function takePong(sentinel: Sentinel, instance: Instance, text: string): void {
  const { link } = instance;
  const nowMs = sentinel.now();
  link.lastPongMs = nowMs;
  if (/^(PONG|LOADING|MASTERDOWN)/.test(text)) {
    link.lastAvailableMs = nowMs;
    link.openPingMs = 0;
    if (text.startsWith("PONG")) instance.unmark(Flag.MASTER_REBOOT);
  } else if (
    text.startsWith("BUSY") &&
    instance.is(Flag.S_DOWN) &&
    !instance.is(Flag.SCRIPT_KILL_SENT)
  ) {
    link.commands?.send([nameFor(instance, "SCRIPT"), "KILL"], ignored);
    instance.mark(Flag.SCRIPT_KILL_SENT);
  }
}

/** Tells who we are and what we know, by way of the instance. */
function greet(sentinel: Sentinel, instance: Instance): void {
  const { commands } = instance.link;
  const place = commands?.connection?.localAddress;
  if (commands === null || place === undefined) return;
  const words = [
    nameFor(instance, "PUBLISH"),
    helloChannel,
    helloText(sentinel, instance.primary, hostOf(place)),
  ];
  commands.send(words, (reply) => {
    if (reply === undefined || reply instanceof ReplyError) return;
    instance.lastPublishMs = sentinel.now();
  });
}
