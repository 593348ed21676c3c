# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""/etc/default/ipvsadm, which Debian 12 reads with a shell and Debian 13 with systemd: edited in place."""

from __future__ import annotations

import re
from typing import Mapping

_ASSIGNMENT = re.compile(r"\s*(?:export\s+)?(?P<name>[A-Za-z_]\w*)=")
# What both readers take for the same: systemd knows neither export nor comments behind a value.
_PLAIN = re.compile(r"\s*[A-Za-z_]\w*=(?:\"(?P<double>[\w.:-]*)\"|'(?P<single>[\w.:-]*)'|(?P<bare>[\w.:-]*))\s*")


def setting(text: str, name: str) -> str | None:
    """The value of a variable: None if it is not set, or if the two readers would not agree on it."""
    line = _last_assignment(text.splitlines(), name)
    match = None if line is None else _PLAIN.fullmatch(text.splitlines()[line])
    return None if match is None else match["double"] or match["single"] or match["bare"] or ""


def is_set(text: str, name: str) -> bool:
    return _last_assignment(text.splitlines(), name) is not None


def with_settings(text: str, wanted: Mapping[str, str]) -> str:
    """Give the text with these variables set: each in the last line that sets it, else in a new one at the end."""
    lines = text.splitlines()
    for name, value in wanted.items():
        if setting(text, name) == value:
            continue
        line = _last_assignment(lines, name)
        if line is None:
            lines.append(f'{name}="{value}"')
        else:
            lines[line] = f'{name}="{value}"'
    return "".join(f"{line}\n" for line in lines)


def _last_assignment(lines: list[str], name: str) -> int | None:
    """The line that counts for both readers."""
    found = None
    for number, line in enumerate(lines):
        match = _ASSIGNMENT.match(line)
        if match and match["name"] == name:
            found = number
    return found
