// Copyright (c) 2026, lautan.lvs contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// What a moderator may do: mute, remove, close the room. What stands for the PIN is the room's secret in Janus, kept in memory only.
import { t } from "./i18n.js";
import { keyOf, sleep, within } from "./signalling.js";

const $ = (id) => document.getElementById(id);
// How long a browser may take to say that it knows why its person is sent out.
const WARNING = 8000;

export class Moderator {
  constructor({ page, say, granted }) {
    this.page = page;
    this.say = say;
    this.granted = granted;
    this.secret = null;
    this.warned = new Map(); // person -> what to do once they know
    $("moderate").addEventListener("click", () => this.open());
    for (const button of $("moderator-dialog").querySelectorAll(".cancel")) {
      button.addEventListener("click", () => $("moderator-dialog").close());
    }
    $("moderator-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.enter($("moderator-pin").value);
    });
    $("close-room").addEventListener("click", () => {
      this.show("sure");
      $("close-room-sure").focus();
    });
    $("close-room-sure").addEventListener("click", () => this.closeRoom());
  }

  show(part) {
    $("moderator-form").hidden = part !== "form";
    $("moderator-powers").hidden = part !== "powers";
    $("moderator-sure").hidden = part !== "sure";
  }

  open() {
    this.show(this.secret ? "powers" : "form");
    $("moderator-problem").hidden = true;
    $("moderator-dialog").showModal();
  }

  async enter(pin) {
    if (!pin) return;
    try {
      const secret = await keyOf(this.page.conference.room, "secret", pin);
      await within(5000, this.page.conference.stay.isModerator(secret));
      this.secret = secret;
      $("moderator-pin").value = "";
      this.granted();
      this.show("powers");
    } catch (problem) {
      $("moderator-problem").textContent = t(problem.code === "wrongPin" ? "moderatorWrong" : "moderatorFailed");
      $("moderator-problem").hidden = false;
      $("moderator-pin").select();
    }
  }

  async act(action, id) {
    const { conference } = this.page;
    try {
      if (action === "remove") await conference.remove(this.secret, id);
      else await conference.silence(this.secret, id, action === "silence");
    } catch {
      this.say(t("moderatorFailed"));
    }
  }

  /**
   * The room itself lasts, as the operator made it: everybody is sent out, this person last.
   * Words travel over the media's way, which may lose some for a moment, and "kick" over the WebSocket: the first
   * must have arrived before the second is sent.
   */
  async closeRoom() {
    const { conference } = this.page;
    const out = new Set();
    $("close-room-sure").disabled = true;
    try {
      // Somebody may come, or come back, while others are sent out; or be on another server while the room moves.
      for (let round = 0; round < 8; round += 1) {
        const others = (await conference.others()).filter((id) => !out.has(id));
        if (others.length) await this.#sendOut(others, out);
        else if (await conference.follower.isMoving()) await sleep(2000);
        else return conference.leave();
      }
    } catch {
      // Told below, if there is still somebody to tell.
    }
    if (conference === this.page.conference) {
      this.say(t("moderatorFailed"));
      $("close-room-sure").disabled = false;
    }
    return undefined;
  }

  async #sendOut(ids, out) {
    const { conference } = this.page;
    const known = ids.map((id) => new Promise((resolve) => this.warned.set(id, resolve)));
    const warned = conference.tell({ t: "closing" });
    await Promise.all(
      ids.map(async (id, index) => {
        if (warned) await Promise.race([known[index], sleep(WARNING)]);
        // Who has just gone cannot be sent out; whoever is still there is found in the next round.
        await conference.remove(this.secret, id).then(() => out.add(id), () => {});
      }),
    );
  }

  /** Somebody knows that the room is being closed, or has gone. */
  knows(id) {
    this.warned.get(id)?.();
  }

  reset() {
    this.secret = null;
    this.warned.clear();
    $("close-room-sure").disabled = false;
    $("moderator-pin").value = "";
  }
}
