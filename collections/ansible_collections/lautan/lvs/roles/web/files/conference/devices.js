// Copyright (c) 2026, lautan.lvs contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Camera, microphone and screen: asked for, chosen, switched on and off, and what is sent of them.
import { recall, remember } from "./memory.js";
import { Problem } from "./signalling.js";

const VIDEO = { width: { ideal: 640 }, height: { ideal: 360 }, frameRate: { ideal: 15, max: 15 } };
const AUDIO = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
const SCREEN = { width: { max: 1280 }, height: { max: 720 }, frameRate: { max: 15 } };

const KINDS = { video: "videoinput", audio: "audioinput" };

export const canShare = Boolean(navigator.mediaDevices?.getDisplayMedia);

/** Why the browser gave no camera or no microphone. */
function problemOf(error, kind) {
  const which = { video: "Camera", audio: "Microphone", both: "Devices" }[kind];
  const why = {
    NotAllowedError: "blocked",
    SecurityError: "blocked",
    NotFoundError: "no",
    OverconstrainedError: "no",
    NotReadableError: "busy",
    AbortError: "busy",
  }[error.name];
  return new Problem(`${why || "busy"}${which}`, String(error));
}

export class Devices {
  /** `changed()` after any change of what is there or on; `broken(code)` when a device stops by itself. */
  constructor({ changed, broken }) {
    this.tracks = { video: null, audio: null };
    this.wanted = { video: true, audio: true };
    this.screen = null;
    this.list = { video: [], audio: [] };
    this.changed = changed;
    this.broken = broken;
    this.send = null; // (kind, track) while in a room
    navigator.mediaDevices?.addEventListener?.("devicechange", () => this.refresh());
  }

  isOn(kind) {
    const track = this.tracks[kind];
    return Boolean(track) && this.wanted[kind] && track.readyState === "live";
  }

  /** Open what is wanted. One question for both if possible. Returns the problems, most important first. */
  async open() {
    const kinds = ["video", "audio"].filter((kind) => this.wanted[kind] && !this.isOn(kind));
    if (!kinds.length) return [];
    const problems = [];
    try {
      const asked = Object.fromEntries(kinds.map((kind) => [kind, this.#constraints(kind)]));
      const stream = await navigator.mediaDevices.getUserMedia(asked);
      for (const track of stream.getTracks()) this.#take(track.kind, track);
    } catch (error) {
      const both = problemOf(error, kinds.length > 1 ? "both" : kinds[0]);
      if (kinds.length === 1 || both.code === "blockedDevices") problems.push(both);
      else {
        // One of the two is missing or in use: the other one is better than none.
        for (const kind of kinds) await this.#openOne(kind).catch((problem) => problems.push(problem));
        if (problems.length === 2 && problems.every((problem) => problem.code.startsWith("no"))) {
          problems.splice(0, 2, new Problem("noDevices"));
        }
      }
    }
    for (const kind of kinds) if (!this.tracks[kind]) this.wanted[kind] = false;
    await this.refresh();
    return problems;
  }

  async #openOne(kind) {
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ [kind]: this.#constraints(kind) });
      this.#take(kind, stream.getTracks()[0]);
    } catch (error) {
      throw problemOf(error, kind);
    }
  }

  #constraints(kind) {
    const choice = recall(kind);
    // ideal: a device that is not plugged in today is no reason to fail.
    return { ...(kind === "video" ? VIDEO : AUDIO), ...(choice && { deviceId: { ideal: choice } }) };
  }

  #take(kind, track) {
    this.tracks[kind]?.stop();
    this.tracks[kind] = track;
    track.addEventListener("ended", () => {
      if (this.tracks[kind] !== track) return;
      this.tracks[kind] = null;
      this.wanted[kind] = false;
      this.#sendNow(kind);
      this.broken(kind === "video" ? "lostCamera" : "lostMicrophone");
      this.changed();
    });
  }

  /** Switch on or off. A camera that is off is released, so that its light goes out. */
  async set(kind, on) {
    this.wanted[kind] = on;
    if (on && !this.tracks[kind]) {
      try {
        await this.#openOne(kind);
      } catch (problem) {
        this.wanted[kind] = false;
        this.changed();
        throw problem;
      }
    }
    if (!on && kind === "video") {
      this.tracks.video?.stop();
      this.tracks.video = null;
    }
    if (this.tracks.audio) this.tracks.audio.enabled = this.wanted.audio;
    await this.#sendNow(kind);
    await this.refresh();
  }

  async choose(kind, deviceId) {
    remember(kind, deviceId);
    if (!this.tracks[kind]) return;
    // Some devices open only once: let go of the old one first.
    const old = this.tracks[kind];
    this.tracks[kind] = null;
    old.stop();
    await this.set(kind, this.wanted[kind]);
  }

  async refresh() {
    const all = (await navigator.mediaDevices?.enumerateDevices?.().catch(() => [])) || [];
    for (const kind of ["video", "audio"]) {
      // Without permission there are entries without names: nothing to choose from.
      this.list[kind] = all.filter((device) => device.kind === KINDS[kind] && device.deviceId && device.label);
    }
    this.changed();
  }

  chosen(kind) {
    return this.tracks[kind]?.getSettings().deviceId || recall(kind);
  }

  async share() {
    const stream = await navigator.mediaDevices.getDisplayMedia({ video: SCREEN, audio: false });
    const [track] = stream.getVideoTracks();
    // Letters must stay sharp; fewer pictures are no harm.
    track.contentHint = "detail";
    this.screen = track;
    track.addEventListener("ended", () => this.screen === track && this.unshare());
    await this.#sendNow("video");
    this.changed();
  }

  async unshare() {
    const track = this.screen;
    this.screen = null;
    track?.stop();
    await this.#sendNow("video");
    this.changed();
  }

  /** What others see or hear now; null for nothing. */
  sent(kind) {
    return (kind === "video" && this.screen) || this.tracks[kind];
  }

  async #sendNow(kind) {
    await this.send?.(kind, this.sent(kind));
  }

  async apply(send) {
    for (const kind of ["audio", "video"]) await send(kind, this.sent(kind));
  }

  /** Tracks for the offer: an empty one holds the place, so that a device can come later without negotiation. */
  outgoing() {
    return { audio: this.sent("audio") || silence(), video: this.sent("video") || darkness() };
  }

  close() {
    this.send = null;
    for (const track of [this.screen, this.tracks.video, this.tracks.audio]) track?.stop();
    this.screen = null;
    this.tracks = { video: null, audio: null };
    this.changed();
  }
}

let context = null;

function audioContext() {
  context ??= new AudioContext();
  return context;
}

function silence() {
  return audioContext().createMediaStreamDestination().stream.getAudioTracks()[0];
}

function darkness() {
  const canvas = document.createElement("canvas");
  canvas.width = 64;
  canvas.height = 36;
  canvas.getContext("2d");
  return canvas.captureStream(0).getVideoTracks()[0];
}

/** Show how loud the microphone is in a <meter>. Returns a function that stops it. */
export function showLevel(track, meter) {
  const analyser = audioContext().createAnalyser();
  const source = audioContext().createMediaStreamSource(new MediaStream([track]));
  source.connect(analyser);
  audioContext().resume().catch(() => {});
  const samples = new Float32Array(512);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    const power = Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
    // -60 dB to 0 dB
    meter.value = power > 0 ? Math.max(0, 1 + Math.log10(power) / 3) : 0;
  }, 80);
  return () => {
    clearInterval(timer);
    source.disconnect();
    meter.value = 0;
  };
}
