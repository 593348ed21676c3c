// Copyright (c) 2026, lautan.lvs contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// One stay in a room on one Janus: publish what this device sends, subscribe to everybody else's.
import { Problem, problemOf, send, within } from "./signalling.js";

/**
 * Events (all optional functions of `on`): person({id, name}), gone(id), track(id, track), data(id, object),
 * talking(id, yes), moderated(id, muted), kicked(), lost(code), dataOpen().
 */
export class Room {
  constructor(connection, { id, name, pin, tracks }, on) {
    this.connection = connection;
    this.me = { id, name, pin, tracks };
    this.on = on;
    this.publisher = null;
    this.subscriber = null;
    this.wanted = new Map(); // "feed/mid" -> {feed, mid}
    this.subscribed = new Set();
    this.feeds = new Map(); // id -> {name, audioMid}
    this.tracks = new Map(); // mid of the subscription -> {feed, track}
    this.negotiating = false;
    this.over = false;
    this.openData = false;
  }

  get name() {
    return this.connection.tokens.room;
  }

  async enter(ms) {
    const { connection } = this;
    const connected = new Promise((resolve, reject) => {
      this.up = { resolve, reject };
    });
    connected.catch(() => {});
    const joined = new Promise((resolve, reject) => {
      this.answer = { resolve, reject };
    });
    joined.catch(() => {});
    const attaching = Promise.all([
      connection.attach({
        onmessage: (message, jsep) => this.#published(message, jsep),
        ondataopen: () => {
          this.openData = true;
          this.on.dataOpen();
        },
        iceState: (state) => state === "failed" && this.#lost("noMedia"),
        webrtcState: (yes) => (yes ? this.up.resolve() : this.#lost("noMedia")),
      }),
      connection.attach({
        onmessage: (message, jsep) => this.#offered(message, jsep),
        ondata: (text, feed) => this.#heard(text, feed),
        iceState: (state) => state === "failed" && this.#lost("noMedia"),
        webrtcState: (yes) => yes || this.#lost("noMedia"),
      }),
    ]);
    [this.publisher, this.subscriber] = await within(ms, attaching);
    const { room_token: token } = await connection.tokens.get();
    const { id, name, pin, tracks } = this.me;
    const request = { request: "join", ptype: "publisher", room: this.name, id, display: name, token };
    if (pin) request.pin = pin;
    await within(ms, send(this.publisher, request));
    await within(ms, joined);
    await within(ms, this.#publish(tracks), "noMedia");
    await within(ms * 2, connected, "noMedia");
  }

  async #publish(tracks) {
    // dontStop: devices outlive this stay, and a rejoin sends the same tracks again.
    const jsep = await new Promise((success, error) => {
      this.publisher.createOffer({
        tracks: [
          { type: "audio", capture: tracks.audio, recv: false, dontStop: true },
          { type: "video", capture: tracks.video, recv: false, dontStop: true, framerate: 15 },
          { type: "data" },
        ],
        success,
        error: (reason) => error(new Problem("noMedia", String(reason))),
      });
    });
    await send(this.publisher, { request: "publish", audio: true, video: true, data: true }, jsep);
  }

  #lost(code) {
    if (this.over) return;
    this.over = true;
    this.up.reject(new Problem(code));
    this.on.lost(code);
  }

