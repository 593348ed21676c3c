// Copyright (c) 2026, lautan.lvs contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Stays in the room whatever happens to servers and networks: watches, claims the session back, or joins anew.
import { Room } from "./room.js";
import { Connection, Tokens, get, keyOf, openSocket, sleep, within } from "./signalling.js";
import { Stats } from "./stats.js";

// No reason to try again: the person has to do something first.
const FINAL = new Set(["wrongPin", "full", "kicked"]);

const PATIENCE = { first: 12000, again: [2000, 3000, 5000, 8000] };
// Directors change over in about a second, without anybody having to do anything.
const SILENCE = { ask: 1200, noAnswer: 2500, always: 6000 };

// How often one of all people asks whether the room is at home elsewhere now, and how long to be on both servers at most.
const FOLLOW = { every: 2000, again: 300, patience: 5000, both: 6000 };

const newId = () => Array.from(crypto.getRandomValues(new Uint8Array(9)), (n) => (n % 36).toString(36)).join("");

export class Conference {
  /** `on`: Room's events, and state(name), dropping() before media stop, trouble(code, attempt), ended(code),
   * stats(line, quality). */
  constructor({ room, name, pin }, devices, on) {
    this.room = room;
    this.person = { id: newId(), name, pin };
    this.devices = devices;
    this.on = on;
    this.tokens = new Tokens(room);
    this.rejoins = 0;
    this.moves = 0;
    this.next = null; // {connection, stay} on the server that the room moves to
    this.ended = false;
    this.recovering = false;
    this.stats = new Stats();
    this.frames = new Map(); // person -> {before, current}: goes on counting over rejoins
  }

