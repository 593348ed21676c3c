// Copyright (c) 2026, lautan.lvs contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// What the connection delivers: bits per second, loss, round trip, decoded frames. Read from getStats().

const EMPTY = { sent: 0, received: 0, loss: 0, rtt: 0, relay: false };

function* reports(report) {
  if (report) for (const entry of report.values()) yield entry;
}

/** Rates need two looks: keep one of these for as long as a PeerConnection lives. */
export class Stats {
  constructor() {
    this.before = null;
    this.line = { ...EMPTY };
    this.heard = { bytes: -1, answers: -1, at: performance.now() };
    this.quality = new Map(); // person -> 1 poor, 2 fair, 3 good
  }

  /** `feedOf(mid)` names the person whose stream a subscription's mid is. */
  async look({ publisher, subscriber }, feedOf) {
    const at = performance.now();
    const [out, into] = await Promise.all([publisher?.getStats(), subscriber?.getStats()]);
    const now = { at, sent: 0, received: 0, lost: 0, expected: 0, feeds: new Map() };
    const frames = {};
    for (const entry of reports(out)) {
      if (entry.type === "transport") this.#hear(entry, at);
      if (entry.type === "outbound-rtp") now.sent += entry.bytesSent || 0;
      if (entry.type === "remote-inbound-rtp" && entry.fractionLost > 0) {
        now.sendLoss = Math.max(now.sendLoss || 0, entry.fractionLost);
      }
      if (entry.type === "candidate-pair" && entry.nominated) {
        this.line.rtt = Math.round((entry.currentRoundTripTime || 0) * 1000);
        this.line.relay = out.get(entry.localCandidateId)?.candidateType === "relay";
        if (entry.responsesReceived > this.heard.answers) {
          this.heard.answers = entry.responsesReceived;
          this.heard.at = at;
        }
      }
    }
    for (const entry of reports(into)) {
      if (entry.type !== "inbound-rtp") continue;
      now.received += entry.bytesReceived || 0;
      now.lost += entry.packetsLost || 0;
      now.expected += (entry.packetsReceived || 0) + (entry.packetsLost || 0);
      const feed = feedOf(entry.mid);
      if (!feed) continue;
      if (entry.kind === "video") frames[feed] = (frames[feed] || 0) + (entry.framesDecoded || 0);
      const sum = now.feeds.get(feed) || { lost: 0, expected: 0 };
      sum.lost += entry.packetsLost || 0;
      sum.expected += (entry.packetsReceived || 0) + (entry.packetsLost || 0);
      now.feeds.set(feed, sum);
    }
    return { now, frames };
  }

  /** Liveness is what comes back to the sender: a person who sends nothing is not a dead server. */
  #hear({ bytesReceived }, at) {
    if (bytesReceived === this.heard.bytes) return;
    this.heard.bytes = bytesReceived;
    this.heard.at = at;
  }

  /** Bits per second and loss since the last call. */
  rate(now) {
    const before = this.before;
    this.before = now;
    if (!before) return;
    const seconds = (now.at - before.at) / 1000;
    const bits = (key) => Math.max(0, Math.round(((now[key] - before[key]) * 8) / seconds));
    this.line.sent = bits("sent");
    this.line.received = bits("received");
    this.line.loss = Math.max(share(now, before), now.sendLoss || 0);
    for (const [feed, sum] of now.feeds) {
      const old = before.feeds.get(feed);
      if (old) this.quality.set(feed, grade(share(sum, old), this.line.rtt));
    }
    this.quality.set("", grade(now.sendLoss || 0, this.line.rtt));
  }
}

function share(now, before) {
  const expected = now.expected - before.expected;
  return expected > 0 ? Math.min(1, Math.max(0, (now.lost - before.lost) / expected)) : 0;
}

function grade(loss, rtt) {
  if (loss > 0.08 || rtt > 800) return 1;
  if (loss > 0.02 || rtt > 350) return 2;
  return 3;
}
