// Copyright (c) 2026, lautan.lvs contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// For browsers that cannot run main.js, or did not get it: they know no modules, or not all of the language. So this is written
// in a way that all of them understand.
addEventListener("load", function () {
  if (window.lautan) return;
  document.getElementById("loading").hidden = true;
  document.getElementById("unsupported").hidden = false;
});
