// Copyright (c) 2026, lautan.lvs contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Everybody's picture, as large as the window allows.
import { t, translate } from "./i18n.js";

const GAP = 10;
const WIDEST = 16 / 9;

/** Where each of `count` tiles goes in a field of that size: [{x, y, w, h}], the largest that fit. */
export function layout(count, width, height) {
  // A phone held upright shows more of people's faces in squares.
  const narrowest = width > height ? 4 / 3 : 1;
  let best = null;
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    let w = (width - GAP * (columns - 1)) / columns;
    let h = (height - GAP * (rows - 1)) / rows;
    if (w / h > WIDEST) w = h * WIDEST;
    if (w / h < narrowest) h = w / narrowest;
    // What counts is how much of a 16:9 picture is seen.
    const area = w * Math.min(h, w / WIDEST) + w * h * 0.15;
    if (w > 0 && h > 0 && (!best || area > best.area)) best = { columns, rows, w, h, area };
  }
  if (!best) return [];
  const { columns, rows, w, h } = best;
  const top = (height - rows * h - (rows - 1) * GAP) / 2;
  return Array.from({ length: count }, (_, index) => {
    const row = Math.floor(index / columns);
    const inRow = row === rows - 1 ? count - row * columns : columns;
    const left = (width - inRow * w - (inRow - 1) * GAP) / 2;
    return { x: left + (index % columns) * (w + GAP), y: top + row * (h + GAP), w, h };
  });
}

/** One large tile and the others in a strip beside or below it. */
export function spotlight(count, width, height) {
  if (count === 1) return layout(1, width, height);
  const beside = width > height;
  const strip = beside ? Math.min(260, width * 0.22) : height * 0.22;
  // Upright, the large one is no higher than its picture needs; the others take the rest.
  const tall = Math.min(height - strip - GAP, (width * 3) / 4);
  const field = beside ? [width - strip - GAP, height] : [width, tall];
  const others = layout(count - 1, ...(beside ? [strip, height] : [width, height - tall - GAP]));
  const [dx, dy] = beside ? [field[0] + GAP, 0] : [0, field[1] + GAP];
  return [
    { x: 0, y: 0, w: field[0], h: field[1] },
    ...others.map((place) => ({ ...place, x: place.x + dx, y: place.y + dy })),
  ];
}

/** Show the video again as soon as it has a new picture. */
function thaw({ tile, video }) {
  const show = () => (tile.querySelector(".still").hidden = true);
  if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(show);
  else video.addEventListener("timeupdate", show, { once: true });
}

const initials = (name) =>
  name.trim().split(/\s+/).slice(0, 2).map((word) => [...word][0] || "").join("").toUpperCase() || "?";

const hue = (name) => [...name].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 360, 7);

export class Grid {
  /** `ask(action, id)`: a moderator wants "silence", "unsilence" or "remove". `blocked()`: sound needs a click. */
  constructor(list, { ask, blocked }) {
    this.list = list;
    this.ask = ask;
    this.blocked = blocked;
    this.tiles = new Map();
    this.large = null; // chosen by hand, or who shares
    this.template = document.getElementById("tile");
    new ResizeObserver(() => this.arrange()).observe(list);
  }

