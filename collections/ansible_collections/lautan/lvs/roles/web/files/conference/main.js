// Copyright (c) 2026, lautan.lvs contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// The page: which screen is shown, what the buttons do, what is said.
import { Chat } from "./chat.js";
import { Conference } from "./conference.js";
import { Devices, canShare, showLevel } from "./devices.js";
import { Grid } from "./grid.js";
import { choose, current, languages, number, t, translate } from "./i18n.js";
import { recall, remember } from "./memory.js";
import { Moderator } from "./moderator.js";
import { get } from "./signalling.js";

const $ = (id) => document.getElementById(id);
const icon = (button, name) => button.querySelector("use").setAttribute("href", `/icons.svg#${name}`);
const LANGUAGE_NAMES = { en: "English", id: "Indonesia" };
// How long others may take to come back with us before their pictures go.
const GRACE = 8000;

const page = {
  state: "join",
  rooms: [],
  conference: null,
  people: new Map(),
  problem: "",
  farewell: "",
  silenced: false, // by a moderator
  silent: new Set(), // who is, of all people
  without: false, // knows that there is neither camera nor microphone
};

/* ---- what is said ---- */

let messageTimer;

function say(sentence, seconds = 5) {
  $("message").textContent = sentence;
  clearTimeout(messageTimer);
  messageTimer = setTimeout(() => ($("message").textContent = ""), seconds * 1000);
}

function banner(key) {
  $("banner").hidden = !key;
  $("banner-text").textContent = key ? t(key) : "";
  if (key) say("");
}

function problem(code) {
  page.problem = code;
  $("problem").hidden = !code;
  $("problem").textContent = code ? t(code) : "";
}

/* ---- devices ---- */

const devices = new Devices({
  changed: () => showDevices(),
  broken: (code) => say(t(code), 10),
});
let stopLevel = () => {};
let levelOf = null;

function showDevices() {
  const video = devices.tracks.video;
  if ($("preview").srcObject?.getTracks()[0] !== video) {
    $("preview").srcObject = video ? new MediaStream([video]) : null;
  }
  $("card").classList.toggle("seen", Boolean(video));
  for (const kind of ["video", "audio"]) {
    const select = $(`choose-${kind}`);
    const list = devices.list[kind];
    const options = list.map(({ deviceId, label: text }) => new Option(text, deviceId));
    select.replaceChildren(...(options.length ? options : [new Option(t("noneFound"), "")]));
    select.disabled = !list.length;
    if (list.some(({ deviceId }) => deviceId === devices.chosen(kind))) select.value = devices.chosen(kind);
  }
  if (devices.tracks.audio !== levelOf) {
    stopLevel();
    levelOf = devices.tracks.audio;
    stopLevel = levelOf ? showLevel(levelOf, $("level")) : () => {};
  }
  const [mic, cam] = [devices.isOn("audio"), devices.isOn("video")];
  const any = devices.list.video.length + devices.list.audio.length > 0;
  $("devices").hidden = !any;
  $("try").hidden = mic || cam || any;
  $("try").textContent = t(page.without ? "retry" : "tryDevices");
  $("preview-hint").hidden = any || page.without;
  for (const [button, on, pair, texts] of [
    ["preview-mic", mic, ["mic", "mic-off"], ["mute", "unmute"]],
    ["mute", mic, ["mic", "mic-off"], ["mute", "unmute"]],
    ["preview-cam", cam, ["cam", "cam-off"], ["cameraOff", "cameraOn"]],
    ["camera", cam, ["cam", "cam-off"], ["cameraOff", "cameraOn"]],
  ]) label($(button), on ? pair[0] : pair[1], t(on ? texts[0] : texts[1]), !on);
  label($("share"), "screen", t(devices.screen ? "unshare" : "share"), Boolean(devices.screen));
  showMe();
}