  #published(message, jsep) {
    const { videoroom: event } = message;
    if (message.error_code) {
      const problem = problemOf(message);
      // To join may be refused, and then to publish: only that counts how many people are there.
      this.answer.reject(problem);
      this.up.reject(problem);
      if (problem.code === "token") this.#lost("token");
    } else if (event === "joined") {
      this.answer.resolve();
    } else if (event === "destroyed") {
      this.#lost("noSession");
    } else if (event === "talking" || event === "stopped-talking") {
      this.on.talking(message.id, event === "talking");
    } else if (message.moderation) {
      const mine = message.id === this.me.id;
      const audio = mine ? this.#audioMid() : this.feeds.get(message.id)?.audioMid;
      if (message.mid === audio) this.on.moderated(message.id, message.moderation === "muted");
    } else if (message.leaving === "ok") {
      this.over = true;
      if (message.reason === "kicked") this.on.kicked();
    }
    for (const gone of [message.leaving, message.kicked, message.unpublished]) {
      if (gone && gone !== "ok") this.#forget(gone);
    }
    if (message.publishers) this.#meet(message.publishers);
    if (jsep) this.publisher.handleRemoteJsep({ jsep, error: () => this.#lost("noMedia") });
  }

  #meet(publishers) {
    for (const { id, display, dummy, streams } of publishers) {
      if (dummy || id === this.me.id) continue;
      const audio = (streams || []).find((stream) => stream.type === "audio");
      this.feeds.set(id, { name: display || "", audioMid: audio?.mid });
      for (const { mid, type, disabled } of streams || []) {
        if (!disabled && ["audio", "video", "data"].includes(type)) this.wanted.set(`${id}/${mid}`, { feed: id, mid });
      }
      this.on.person({ id, name: display || "" });
      if (audio?.moderated) this.on.moderated(id, true);
    }
    this.#subscribe();
  }

