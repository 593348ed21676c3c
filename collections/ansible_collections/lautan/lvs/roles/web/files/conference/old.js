// SPDX-License-Identifier: GPL-3.0-or-later
// Only browsers without modules run this file. They cannot run the conference.
document.getElementById("loading").hidden = true;
document.getElementById("unsupported").hidden = false;
