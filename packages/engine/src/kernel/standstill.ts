/**
 * Standstill: nothing changes any more, for as long as the final save of a shutdown takes.
 *
 *      begin() ── every client waits, no connection is read, no cron, no turns but lastTurn() ──> end(), or exit
 *
 * The file of that save is the data set of one instant, and what is acknowledged behind that instant would
 * be lost. So nothing is: to clients it is as if the process were deaf. It is not, in fact, for that it may be
 * told to end at once. Should the save fail, everybody goes on where they were.
 */
import type { Client } from "./client.ts";
import { ClientState } from "./client-state.ts";
import type { Clients } from "./clients.ts";
import type { Pause } from "./pause.ts";
import { EngineState, type Situation } from "./situation.ts";

/** What a Standstill is made of. */
export interface StandstillParts {
  /** Says that it is on. */
  situation: Situation;
  /** Who has to wait. */
  clients: Clients;
  /** Lets those go on who were held. */
  pause: Pause;
}

/** Holds everybody: see the head of this file. One for each engine. */
export class Standstill {
  private readonly parts: StandstillParts;
  private readonly deaf = new Set<Client>();

  constructor(parts: StandstillParts) {
    this.parts = parts;
  }

  /** From now on. */
  begin(): void {
    this.parts.situation.setUnusual(EngineState.ENDING, true);
    for (const client of this.parts.clients.values()) this.hold(client);
  }

  /** A client has come: it waits as well, where that is so. */
  clientOpened(client: Client): void {
    if (this.parts.situation.is(EngineState.ENDING)) this.hold(client);
  }

  private hold(client: Client): void {
    const { pause } = this.parts;
    // What it sends stays with the operating system: nobody knows how much that is going to be.
    client.connection.pause();
    this.deaf.add(client);
    // Who waits for something else does so afterwards, too; that cannot come meanwhile.
    if (!client.is(ClientState.WAITING)) pause.hold(client);
  }

  /** The client has gone. */
  clientClosed(client: Client): void {
    this.deaf.delete(client);
  }

  /** The server goes on: who waits is served with the next turn. */
  end(): void {
    const { situation, pause } = this.parts;
    situation.setUnusual(EngineState.ENDING, false);
    for (const client of this.deaf) client.connection.resume();
    this.deaf.clear();
    pause.ease();
  }
}
