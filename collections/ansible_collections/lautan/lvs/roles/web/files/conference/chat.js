// Copyright (c) 2026, lautan.lvs contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// The text chat: a panel beside the pictures.
import { current, t } from "./i18n.js";

const $ = (id) => document.getElementById(id);
const LONGEST = 1000;
const KEPT = 500;

export class Chat {
  /** `send(text)` tells whether it could be sent. `say(sentence)` shows and speaks a short notice. */
  constructor({ send, say }) {
    this.say = say;
    this.unread = 0;
    $("chat").addEventListener("click", () => this.toggle());
    $("chat-close").addEventListener("click", () => this.toggle(false));
    $("chat-panel").addEventListener("keydown", (event) => event.key === "Escape" && this.toggle(false));
    $("chat-input").addEventListener("keydown", (event) => {
      // Not while an input method composes a character.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      $("chat-form").requestSubmit();
    });
    $("chat-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const text = $("chat-input").value.trim().slice(0, LONGEST);
      if (!text) return;
      if (!send(text)) {
        this.say(t("chatNotSent"));
        return;
      }
      $("chat-input").value = "";
      this.add(t("you"), text, true);
    });
    this.toggle(false);
  }

  get open() {
    return !$("chat-panel").hidden;
  }

  toggle(open = !this.open) {
    const was = this.open;
    $("chat-panel").hidden = !open;
    $("chat").setAttribute("aria-expanded", open);
    if (open) {
      this.unread = 0;
      this.#badge();
      $("chat-input").focus();
      this.#end();
    } else if (was) $("chat").focus();
  }

  add(name, text, mine = false) {
    const log = $("chat-log");
    const item = document.createElement("li");
    const head = document.createElement("span");
    const body = document.createElement("p");
    const time = new Date().toLocaleTimeString(current(), { hour: "2-digit", minute: "2-digit", hour12: false });
    item.classList.toggle("mine", mine);
    head.textContent = `${name} · ${time}`;
    body.textContent = String(text).slice(0, LONGEST);
    item.append(head, body);
    log.append(item);
    while (log.children.length > KEPT) log.firstElementChild.remove();
    $("chat-empty").hidden = true;
    if (this.open) this.#end();
    else if (!mine) {
      this.unread += 1;
      this.#badge();
      this.say(t("chatNew", { name }));
    }
  }

  #end() {
    $("chat-log").scrollTop = $("chat-log").scrollHeight;
  }

  #badge() {
    $("unread").hidden = !this.unread;
    $("unread").textContent = this.unread > 9 ? "9+" : this.unread;
  }

  clear() {
    $("chat-log").replaceChildren();
    $("chat-empty").hidden = false;
    $("chat-input").value = "";
    this.unread = 0;
    this.#badge();
    this.toggle(false);
  }
}
