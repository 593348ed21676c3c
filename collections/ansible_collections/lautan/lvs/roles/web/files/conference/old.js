// Copyright (c) 2026, lautan.lvs contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Only browsers without modules run this file. They cannot run the conference.
document.getElementById("loading").hidden = true;
document.getElementById("unsupported").hidden = false;
