// Copyright (c) 2026, lautan.lvs contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// What a moderator may do: mute, remove, close the room. What stands for the PIN is the room's secret in Janus, kept in memory only.
import { t } from "./i18n.js";
import { keyOf } from "./signalling.js";

const $ = (id) => document.getElementById(id);

export class Moderator {
  constructor({ page, say, granted }) {
    this.page = page;
    this.say = say;
    this.granted = granted;
    this.secret = null;
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
      const { room, stay } = this.page.conference;
      const secret = await keyOf(room, "secret", pin);
      await stay.isModerator(secret);
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
    const { stay } = this.page.conference;
    try {
      if (action === "remove") await stay.remove(this.secret, id);
      else await stay.silence(this.secret, id, action === "silence");
    } catch {
      this.say(t("moderatorFailed"));
    }
  }

  /** The room itself lasts, as the operator made it: everybody is sent out, this person last. */
  async closeRoom() {
    const { conference, people } = this.page;
    conference.tell({ t: "closing" });
    const others = [...people.values()].filter((person) => !person.me);
    await Promise.all(others.map(({ id }) => conference.stay.remove(this.secret, id).catch(() => {})));
    conference.leave();
  }

  reset() {
    this.secret = null;
    $("moderator-pin").value = "";
  }
}