function label(button, symbol, text, off) {
  icon(button, symbol);
  const span = button.querySelector("span:not(.dot)");
  if (span) span.textContent = text;
  else button.setAttribute("aria-label", text);
  button.title = button.dataset.key ? `${text} (Alt+${button.dataset.key})` : text;
  button.classList.toggle("off", off);
}

/** Returns whether something can be sent or the person knows that nothing will be. */
async function openDevices() {
  if (!navigator.mediaDevices) {
    problem("insecure");
    return;
  }
  const problems = await devices.open();
  const code = problems[0]?.code || "";
  problem(code);
  page.without = Boolean(code) && !devices.tracks.video && !devices.tracks.audio;
  showDevices();
  showJoin();
  if (page.state === "join") setState("preview");
}

async function flip(kind) {
  if (kind === "audio" && page.silenced && !devices.isOn("audio")) {
    say(t("stillSilenced"), 8);
    return;
  }
  try {
    await devices.set(kind, !devices.isOn(kind));
    if (page.state === "preview" || page.state === "join") problem("");
  } catch (error) {
    if (page.conference) say(t(error.code), 10);
    else problem(error.code);
  }
}

async function flipShare() {
  if (devices.screen) return devices.unshare();
  try {
    await devices.share();
  } catch (error) {
    // Whoever closes the browser's window knows why.
    if (error.name !== "NotAllowedError") say(t("noShare"));
  }
  return undefined;
}

/* ---- screens ---- */

function setState(state) {
  page.state = state;
  document.body.dataset.state = state;
  const inside = ["in", "reconnecting"].includes(state);
  $("entrance").hidden = inside;
  $("conference").hidden = !inside;
  $("card").hidden = ["left", "error"].includes(state);
  $("farewell").hidden = !$("card").hidden;
  showJoin();
}

function showJoin() {
  const joining = page.state === "joining";
  $("join").disabled = joining;
  $("join").textContent = t(joining ? "joining" : page.without ? "joinWithout" : "join");
}

function showRooms() {
  const asked = new URLSearchParams(location.search).get("room");
  const options = page.rooms.map(({ name, title }) => new Option(title || name, name));
  const chosen = $("room").value;
  if (options.length !== 1) options.unshift(new Option(t("chooseRoom"), ""));
  $("room").replaceChildren(...options);
  if (asked && page.rooms.length && !roomNamed(asked)) problem("unknownRoom");
  $("room").value = chosen || (roomNamed(asked) ? asked : $("room").options[0]?.value || "");
  showPin();
}

const roomNamed = (name) => page.rooms.find((room) => room.name === name);

function showPin() {
  $("pin-field").hidden = !roomNamed($("room").value)?.pin;
}

async function loadRooms() {
  try {
    const rooms = await get("/api/rooms");
    if (!Array.isArray(rooms)) throw Object.assign(new Error(), { code: "nonsense" });
    page.rooms = rooms;
    problem(rooms.length ? "" : "noRooms");
  } catch (error) {
    problem(error.code === "unknownRoom" ? "noAnswer" : error.code || "noAnswer");
  }
  showRooms();
}

/* ---- people ---- */

function people() {
  return [...page.people.values()];
}

function update(id, change) {
  const person = page.people.get(id);
  if (!person) return;
  Object.assign(person, change);
  page.grid.update(person);
}

function showMe() {
  const me = people().find((person) => person.me);
  if (!me) return;
  const screen = Boolean(devices.screen);
  const [mic, video] = [devices.isOn("audio"), devices.isOn("video") || screen];
  update(me.id, { mic, video, screen, silenced: page.silenced });
  page.grid.show(me.id, devices.sent("video"), "video");
  tellState();
  spot();
}

/** Under another id when ours was taken, perhaps by the ghost of our last stay. */
function addMe() {
  const me = people().find((person) => person.me);
  const { id } = page.conference.person;
  if (me.id !== id) {
    page.people.delete(me.id);
    page.grid.remove(me.id);
    page.people.set(id, Object.assign(me, { id }));
  }
  page.grid.add(me);
}

