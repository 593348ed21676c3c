// Copyright (c) 2026, lautan.lvs contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Stays in the room whatever happens to servers and networks: watches, claims the session back, or joins anew.
import { Follower } from "./follow.js";
import { Room } from "./room.js";
import { Connection, Tokens, keyOf, openSocket, sleep, within } from "./signalling.js";
import { Stats } from "./stats.js";

// No reason to try again: the person has to do something first.
const FINAL = new Set(["wrongPin", "full", "kicked"]);

const PATIENCE = { first: 12000, again: [2000, 3000, 5000, 8000] };
// Directors change over in about a second, without anybody having to do anything.
const SILENCE = { ask: 1200, noAnswer: 2500, always: 6000 };

const newId = () => Array.from(crypto.getRandomValues(new Uint8Array(9)), (n) => (n % 36).toString(36)).join("");

export class Conference {
  /** `on`: Room's events, and state(name), dropping() before media stop, moved() to another server without that,
   * trouble(code, attempt), ended(code), stats(line, quality). */
  constructor({ room, name, pin }, devices, on) {
    this.room = room;
    this.person = { id: newId(), name, pin };
    this.devices = devices;
    this.on = on;
    this.tokens = new Tokens(room);
    this.rejoins = 0;
    this.moves = 0;
    this.told = Date.now(); // a number for each message: on the way to another server some come twice
    this.heard = new Set();
    this.follower = new Follower(this);
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
    this.follower.run();
    window.addEventListener("online", this.#online);
    window.addEventListener("pagehide", this.#bye);
  }

  /** Is everything as it should be, so that something else can be done? */
  get isSteady() {
    return Boolean(this.timers) && !this.recovering && !this.ended;
  }

  connect(tokens = this.tokens) {
    const connection = new Connection(tokens, (code) => {
      if (connection === this.connection) this.#lost(code, { claim: code === "noAnswer" });
      if (connection === this.follower.next?.connection) this.follower.giveUp();
    });
    return connection;
  }

  async #enter(ms, socket) {
    this.connection = this.connect();
    await this.connection.open(ms, socket);
    this.stay = this.makeRoom(this.connection);
    try {
      await this.stay.enter(ms);
    } catch (problem) {
      if (problem.code === "idTaken") this.person.id = newId();
      throw problem;
    }
    await this.#settle();
  }

  makeRoom(connection) {
    const stay = new Room(connection, { ...this.person, tracks: this.devices.outgoing() }, {
      ...this.on,
      gone: (id) => this.#goneFrom(stay, id),
      // What comes from a server that is not the room's home yet is shown by the follower.
      track: (id, track) => stay === this.stay && !this.follower.next?.stay?.feeds.has(id) && this.on.track(id, track),
      data: (id, message) => this.#heard(id, message),
      kicked: () => this.#end("kicked"),
      lost: (code) => {
        if (stay === this.stay) this.#lost(code, {});
        if (stay === this.follower.next?.stay) this.follower.giveUp();
      },
    });
    // Of a stay that is over nobody wants to hear.
    const all = Object.entries(stay.on).filter(([, tell]) => typeof tell === "function");
    for (const [name, tell] of all) stay.on[name] = (...said) => !this.ended && this.#stays.includes(stay) && tell(...said);
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
    return [this.stay, this.follower.next?.stay].filter(Boolean);
  }

  #goneFrom(stay, id) {
    const other = this.#stays.find((each) => each !== stay && each.feeds.has(id));
    if (!other) return this.on.gone(id);
    for (const { feed, track } of other.tracks.values()) if (feed === id) this.on.track(id, track);
    return undefined;
  }

  #heard(id, message) {
    const key = `${id} ${message.n}`;
    if (message.n && this.heard.has(key)) return;
    this.heard.add(key);
    if (this.heard.size > 1000) this.heard.delete(this.heard.values().next().value);
    if (message.t === "moving") this.follower.told();
    else if (message.t === "there") this.follower.there(id);
    else this.on.data(id, message);
  }

  /** This server is lost. If the room has moved, and this person is there already, that is no loss. */
  #lost(code, how) {
    const { next } = this.follower;
    if (next?.entered) this.follower.finish(next);
    else this.#recover(code, how);
  }

  #drop() {
    this.follower.giveUp();
    this.stay?.leave();
    this.connection?.close();
  }

  /** Go on with another stay in the same room, and leave this one. */
  adopt({ connection, stay }) {
    const old = { connection: this.connection, stay: this.stay };
    this.#remember();
    this.connection = connection;
    this.tokens = connection.tokens;
    this.stay = stay;
    old.stay.leave();
    old.connection.close();
    this.showAll(old.stay);
    this.moves += 1;
    // One that has been lost in this moment says so by itself.
    this.#settle().catch(() => {});
    this.on.moved();
    this.on.dataOpen();
  }

  /** Show what this stay has, and forget who was only in another one. */
  showAll(other) {
    if (this.ended || !this.stay) return;
    for (const { feed, track } of this.stay.tracks.values()) this.on.track(feed, track);
    for (const id of other?.feeds.keys() ?? []) if (!this.stay.feeds.has(id)) this.on.gone(id);
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
    this.follower.giveUp();
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
    // New ones would be for the server that the room moves to.
    if (Date.now() < this.tokens.renewAt || this.recovering || this.follower.next) return;
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
    if (silent > SILENCE.always || (silent > SILENCE.noAnswer && !answers)) this.#lost("noMedia", {});
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

  async replace(kind, track) {
    if (this.recovering) return;
    const next = this.follower.next?.stay;
    next?.replace(kind, track).catch(() => {}); // set again when it is adopted
    await this.stay?.replace(kind, track);
  }

  tell(message) {
    if (this.recovering) return false;
    this.told += 1;
    return this.#stays.map((stay) => stay.tell({ ...message, n: this.told })).some(Boolean);
  }

  /* ---- what a moderator does, wherever people are ---- */

  async #everywhere(act) {
    const { next } = this.follower;
    const stays = [this.stay, ...(next?.entered ? [next.stay] : [])];
    const results = await Promise.allSettled(stays.map((stay) => within(3000, act(stay))));
    const done = results.filter(({ status }) => status === "fulfilled").map(({ value }) => value);
    if (!done.length) throw results[0].reason;
    return done;
  }

  async others() {
    return [...new Set((await this.#everywhere((stay) => stay.others())).flat())];
  }

  remove(secret, id) {
    return this.#everywhere((stay) => stay.remove(secret, id));
  }

  silence(secret, id, mute) {
    return this.#everywhere((stay) => stay.silence(secret, id, mute));
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
