// Copyright (c) 2026, lautan.lvs contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// The connection to Janus: tokens, one WebSocket, one session. Turns janus.js' callbacks into promises.
/* global Janus */

/** What went wrong, as the key of a sentence in the texts (see i18n.js). */
export class Problem extends Error {
  constructor(code, detail = "") {
    super(detail || code);
    this.code = code;
  }
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export function within(ms, promise, code = "noAnswer") {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Problem(code)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Read JSON from the site itself. */
export async function get(path, ms = 8000, headers = {}) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), ms);
  try {
    const answer = await fetch(path, { cache: "no-store", signal: abort.signal, headers });
    if (answer.status === 403) throw new Problem("wrongPin");
    if (answer.status === 404) throw new Problem("unknownRoom");
    if (answer.status === 429 || answer.status === 503) throw new Problem("busy");
    if (!answer.ok) throw new Problem("noAnswer", `${path}: ${answer.status}`);
    return await answer.json();
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem(error instanceof SyntaxError ? "nonsense" : "noAnswer", String(error));
  } finally {
    clearTimeout(timer);
  }
}

/** What stands for a PIN in Janus. `kind`: "pin" of those who join, or "secret" of moderators. */
export async function keyOf(room, kind, pin) {
  const headers = { "X-Kind": kind, "X-Pin": encodeURIComponent(pin) };
  const { key } = await get(`/api/key/${encodeURIComponent(room)}`, 8000, headers);
  if (!key) throw new Problem("nonsense");
  return key;
}

/** The short-lived pair of tokens for one room. Only durations count: this device's clock may be wrong. */
export class Tokens {
  constructor(room) {
    this.room = room;
    this.pair = null;
    this.renewAt = 0;
  }

  async get() {
    if (!this.pair || Date.now() >= this.renewAt) await this.renew();
    return this.pair;
  }

  async renew(ms) {
    const pair = await get(`/api/token/${encodeURIComponent(this.room)}`, ms);
    if (!pair.token || !pair.room_token) throw new Problem("nonsense");
    this.pair = pair;
    this.renewAt = Date.now() + (pair.refresh || 300) * 1000;
  }

  forget() {
    this.pair = null;
  }
}

/** The problem that an error of Janus stands for. */
export function problemOf({ code, error_code: number = code, error, reason = error }) {
  const text = String(reason || "");
  if (number === 403 || (number === 433 && text.includes("token"))) return new Problem("token", text);
  if (number === 433 || (number === 429 && text.includes("pin"))) return new Problem("wrongPin", text);
  if (number === 426) return new Problem("unknownRoom", text);
  if (number === 432) return new Problem("full", text);
  if (number === 436) return new Problem("idTaken", text);
  if (number === 458 || number === 459) return new Problem("noSession", text);
  if (number === 472) return new Problem("busy", text);
  return new Problem("noAnswer", `${number} ${text}`);
}

function urlOf(room) {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  return `${scheme}//${location.host}/ws/${encodeURIComponent(room)}`;
}

/** An open WebSocket, made before it is known what it will be used for. */
export async function openSocket(room, ms) {
  const socket = new WebSocket(urlOf(room), "janus-protocol");
  const open = new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = socket.onclose = () => reject(new Problem("noAnswer"));
  });
  try {
    await within(ms, open);
    return socket;
  } catch (problem) {
    socket.close();
    throw problem;
  } finally {
    socket.onopen = socket.onerror = socket.onclose = null;
  }
}

let ready = null;
// What the connection under way wants to do with its WebSocket. janus.js makes it deep inside.
let dress = null;

function prepare() {
  ready ??= new Promise((resolve) => {
    const dependencies = Janus.useDefaultDependencies();
    dependencies.newWebSocket = (url, protocol) => dress(url, protocol);
    Janus.init({ debug: ["error"], dependencies, callback: resolve });
  });
  return ready;
}

/** One session on one Janus. `onLost(code)` is called once, when it cannot be used any more. */
export class Connection {
  constructor(tokens, onLost) {
    this.tokens = tokens;
    this.onLost = onLost;
    this.janus = null;
    this.serverName = "";
    this.heard = 0;
    this.socket = null;
    this.closed = false;
    this.failed = null;
  }

  /** Janus checks the token of every request, but janus.js keeps the first one: put the newest into each. */
  #dress(socket) {
    const send = socket.send.bind(socket);
    socket.send = (text) => send(JSON.stringify({ ...JSON.parse(text), token: this.tokens.pair?.token }));
    socket.addEventListener("message", (event) => this.#listen(event));
    // janus.js is silent when a socket closes before the session exists.
    socket.addEventListener("close", () => {
      if (this.socket === socket) this.#fail("noAnswer");
    });
    this.socket = socket;
    return socket;
  }

