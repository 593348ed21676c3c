// Copyright (c) 2026, lautan.lvs contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// What this browser remembers: name, language, devices. Browsers may forbid that; then nothing is remembered.

export function recall(key) {
  try {
    return localStorage.getItem(`lautan-${key}`) || "";
  } catch {
    return "";
  }
}

export function remember(key, value) {
  try {
    localStorage.setItem(`lautan-${key}`, value);
  } catch {
    // Not this time.
  }
}