function showCount() {
  $("count").textContent = t("inRoom", { count: people().length });
  $("alone").hidden = people().length > 1;
}

/** Who shares the screen is shown large, until somebody chooses otherwise. */
function spot() {
  const sharer = people().find((person) => person.screen && !person.me);
  if (sharer?.id === page.spotted) return;
  if (!sharer && page.grid.large === page.spotted) page.grid.enlarge(null);
  page.spotted = sharer?.id;
  if (sharer) {
    page.grid.enlarge(sharer.id);
    say(t("sharing", { name: sharer.name }));
  }
}

function tellState() {
  const me = people().find((person) => person.me);
  if (me) page.conference?.tell({ t: "state", mic: me.mic, video: me.video, hand: me.hand, screen: me.screen });
}

function forget(id) {
  const person = page.people.get(id);
  if (!person) return;
  page.people.delete(id);
  page.grid.remove(id);
  page.moderator.knows(id);
  spot();
  showCount();
  if (page.state === "in") say(t("gone", { name: person.name }));
}

function heard(id, message) {
  const person = page.people.get(id);
  if (!person) return;
  if (message.t === "chat" && typeof message.text === "string") page.chat.add(person.name, message.text);
  if (message.t === "closing") {
    page.closing = Date.now();
    page.conference?.tell({ t: "closing-known" });
  }
  if (message.t === "closing-known") page.moderator.knows(id);
  if (message.t !== "state") return;
  const hand = Boolean(message.hand);
  if (hand && !person.hand) say(t("handUp", { name: person.name }));
  update(id, { mic: Boolean(message.mic), video: Boolean(message.video), screen: Boolean(message.screen), hand });
  spot();
}

function moderated(id, muted) {
  const person = page.people.get(id);
  if (!person) return;
  if (muted) page.silent.add(id);
  else page.silent.delete(id);
  update(id, { silenced: muted });
  if (!person.me) return;
  page.silenced = muted;
  if (muted) devices.set("audio", false);
  say(t(muted ? "silencedYou" : "unsilencedYou"), 10);
}

const events = {
  person: ({ id, name }) => {
    const known = page.people.get(id);
    const fresh = { mic: true, video: true, hand: false, screen: false, speaking: false };
    const person = { ...fresh, ...known, id, name, stale: false, silenced: false };
    page.people.set(id, person);
    page.grid.add(person);
    showCount();
    if (!known && page.state === "in") say(t("joined", { name }));
    setTimeout(tellState, 1000);
  },
  gone: forget,
  track: (id, track) => page.grid.show(id, track),
  data: heard,
  dataOpen: tellState,
  talking: (id, speaking) => update(id, { speaking }),
  moderated,
  state: (state) => {
    if (state === "reconnecting") {
      banner("reconnecting");
    } else if (page.state === "reconnecting") {
      banner("");
      say(t("back"), 4);
      // What the moderator decided was about the stay that is over.
      if (page.conference.rejoins !== page.rejoins) page.silenced = false;
      page.rejoins = page.conference.rejoins;
      addMe();
      showMe();
      setTimeout(() => page.state === "in" && people().forEach(({ id, stale }) => stale && forget(id)), GRACE);
    }
    setState(state);
  },
  // The new server knows nothing of what a moderator has decided.
  moved: () => {
    page.silenced = false;
    showMe();
    if (!page.moderator.secret) return;
    for (const id of page.silent) if (page.people.has(id)) page.moderator.act("silence", id);
  },
  dropping: () => {
    page.grid.freeze();
    for (const person of people()) update(person.id, { stale: !person.me, speaking: false });
  },
  trouble: (code, attempt) => {
    if (code === "offline") banner("offline");
    else if (attempt >= 4) banner(["noMedia", "nonsense", "busy"].includes(code) ? code : "stillTrying");
  },
  ended: (code) => farewell(code === "kicked" && Date.now() - page.closing < 10000 ? "closed" : code),
  stats: (line, quality) => {
    page.line = line;
    showStatus();
    for (const person of people()) update(person.id, { quality: quality.get(person.me ? "" : person.id) || 3 });
  },
};

