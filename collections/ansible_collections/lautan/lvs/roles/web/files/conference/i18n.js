// Copyright (c) 2026, lautan.lvs contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// The page's sentences in the language of the person who reads them.
import en from "./en.js";
import id from "./id.js";
import { recall, remember } from "./memory.js";

const TEXTS = { en, id };

// "in" is what old browsers say for Indonesian.
const preferred = (navigator.languages || [navigator.language]).map((tag) => tag.slice(0, 2).replace("in", "id"));
let language = [recall("language"), ...preferred].find((tag) => tag in TEXTS) || "en";

export const languages = Object.keys(TEXTS);
export const current = () => language;

/** The sentence of that key, with {name} and the like filled in. */
export function t(key, values = {}) {
  const text = TEXTS[language][key] ?? en[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

/** Fill in every element that names its text: data-text, data-label (also shown as a tooltip), data-hint. */
export function translate(root = document) {
  document.documentElement.lang = language;
  for (const element of root.querySelectorAll("[data-text]")) element.textContent = t(element.dataset.text);
  for (const element of root.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", t(element.dataset.label));
    element.title = t(element.dataset.label) + (element.dataset.key ? ` (Alt+${element.dataset.key})` : "");
  }
  for (const element of root.querySelectorAll("[data-hint]")) element.placeholder = t(element.dataset.hint);
}

export function choose(tag) {
  language = tag in TEXTS ? tag : "en";
  remember("language", language);
  translate();
}

export const number = (value, digits = 0) =>
  value.toLocaleString(language, { minimumFractionDigits: digits, maximumFractionDigits: digits });
