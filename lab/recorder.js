// Copyright (c) 2026, lautan.lvs contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
//
// Runs in a page before the page's own code, and notes what its user sees and hears: when each person's picture moved
// on, and in which state the page was. It looks at the browser's own counters, and asks the page only whose picture a
// tile is. Time is kept here, so that it does not matter when a test asks.
(() => {
  const INTERVAL = 60; // milliseconds
  const connections = new Set();
  const Native = window.RTCPeerConnection;
  if (!Native) return;
  window.RTCPeerConnection = class RTCPeerConnection extends Native {
    constructor(...words) {
      super(...words);
      connections.add(this);
    }
  };

  const now = () => (performance.timeOrigin + performance.now()) / 1000;
  const record = (window.lautanRecord = {
    moments: {}, // by name: when the picture moved on, in seconds since 1970
    frames: {}, // by name: how many frames were decoded
    states: [], // [when, state, rejoins], a new one whenever they change
    looks: 0,
    slowest: 0, // the longest time between two looks, in seconds: no gap is known more exactly
    loudest: 0, // the greatest audio level that came in
    received: 0, // packets of sound and pictures
    lost: 0,
    paths: [], // the way of each connection at the last look
  });

  const names = () => {
    const found = new Map();
    for (const tile of document.querySelectorAll(".tile[data-person]")) {
      const person = window.lautan?.people?.find(({ id }) => String(id) === tile.dataset.person);
      for (const { srcObject } of tile.querySelectorAll("video, audio")) {
        for (const track of srcObject?.getTracks?.() ?? []) found.set(track, person?.name ?? tile.dataset.person);
      }
    }
    return found;
  };

  const before = new WeakMap(); // of each connection: counters by the id of what they count
  const grown = (connection, id, value) => {
    if (!before.has(connection)) before.set(connection, new Map());
    const counters = before.get(connection);
    const more = (value ?? 0) - (counters.get(id) ?? 0);
    counters.set(id, value ?? 0);
    return more;
  };

  const count = (connection, stats, tracks, paths) => {
    // By the tracks themselves: on another server somebody's track may have the same id.
    const received = new Map(connection.getTransceivers().map(({ mid, receiver }) => [mid, receiver.track]));
    for (const each of stats.values()) {
      if (each.type === "inbound-rtp") {
        record.received += grown(connection, `${each.id} received`, each.packetsReceived);
        record.lost += grown(connection, `${each.id} lost`, each.packetsLost);
        record.loudest = Math.max(record.loudest, each.audioLevel ?? 0);
        const name = tracks.get(received.get(each.mid));
        const more = each.kind === "video" ? grown(connection, `${each.id} frames`, each.framesDecoded) : 0;
        if (name !== undefined && more > 0) {
          record.frames[name] = (record.frames[name] ?? 0) + more;
          (record.moments[name] ??= []).push(now());
        }
      } else if (each.type === "transport" && each.selectedCandidatePairId) {
        const pair = stats.get(each.selectedCandidatePairId);
        const local = stats.get(pair?.localCandidateId);
        const remote = stats.get(pair?.remoteCandidateId);
        if (local && remote) {
          const { candidateType: type, relayProtocol = null, url = null } = local;
          paths.push({ type, relayProtocol, url, address: remote.address, port: remote.port });
        }
      }
    }
  };

  let last = now();
  const look = async () => {
    const begin = now();
    if (record.looks++) record.slowest = Math.max(record.slowest, begin - last);
    last = begin;
    const state = window.lautan?.state;
    const rejoins = window.lautan?.rejoins ?? 0;
    const [, lastState, lastRejoins] = record.states.at(-1) ?? [];
    if (state !== undefined && (state !== lastState || rejoins !== lastRejoins)) {
      record.states.push([begin, state, rejoins]);
    }
    const tracks = names();
    const paths = [];
    await Promise.all(
      [...connections].map(async (connection) => {
        if (connection.connectionState === "closed") connections.delete(connection);
        else count(connection, await connection.getStats(), tracks, paths);
      }),
    );
    record.paths = paths;
  };
  const again = () =>
    look()
      .catch((error) => console.error(`recorder: ${error}`))
      .finally(() => setTimeout(again, Math.max(0, INTERVAL - (now() - last) * 1000)));
  again();
})();