function showStatus() {
  if (!page.line) return;
  const { serverName, sent, received, loss, rtt, relay } = page.line;
  $("status").textContent = t("status", {
    server: serverName || "?",
    sent: number(sent / 1000),
    received: number(received / 1000),
    loss: number(loss * 100, 1),
    rtt: number(rtt),
    relay: relay ? t("relay") : "",
  });
}

/* ---- coming and going ---- */

async function join() {
  if (page.state === "joining") return;
  const [room, name] = [$("room").value, $("name").value.trim()];
  if (!room) return problem("needRoom"), $("room").focus();
  if (!name) return problem("needName"), $("name").focus();
  remember("name", name);
  // The second click after "blocked" means: without, then.
  let lacking = "";
  if (!page.without && page.state !== "preview") {
    await openDevices();
    if (page.without) return undefined;
    lacking = page.problem;
  }
  if (page.state === "joining") return undefined;
  setState("joining");
  const pin = roomNamed(room)?.pin ? $("pin").value : "";
  const conference = new Conference({ room, name, pin }, devices, events);
  page.conference = conference;
  page.people.clear();
  page.grid.clear();
  page.silenced = false;
  page.silent.clear();
  page.rejoins = 0;
  page.closing = 0;
  try {
    const me = { id: conference.person.id, name, me: true, mic: false, video: false, hand: false, screen: false };
    page.people.set(me.id, me);
    await conference.start();
    if (conference.ended) return undefined;
    problem("");
    if (lacking) say(t(lacking), 10);
    addMe();
    devices.send = (kind, track) => conference.replace(kind, track);
    $("room-title").textContent = roomNamed(room)?.title || room;
    history.replaceState(null, "", `/?room=${encodeURIComponent(room)}`);
    showDevices();
    showCount();
    page.beat = setInterval(tellState, 3000);
    $("settings-devices").append($("devices"));
    $("mute").focus({ preventScroll: true });
  } catch (error) {
    if (!error.code) console.error(error);
    page.conference = null;
    page.people.clear();
    page.grid.clear();
    setState(devices.tracks.video || devices.tracks.audio ? "preview" : "join");
    problem(error.code || "noAnswer");
    if (error.code === "wrongPin") $("pin").select();
  }
  return undefined;
}

function farewell(code) {
  clearInterval(page.beat);
  devices.close();
  page.conference = null;
  page.people.clear();
  page.grid.clear();
  page.chat.clear();
  page.moderator.reset();
  page.line = null;
  page.spotted = null;
  banner("");
  say("");
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
  document.querySelector(".preview").append($("devices"));
  page.farewell = code || "left";
  $("farewell-text").textContent = t(page.farewell);
  setState(["", "kicked", "closed"].includes(code) ? "left" : "error");
  $("farewell-text").focus();
}

function again() {
  devices.wanted = { video: true, audio: true };
  page.without = false;
  problem("");
  setState("join");
  showDevices();
  loadRooms();
  $("name").focus();
}

function hand() {
  const me = people().find((person) => person.me);
  if (!me) return;
  update(me.id, { hand: !me.hand });
  showHand();
  tellState();
}

function showHand() {
  const up = people().some((person) => person.me && person.hand);
  label($("hand"), "hand", t(up ? "handDown" : "hand"), false);
  $("hand").classList.toggle("on", up);
  $("hand").setAttribute("aria-pressed", up);
}

async function copyLink() {
  await navigator.clipboard?.writeText(location.href);
  say(t("copied"));
}