  /** Enter for the first time. Problems are thrown: there is somebody to tell. */
  async start() {
    if (this.person.pin) this.person.pin = await keyOf(this.room, "pin", this.person.pin);
    try {
      await this.#enter(PATIENCE.first);
    } catch (problem) {
      this.#drop();
      if (problem.code !== "token") throw problem;
      this.tokens.forget();
      await this.#enter(PATIENCE.first).catch((again) => {
        this.#drop();
        throw again;
      });
    }
    if (this.ended) return;
    this.on.state("in");
    this.timers = [setInterval(() => this.#watch(), 500), setInterval(() => this.#renew(), 5000)];
    this.#follow();
    window.addEventListener("online", this.#online);
    window.addEventListener("pagehide", this.#bye);
  }

  #connect() {
    const connection = new Connection(this.tokens, (code) => {
      if (connection === this.connection) this.#recover(code, { claim: code === "noAnswer" });
      if (connection === this.next?.connection) this.#stayHere();
    });
    return connection;
  }

  async #enter(ms, socket) {
    this.connection = this.#connect();
    await this.connection.open(ms, socket);
    this.stay = this.#room(this.connection);
    try {
      await this.stay.enter(ms);
    } catch (problem) {
      if (problem.code === "idTaken") this.person.id = newId();
      throw problem;
    }
    await this.#settle();
  }

  #room(connection) {
    const stay = new Room(connection, { ...this.person, tracks: this.devices.outgoing() }, {
      ...this.on,
      gone: (id) => this.#stays.some((other) => other !== stay && other.feeds.has(id)) || this.on.gone(id),
      track: (id, track) => this.#show(stay, id, track),
      data: (id, message) => (message.t === "moving" ? this.#moveIfElsewhere() : this.on.data(id, message)),
      kicked: () => this.#end("kicked"),
      lost: (code) => {
        if (stay === this.stay) this.#recover(code, {});
        if (stay === this.next?.stay) this.#stayHere();
      },
    });
    return stay;
  }

  /** What is sent may have been changed while the offer was under way. */
  async #settle() {
    const { stay } = this;
    await this.devices.apply((kind, track) => stay.replace(kind, track));
    this.stats = new Stats();
  }

  /** The stay, and while the room moves the one that will follow. */
  get #stays() {
    return [this.stay, this.next?.stay].filter(Boolean);
  }

  /** On the server that the room moves to, a picture is shown as soon as it comes. Till then there is the old one. */
  #show(stay, id, track) {
    if (stay === this.stay && !this.next?.stay?.feeds.has(id)) this.on.track(id, track);
    else if (!track.muted) this.on.track(id, track);
    else track.addEventListener("unmute", () => this.#stays.includes(stay) && this.on.track(id, track), { once: true });
  }

  #drop() {
    this.#stayHere();
    this.stay?.leave();
    this.connection?.close();
  }

  /* ---- to where the room is at home now ---- */

  /** All people together ask about as often, however many they are; who finds out tells the others. */
  async #follow() {
    while (!this.ended) {
      const people = (this.stay?.feeds.size || 0) + 1;
      await sleep(FOLLOW.every * people * (0.5 + Math.random()));
      await this.#moveIfElsewhere();
    }
  }

  async #moveIfElsewhere() {
    if (this.asking || this.next || this.recovering || this.ended) return;
    this.asking = true;
    try {
      const { connection } = this;
      const home = await this.#home();
      if (!home || home === connection.serverName || !connection.serverName) return;
      // One server may have been too busy to take one connection.
      await sleep(FOLLOW.again);
      if ((await this.#home()) === home && connection === this.connection && !this.recovering) await this.#move(home);
    } finally {
      this.asking = false;
    }
  }

  /** The name of the server that newcomers to the room are led to; empty if nobody can tell. */
  async #home() {
    const answer = await get(`/api/owner/${encodeURIComponent(this.room)}`, 3000).catch(() => ({}));
    return answer.server || "";
  }

  /** Enter there, wait until everybody who is here is there as well, and only then leave: nobody's picture stops. */
  async #move(home) {
    this.tell({ t: "moving" });
    const deadline = performance.now() + FOLLOW.both;
    const next = { connection: this.#connect(), stay: null };
    this.next = next;
    try {
      await next.connection.open(FOLLOW.patience);
      if ((await within(FOLLOW.patience, next.connection.named)) !== home) throw new Error("not there");
      next.stay = this.#room(next.connection);
      await next.stay.enter(FOLLOW.patience);
      while (this.next === next && !this.#isComplete(next.stay)) {
        await sleep(50);
        if (performance.now() < deadline) continue;
        // Some people do not come: their browsers are slow, or the room has gone back meanwhile.
        if ((await this.#home()) !== home) throw new Error("not there any more");
        break;
      }
    } catch {
      // Whoever looks after the server will send us there in the end.
      if (this.next === next) this.#stayHere();
    }
    if (this.next !== next) return;
    const old = { connection: this.connection, stay: this.stay };
    this.#remember();
    this.connection = next.connection;
    this.stay = next.stay;
    this.next = null;
    old.stay.leave();
    for (const { feed, track } of next.stay.tracks.values()) this.on.track(feed, track);
    for (const id of old.stay.feeds.keys()) if (!next.stay.feeds.has(id)) this.on.gone(id);
    this.moves += 1;
    await this.#settle();
    this.on.dataOpen();
    old.connection.close();
  }

  /** Is everybody there, with a picture if there was one here? */
  #isComplete(stay) {
    const seen = ({ tracks }) =>
      new Set([...tracks.values()].filter(({ track }) => !track.muted).map(({ feed, track }) => `${feed} ${track.kind}`));
    const there = seen(stay);
    return [...this.stay.feeds.keys()].every((id) => stay.feeds.has(id)) && [...seen(this.stay)].every((each) => there.has(each));
  }

  /** Give up a move. */
  #stayHere() {
    const { next } = this;
    this.next = null;
    next?.stay?.leave();
    next?.connection.close();
  }

  #remember() {
    for (const count of this.frames.values()) {
      count.before += count.current;
      count.current = 0;
    }
  }

  async #recover(code, { claim }) {
    if (this.ended || this.recovering || !this.timers) return;
    this.recovering = true;
    this.#stayHere();
    this.on.state("reconnecting");
    if (code === "token") this.tokens.forget();
    let failure = code;
    for (let attempt = 0; !this.ended; attempt += 1) {
      await this.#pause(attempt);
      if (this.ended) return;
      const ms = PATIENCE.again[Math.min(attempt, PATIENCE.again.length - 1)];
      let socket = null;
      try {
        // Why a WebSocket is refused, a browser does not tell. That the room is gone, or that there are too many people, this does.
        if (attempt >= 3) await this.tokens.renew(ms);
        socket = await openSocket(this.room, ms);
        if (this.#gone(socket)) return;
        // Only the WebSocket was lost, perhaps: the session waits some seconds for a new one, and media go on.
        if (claim && (await this.connection.isKnown(socket, ms))) {
          await this.connection.claim(socket, ms);
          if (await within(ms, this.stay.isCurrent())) {
            // What is sent may have been changed meanwhile.
            await this.devices.apply((kind, track) => this.stay.replace(kind, track));
            break;
          }
        }
        if (this.#gone(socket)) return;
        // A WebSocket that the old session came back on goes with it.
        const fresh = socket === this.connection.socket ? null : socket;
        claim = false;
        this.on.dropping();
        this.#drop();
        this.#remember();
        await this.#enter(ms, fresh);
        if (this.#gone(null)) return;
        this.rejoins += 1;
        break;
      } catch (problem) {
        socket?.close();
        failure = problem.code;
        if (failure === "token") this.tokens.forget();
        // A server that starts, or an upgrade under way, may not know its rooms yet.
        // And a full room may be full of one's own ghost, for as long as Janus waits for it to come back.
        const patience = { unknownRoom: 4, full: 12 }[failure] ?? (FINAL.has(failure) ? 0 : Infinity);
        if (attempt >= patience) {
          this.#end(failure);
          return;
        }
        this.on.trouble(navigator.onLine ? failure : "offline", attempt);
      }
    }
    if (this.ended) return;
    this.recovering = false;
    this.stats.heard.at = performance.now();
    this.on.state("in");
  }

  /** Has the person left while something was under way? Then nothing of that may stay. */
  #gone(socket) {
    if (!this.ended) return false;
    socket?.close();
    this.#drop();
    return true;
  }

  /** Everybody of a dead server comes back at once: spread them a little, then more and more. */
  async #pause(attempt) {
    const longest = attempt ? Math.min(3000, 150 * 2 ** attempt) : 100;
    const wait = attempt ? longest * (0.5 + Math.random() / 2) : longest * Math.random();
    await Promise.race([sleep(wait), new Promise((resolve) => (this.wake = resolve))]);
  }

  #online = () => this.wake?.();

  #bye = () => this.#drop();

  async #renew() {
    if (Date.now() < this.tokens.renewAt || this.recovering) return;
    // The old pair is good for some time yet; the next look tries again.
    await this.tokens.renew().catch(() => {});
  }

  async #watch() {
    const { stay } = this;
    if (this.looking || !stay) return;
    this.looking = true;
    try {
      const { now, frames } = await this.stats.look(stay.peers, (mid) => stay.tracks.get(mid)?.feed);
      if (stay !== this.stay || this.recovering) return;
      this.#count(frames);
      if (!this.stats.before || now.at - this.stats.before.at > 1900) {
        this.stats.rate(now);
        this.on.stats({ serverName: this.connection.serverName, ...this.stats.line }, this.stats.quality);
      }
      this.#judge(now.at);
    } finally {
      this.looking = false;
    }
  }

  #judge(now) {
    const { connection } = this;
    const silent = now - this.stats.heard.at;
    if (silent < SILENCE.ask) return;
    // Does the server still answer over the WebSocket? Then it is only the way of the media.
    connection.ping();
    const answers = now - connection.heard < SILENCE.ask;
    if (silent > SILENCE.always || (silent > SILENCE.noAnswer && !answers)) this.#recover("noMedia", {});
  }

  #count(frames) {
    for (const [id, current] of Object.entries(frames)) {
      const count = this.frames.get(id) || { before: 0, current: 0 };
      count.current = Math.max(current, 0);
      this.frames.set(id, count);
    }
  }

  /** For helpers and tests: fresh figures. */
  async report() {
    const { stay } = this;
    if (stay) {
      const { frames } = await this.stats.look(stay.peers, (mid) => stay.tracks.get(mid)?.feed);
      if (stay === this.stay && !stay.over) this.#count(frames);
    }
    const frames = {};
    for (const [id, { before, current }] of this.frames) frames[id] = before + current;
    return { serverName: this.connection?.serverName || "", ...this.stats.line, frames };
  }

  replace(kind, track) {
    return this.recovering ? undefined : Promise.all(this.#stays.map((stay) => stay.replace(kind, track)));
  }

  tell(message) {
    return !this.recovering && Boolean(this.stay?.tell(message));
  }

  leave() {
    this.#end("");
  }

  #end(code) {
    if (this.ended) return;
    this.ended = true;
    this.timers?.forEach(clearInterval);
    this.wake?.();
    window.removeEventListener("online", this.#online);
    window.removeEventListener("pagehide", this.#bye);
    this.#drop();
    this.on.ended(code);
  }
}