  add(person) {
    if (this.tiles.has(person.id)) return this.update(person);
    const tile = this.template.content.firstElementChild.cloneNode(true);
    const find = (selector) => tile.querySelector(selector);
    tile.dataset.person = person.id;
    tile.classList.toggle("me", Boolean(person.me));
    find(".avatar").textContent = initials(person.name);
    tile.style.setProperty("--hue", hue(person.name));
    const video = find("video");
    video.srcObject = new MediaStream();
    video.muted = Boolean(person.me);
    find(".enlarge").addEventListener("click", () => this.enlarge(this.large === person.id ? null : person.id));
    tile.addEventListener("dblclick", () => find(".enlarge").click());
    tile.addEventListener("click", (event) => {
      if (tile.classList.contains("tiny") && event.target === video) this.enlarge(person.id);
    });
    const powers = find(".powers");
    find(".silence").addEventListener("click", () => {
      powers.open = false;
      this.ask(this.tiles.get(person.id).person.silenced ? "unsilence" : "silence", person.id);
    });
    find(".remove").addEventListener("click", () => this.ask("remove", person.id));
    powers.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      powers.open = false;
      find("summary").focus();
    });
    powers.addEventListener("focusout", (event) => {
      if (!powers.contains(event.relatedTarget)) powers.open = false;
    });
    this.tiles.set(person.id, { tile, video, person });
    this.list.append(tile);
    translate(tile);
    this.update(person);
    this.arrange();
    return undefined;
  }

  update(person) {
    const entry = this.tiles.get(person.id);
    if (!entry) return;
    entry.person = person;
    const { tile } = entry;
    const find = (selector) => tile.querySelector(selector);
    const name = person.me ? t("youName", { name: person.name }) : person.name;
    const flag = (key, on) => tile.classList.toggle(key, Boolean(on));
    flag("speaking", person.speaking);
    flag("muted", !person.mic || person.silenced);
    flag("no-video", !person.video && !person.screen);
    flag("screen", person.screen);
    flag("hand", person.hand);
    flag("stale", person.stale);
    if (!person.video && !person.screen) find(".still").hidden = true;
    find(".who").textContent = name;
    const state = [
      person.speaking && t("speaking"),
      person.silenced ? t("silenced") : !person.mic && t("muted"),
      person.hand && t("handRaised"),
    ].filter(Boolean);
    find(".what").textContent = state.length ? `, ${state.join(", ")}` : "";
    const bars = find(".bars");
    bars.dataset.quality = person.quality || 3;
    bars.title = t(`quality${person.quality || 3}`);
    bars.setAttribute("aria-label", bars.title);
    const enlarge = find(".enlarge");
    const large = this.large === person.id;
    enlarge.setAttribute("aria-pressed", large);
    enlarge.title = large ? t("shrink") : t("enlarge", { name });
    enlarge.setAttribute("aria-label", enlarge.title);
    find("summary").setAttribute("aria-label", t("actions", { name }));
    find("summary").title = t("actions", { name });
    find(".silence").textContent = t(person.silenced ? "unsilence" : "silence");
    find(".remove").textContent = t("remove");
    find(".powers").hidden = !this.moderator || Boolean(person.me);
  }

  remove(id) {
    const entry = this.tiles.get(id);
    if (!entry) return;
    entry.video.srcObject = null;
    entry.tile.remove();
    this.tiles.delete(id);
    if (this.large === id) this.large = null;
    this.arrange();
  }

  clear() {
    for (const id of [...this.tiles.keys()]) this.remove(id);
    this.large = null;
    this.moderator = false;
  }

  /** Put a track into a tile, in place of the one of its kind. The last picture stays until the new one comes. */
  show(id, track, kind = track?.kind) {
    const entry = this.tiles.get(id);
    if (!entry) return;
    const { srcObject: stream } = entry.video;
    const old = stream.getTracks().filter((other) => other.kind === kind);
    if (old.length === 1 && old[0] === track) return;
    for (const other of old) stream.removeTrack(other);
    if (track) stream.addTrack(track);
    if (track && kind === "video") thaw(entry);
    entry.video.play().catch((error) => error.name === "NotAllowedError" && this.blocked());
  }

  /** Keep the last pictures while the connections that brought them are replaced. */
  freeze() {
    for (const { tile, video, person } of this.tiles.values()) {
      const still = tile.querySelector(".still");
      if (person.me || !person.video || !video.videoWidth || !still.hidden) continue;
      still.width = video.videoWidth;
      still.height = video.videoHeight;
      still.getContext("2d").drawImage(video, 0, 0);
      still.hidden = false;
    }
  }

  hear() {
    for (const { video } of this.tiles.values()) video.play().catch(() => {});
  }

  enlarge(id) {
    this.large = this.tiles.has(id) ? id : null;
    for (const { person } of this.tiles.values()) this.update(person);
    this.arrange();
  }

  allowModeration() {
    this.moderator = true;
    this.refresh();
  }

  refresh() {
    for (const { person } of this.tiles.values()) this.update(person);
  }

  arrange() {
    const { clientWidth: width, clientHeight: height } = this.list;
    const entries = [...this.tiles.values()];
    if (!width || !height || !entries.length) return;
    const large = this.tiles.get(this.large);
    const order = large ? [large, ...entries.filter((entry) => entry !== large)] : entries;
    const places = large ? spotlight(order.length, width, height) : layout(order.length, width, height);
    order.forEach(({ tile }, index) => {
      const { x, y, w, h } = places[index];
      tile.classList.toggle("large", Boolean(large) && index === 0);
      tile.classList.toggle("tiny", w < 190);
      tile.style.width = `${w}px`;
      tile.style.height = `${h}px`;
      tile.style.transform = `translate(${x}px, ${y}px)`;
    });
  }
}