function speak(tag) {
  choose(tag);
  if (page.site?.title) name(page.site.title);
  else name(t("title"));
  problem(page.problem);
  if (page.farewell) $("farewell-text").textContent = t(page.farewell);
  showRooms();
  showDevices();
  showHand();
  showJoin();
  showStatus();
  showCount();
  page.grid.refresh();
}

function name(title) {
  document.title = title;
  document.querySelector(".site-title").textContent = title;
}

function wire() {
  page.grid = new Grid($("grid"), {
    ask: (action, id) => page.moderator.act(action, id),
    blocked: () => ($("hear").hidden = false),
  });
  page.chat = new Chat({ send: (text) => page.conference?.tell({ t: "chat", text }), say: (text) => say(text) });
  page.moderator = new Moderator({ page, say, granted: () => page.grid.allowModeration() });
  $("card").addEventListener("submit", (event) => {
    event.preventDefault();
    join();
  });
  const on = (id, action, event = "click") => $(id).addEventListener(event, action);
  on("room", showPin, "change");
  on("room", () => problem(""), "change");
  on("try", openDevices);
  on("preview-mic", () => (devices.list.audio.length ? flip("audio") : openDevices()));
  on("preview-cam", () => (devices.list.video.length ? flip("video") : openDevices()));
  on("mute", () => flip("audio"));
  on("camera", () => flip("video"));
  on("share", flipShare);
  on("hand", hand);
  on("leave", () => page.conference?.leave());
  on("again", again);
  on("copy", copyLink);
  on("settings", () => $("settings-dialog").showModal());
  on("hear", () => {
    $("hear").hidden = true;
    page.grid.hear();
  });
  for (const kind of ["video", "audio"]) {
    const select = ({ target }) => devices.choose(kind, target.value).catch((error) => say(t(error.code), 8));
    on(`choose-${kind}`, select, "change");
  }
  $("share").hidden = !canShare;
  $("language").replaceChildren(...languages.map((tag) => new Option(LANGUAGE_NAMES[tag], tag)));
  $("language").value = current();
  on("language", (event) => speak(event.target.value), "change");
  document.addEventListener("keydown", (event) => {
    if (!event.altKey || event.ctrlKey || event.metaKey || $("conference").hidden) return;
    const button = document.querySelector(`.tool[data-key="${event.code.replace("Key", "")}"]`);
    if (!button || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    button.click();
  });
}

/** For tests and helpers at the console. */
window.lautan = {
  get state() {
    return page.state;
  },
  get people() {
    return people()
      .filter((person) => !person.me)
      .map(({ id, name: who, speaking, hand: up, video }) => ({ id, name: who, speaking, hand: up, video }));
  },
  get rejoins() {
    return page.conference?.rejoins || 0;
  },
  get moves() {
    return page.conference?.moves || 0;
  },
  stats: () => page.conference?.report(),
};

async function start() {
  $("loading").hidden = true;
  if (!window.RTCPeerConnection || !window.WebSocket || !window.Janus) {
    $("unsupported").hidden = false;
    return;
  }
  wire();
  translate();
  $("name").value = recall("name");
  setState("join");
  speak(current());
  get("/api/site.json").then(
    (site) => {
      page.site = site;
      if (site.title) name(String(site.title));
    },
    () => {},
  );
  await loadRooms();
  if (!window.isSecureContext) problem("insecure");
  // Whoever allowed the devices before sees the preview at once.
  const states = await Promise.all(
    ["camera", "microphone"].map((what) => navigator.permissions?.query({ name: what }).catch(() => null)),
  ).catch(() => []);
  if (states.some((state) => state?.state === "granted") && page.state === "join") {
    const shown = page.problem;
    await openDevices();
    if (shown) problem(shown);
  }
}

// Leaving the page ends the stay; a browser's copy of it, shown again by "back", would be dead.
window.addEventListener("pageshow", (event) => event.persisted && location.reload());

start();