  #listen(event) {
    this.heard = performance.now();
    let message = null;
    try {
      message = JSON.parse(event.data);
    } catch {
      // Handled as any other answer that is none.
    }
    if (typeof message?.janus !== "string") {
      event.stopImmediatePropagation();
      this.#fail("nonsense");
      this.socket.close();
      return;
    }
    if (message.janus === "error") this.error = message.error;
    if (message.janus === "timeout") this.#fail("noSession");
  }

  #fail(code) {
    const first = !this.failed;
    this.failed = new Problem(code);
    this.reject?.(this.failed);
    if (first && this.janus && !this.closed) this.onLost(code);
  }

  /** Let `begin` make or claim a session, over the WebSocket given or a new one. */
  async #session(ms, given, begin) {
    this.error = null;
    this.failed = null;
    dress = (url, protocol) => {
      // janus.js waits for "open", which this one has behind it.
      if (given) queueMicrotask(() => given.dispatchEvent(new Event("open")));
      return this.#dress(given || new WebSocket(url, protocol));
    };
    const made = new Promise((resolve, reject) => {
      this.reject = reject;
      begin(resolve, (text) => reject(this.error ? problemOf(this.error) : new Problem("noAnswer", text)));
    });
    try {
      await within(ms, made);
    } finally {
      this.reject = null;
    }
  }

  async open(ms, socket = null) {
    await prepare();
    const { ice } = await this.tokens.get();
    if (this.closed) throw new Problem("noAnswer");
    let janus;
    await this.#session(ms, socket, (success, error) => {
      janus = new Janus({
        server: urlOf(this.tokens.room),
        iceServers: ice || [],
        keepAlivePeriod: 8000,
        destroyOnUnload: false,
        success,
        // Once the session exists this means that the WebSocket closed, which #dress has seen before.
        error,
      });
    });
    if (this.closed) {
      janus.destroy({ cleanupHandles: true, unload: true, notifyDestroyed: false });
      throw new Problem("noAnswer");
    }
    this.janus = janus;
    this.named = new Promise((resolve) => janus.getInfo({ success: (info) => resolve(info["server-name"] || "") }));
    this.named.then((name) => (this.serverName = name));
  }

  /** Does the server behind that WebSocket still have this session? Then it belongs to this WebSocket from now on. */
  async isKnown(socket, ms) {
    const answer = new Promise((resolve) => {
      socket.onmessage = (event) => resolve(event.data);
    });
    const session = this.janus.getSessionId();
    const token = this.tokens.pair?.token;
    socket.send(JSON.stringify({ janus: "claim", session_id: session, transaction: "claim", token }));
    try {
      return JSON.parse(await within(ms, answer)).janus === "success";
    } catch (problem) {
      throw problem instanceof Problem ? problem : new Problem("nonsense");
    } finally {
      socket.onmessage = null;
    }
  }

  /** Go on over a new WebSocket. */
  claim(socket, ms) {
    return this.#session(ms, socket, (success, error) => this.janus.reconnect({ success, error }));
  }

  /** Ask for any answer; `heard` tells when it came. */
  ping() {
    if (this.usable) this.janus.getInfo();
  }

  get usable() {
    return Boolean(this.janus) && !this.closed && this.socket.readyState === WebSocket.OPEN;
  }

  attach(callbacks) {
    return new Promise((success, reject) => {
      this.janus.attach({
        plugin: "janus.plugin.videoroom",
        ...callbacks,
        success,
        error: (text) => reject(this.error ? problemOf(this.error) : new Problem("noAnswer", text)),
      });
    });
  }

  close() {
    if (this.closed) return;
    const { socket, janus } = this;
    const open = this.usable;
    this.closed = true;
    if (janus && open) {
      janus.destroy({ cleanupHandles: true, notifyDestroyed: false });
      // A hung Janus never says that it is done.
      setTimeout(() => socket.close(), 1000);
    } else {
      // Without a WebSocket that works only this side can be tidied up: PeerConnections and timers.
      janus?.destroy({ cleanupHandles: true, unload: Boolean(socket), notifyDestroyed: false });
      socket?.close();
    }
  }
}

/** A videoroom request; synchronous ones resolve with the plugin's answer. */
export function send(handle, message, jsep) {
  return new Promise((resolve, reject) => {
    handle.send({
      message,
      jsep,
      success: (data) => (data?.error_code ? reject(problemOf(data)) : resolve(data)),
      error: (text) => {
        const [, number, reason] = /^(\d+) (.*)$/.exec(text) || [];
        reject(number ? problemOf({ code: Number(number), reason }) : new Problem("noAnswer", String(text)));
      },
    });
  });
}