  #forget(id) {
    this.feeds.delete(id);
    for (const key of this.wanted.keys()) {
      if (this.wanted.get(key).feed !== id) continue;
      this.wanted.delete(key);
      // Janus takes the streams of who leaves out of the subscription by itself.
      this.subscribed.delete(key);
    }
    // Who comes back soon may be given the same place, with the same track: that is news.
    for (const [mid, { feed }] of this.tracks) if (feed === id) this.tracks.delete(mid);
    this.on.gone(id);
  }

  /** Bring the subscription up to what is wanted; one negotiation at a time. */
  async #subscribe() {
    const missing = [...this.wanted].filter(([key]) => !this.subscribed.has(key));
    if (this.negotiating || this.over || !missing.length) return;
    this.negotiating = true;
    for (const [key] of missing) this.subscribed.add(key);
    const streams = missing.map(([, stream]) => stream);
    const request = this.subscribing
      ? { request: "update", subscribe: streams }
      : { request: "join", ptype: "subscriber", room: this.name, streams, use_msid: true };
    this.asked = missing.map(([key]) => key);
    clearTimeout(this.guard);
    this.guard = setTimeout(() => this.negotiating && this.#lost("noMedia"), 15000);
    if (!this.subscribing) {
      const { room_token: token } = await this.connection.tokens.get().catch(() => ({}));
      request.token = token;
      if (this.me.pin) request.pin = this.me.pin;
    }
    try {
      await send(this.subscriber, request);
    } catch {
      this.#again();
    }
  }

  /** The request failed, for example because somebody left meanwhile: ask for what is still wanted. */
  #again() {
    for (const key of this.asked || []) this.subscribed.delete(key);
    this.negotiating = false;
    setTimeout(() => this.#subscribe(), 500);
  }

  #offered(message, jsep) {
    if (message.error_code) return this.#again();
    if (message.videoroom === "attached") this.subscribing = true;
    // One after the other: an offer because somebody left may follow the one that was asked for.
    this.work = (this.work || Promise.resolve()).then(() => this.#accept(message, jsep)).catch(() => {
      this.#lost("noMedia");
    });
    return this.work;
  }

  async #accept(message, jsep) {
    if (this.over) return;
    if (jsep) {
      const answer = await new Promise((success, error) => {
        this.subscriber.createAnswer({ jsep, tracks: [{ type: "data" }], success, error });
      });
      await send(this.subscriber, { request: "start" }, answer);
    }
    if (message.streams) this.#map(message.streams);
    if (jsep || message.videoroom === "updated") {
      this.negotiating = false;
      this.#subscribe();
    }
  }

  #map(streams) {
    const transceivers = this.subscriber.webrtcStuff.pc?.getTransceivers() || [];
    for (const { mid, type, feed_id: feed, active } of streams) {
      if (type === "data") continue;
      const old = this.tracks.get(mid);
      const track = transceivers.find((transceiver) => transceiver.mid === mid)?.receiver.track;
      if (!active || !this.feeds.has(feed) || !track) this.tracks.delete(mid);
      else if (old?.feed !== feed || old.track !== track) {
        this.tracks.set(mid, { feed, track });
        this.on.track(feed, track);
      }
    }
  }

  #heard(text, feed) {
    // The label of the data channel is who sent it, set by Janus: nobody can speak for somebody else.
    if (!this.feeds.has(feed)) return;
    try {
      const message = JSON.parse(text);
      if (typeof message === "object" && message) this.on.data(feed, message);
    } catch {
      // Somebody plays with the console. Nothing to show.
    }
  }

  /** Send to everybody; false if nobody can be reached now. */
  tell(message) {
    if (this.over || !this.openData) return false;
    this.publisher.data({ text: JSON.stringify(message) });
    return true;
  }

  async #participants() {
    return (await send(this.publisher, { request: "listparticipants", room: this.name })).participants;
  }

  /** The ids of everybody else, as Janus knows them. */
  async others() {
    return (await this.#participants()).map(({ id }) => id).filter((id) => id !== this.me.id);
  }

  /** After a time without signalling, whose events are lost: does this side still know who is here? */
  async isCurrent() {
    if (this.over || this.negotiating) return false;
    const participants = await this.#participants();
    if (!participants.some(({ id }) => id === this.me.id)) {
      // A moderator has decided so meanwhile.
      this.over = true;
      this.on.kicked();
      return false;
    }
    const here = new Set(participants.filter(({ publisher }) => publisher).map(({ id }) => id));
    for (const id of this.feeds.keys()) if (!here.has(id)) this.#forget(id);
    return here.delete(this.me.id) && [...here].every((id) => this.feeds.has(id));
  }

  #sender(kind) {
    const pc = this.publisher?.webrtcStuff.pc;
    return pc?.getTransceivers().find((transceiver) => transceiver.receiver.track.kind === kind)?.sender;
  }

  #audioMid() {
    const pc = this.publisher?.webrtcStuff.pc;
    return pc?.getTransceivers().find((transceiver) => transceiver.receiver.track.kind === "audio")?.mid;
  }

  /** Send another track (or nothing) from now on. Needs no negotiation. */
  async replace(kind, track) {
    await this.#sender(kind)?.replaceTrack(track);
  }

  async isModerator(secret) {
    // The only request that needs the room's secret and changes nothing.
    await send(this.publisher, { request: "listforwarders", room: this.name, secret });
  }

  silence(secret, id, mute) {
    const mid = this.feeds.get(id)?.audioMid;
    return send(this.publisher, { request: "moderate", room: this.name, secret, id, mid, mute });
  }

  remove(secret, id) {
    return send(this.publisher, { request: "kick", room: this.name, secret, id });
  }

  get peers() {
    return { publisher: this.publisher?.webrtcStuff.pc, subscriber: this.subscriber?.webrtcStuff.pc };
  }

  /** How much has come of whom: frames of pictures and packets of sound, by person and kind. */
  async flowing() {
    const report = await this.subscriber?.webrtcStuff.pc?.getStats();
    const seen = new Map();
    for (const { type, kind, mid, framesDecoded, packetsReceived } of report?.values() ?? []) {
      const feed = type === "inbound-rtp" && this.tracks.get(mid)?.feed;
      if (feed) seen.set(`${feed} ${kind}`, (kind === "video" ? framesDecoded : packetsReceived) || 0);
    }
    return seen;
  }

  leave() {
    this.over = true;
    clearTimeout(this.guard);
  }
}
