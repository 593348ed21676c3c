// Copyright (c) 2026, lautan.lvs contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Follows a room to the server that it is at home on now: enters there, and leaves here when nobody would miss anything.
import { Problem, Tokens, get, sleep, within } from "./signalling.js";

// Milliseconds. How often one of all people asks where the room is at home, and how soon again to be sure.
const EVERY = 2000;
const AGAIN = 300;
// Not more often than this whatever others say, and less and less often while it does not succeed.
const QUIET = { least: 1000, first: 2000, longest: 60000 };
// For each answer on the new server; and how long to be on both, in all, and for others who are not as far.
const PATIENCE = 5000;
const BOTH = { longest: 6000, others: 1500, look: 200 };

export class Follower {
  constructor(conference) {
    this.conference = conference;
    this.next = null; // the stay to come: {connection, stay, entered, there, abandon()}
    this.asking = false;
    this.waiting = false;
    this.failures = 0;
    this.quietUntil = 0;
  }

  /** All people together ask about as often, however many they are; who finds out tells the others. */
  async run() {
    const { conference } = this;
    while (!conference.ended) {
      const people = (conference.stay?.feeds.size || 0) + 1;
      await sleep(EVERY * people * (0.5 + Math.random()));
      await this.#look(false);
    }
  }

  /** Somebody says that the room moves. That may be true. */
  async told() {
    if (this.waiting) return;
    this.waiting = true;
    await sleep(Math.max(0, this.quietUntil - performance.now()));
    this.waiting = false;
    await this.#look(true);
  }

  /** Somebody sees everybody on the new server. */
  there(id) {
    this.next?.there.add(id);
  }

  /** The name of the server that newcomers to the room are led to; empty if nobody can tell. */
  async home() {
    const answer = await get(`/api/owner/${encodeURIComponent(this.conference.room)}`, 3000).catch(() => ({}));
    return answer.server || "";
  }

  /** Is the room, or a part of its people, on its way to another server? */
  async isMoving() {
    if (this.next) return true;
    const home = await this.home();
    return Boolean(home) && home !== this.conference.connection.serverName;
  }

  async #look(told) {
    const { conference } = this;
    if (!conference.isSteady || this.asking || this.next || performance.now() < this.quietUntil) return;
    this.asking = true;
    this.quietUntil = performance.now() + QUIET.least;
    try {
      const { connection } = conference;
      const home = await this.home();
      if (!home || !connection.serverName || home === connection.serverName) return;
      // One server may have been too busy to take one connection.
      await sleep(AGAIN);
      if ((await this.home()) !== home || !conference.isSteady || connection !== conference.connection) return;
      if (!told) conference.tell({ t: "moving" });
      await this.#move(home);
    } finally {
      this.asking = false;
    }
  }

  async #move(home) {
    // Tokens of its own: while the secret of the servers changes, one does not take those of the other.
    const tokens = new Tokens(this.conference.room);
    const next = { connection: this.conference.connect(tokens), stay: null, entered: false, there: new Set() };
    const abandoned = new Promise((_, reject) => {
      next.abandon = () => reject(new Problem("noAnswer"));
    });
    this.next = next;
    try {
      await Promise.race([this.#enter(next, home).then(() => this.#untilComplete(next, home)), abandoned]);
      this.finish(next);
    } catch {
      // Whoever looks after the server will send us there in the end.
      if (this.next === next) this.giveUp();
    }
    const done = this.conference.connection === next.connection;
    this.failures = done ? 0 : this.failures + 1;
    if (!done) this.quietUntil = performance.now() + Math.min(QUIET.longest, QUIET.first * 2 ** this.failures);
  }

  async #enter(next, home) {
    const { conference } = this;
    await next.connection.open(PATIENCE);
    if ((await within(PATIENCE, next.connection.named)) !== home) throw new Problem("noAnswer");
    if (this.next !== next) return;
    next.stay = conference.makeRoom(next.connection);
    await next.stay.enter(PATIENCE);
    next.entered = true;
    await conference.devices.apply((kind, track) => next.stay.replace(kind, track));
  }

  /** Until everybody who is here is there as well, and what comes here comes there, too, for this person and for others. */
  async #untilComplete(next, home) {
    const { conference } = this;
    const deadline = performance.now() + BOTH.longest;
    let before = await conference.stay.flowing();
    let complete = 0;
    while (this.next === next) {
      await sleep(BOTH.look);
      const [here, there] = await Promise.all([conference.stay.flowing(), next.stay.flowing()]);
      if (this.next !== next) return;
      for (const { feed, track } of next.stay.tracks.values()) {
        if (there.get(`${feed} ${track.kind}`) > 0) conference.on.track(feed, track);
      }
      const comes = ([key, count]) => count === (before.get(key) ?? count) || there.get(key) > 0;
      const feeds = [...conference.stay.feeds.keys()];
      const now = performance.now();
      if (!complete && feeds.every((id) => next.stay.feeds.has(id)) && [...here].every(comes)) {
        complete = now;
        conference.tell({ t: "there" });
      }
      if (complete && (feeds.every((id) => next.there.has(id)) || now - complete > BOTH.others)) return;
      before = here;
      if (now < deadline) continue;
      // Some people do not come: their browsers are slow, or the room has gone back meanwhile.
      const later = await this.home();
      if (later && later !== home) throw new Problem("noAnswer");
      return;
    }
  }

  /** Be there, and here no more. */
  finish(next) {
    if (this.next !== next) return;
    this.next = null;
    this.conference.adopt(next);
    next.abandon();
  }

  giveUp() {
    const { next, conference } = this;
    if (!next) return;
    this.next = null;
    next.abandon();
    next.stay?.leave();
    conference.showAll(next.stay);
    next.connection.close();
  }
}
