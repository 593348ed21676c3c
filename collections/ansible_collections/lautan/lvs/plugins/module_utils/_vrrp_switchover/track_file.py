# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""The file that moves VRRP instances when something is written into it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Mapping

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.entries import field
from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_switchover.model import DirectorAccess, StillSet

# As strtol(3) reads it with base 0, which keepalived does with at most this much of the file
_NUMBER = re.compile(r"\s*[+-]?(?:0[xX]([0-9a-fA-F]+)|(0[0-7]*)|([1-9][0-9]*))")
_LENGTH = 127


@dataclass(frozen=True)
class Tracking:
    """A file, and the VRRP instances that go to FAULT while it holds anything but 0, those of their groups included."""

    file: str
    instances: list[str]


def find_tracking(document: Mapping[str, Any], name: str, path: str, mistakes: list[str]) -> Tracking | None:
    """Find a track_file in a configuration.

    :param path: of the configuration, for messages.
    :param mistakes: gets what is wrong with it.
    """
    files = [item for item in document.get("track_files", []) if item["name"] == name]
    if not files:
        mistakes.append(f"track_file={name!r}: is not in {path}")
        return None
    default = files[0].get("weight", 1)
    instances = document.get("vrrp_instances", [])
    groups = document.get("vrrp_sync_groups", [])
    tracking = {item["name"] for item in instances if _tracks(item, name, "VRRP instance", default, mistakes)}
    for group in groups:
        members = group.get("group", [])
        if _tracks(group, name, "VRRP sync group", default, mistakes) or tracking.intersection(members):
            tracking.update(members)
    found = [item["name"] for item in instances if item["name"] in tracking]
    if not found:
        mistakes.append(f"track_file={name!r}: no VRRP instance in {path} tracks it")
        return None
    return Tracking(files[0]["file"], found)


def _tracks(item: Mapping[str, Any], name: str, kind: str, default: Any, mistakes: list[str]) -> bool:
    """Whether an instance or a group tracks the file. Only with weight 0 a number means FAULT, whatever it is."""
    for entry in item.get("track_file", []):
        if field(entry, "name") != name:
            continue
        options = entry if isinstance(entry, Mapping) else {}
        reverse = bool(options.get("reverse", isinstance(default, Mapping) and default.get("reverse", False)))
        reverse = reverse and not options.get("noreverse")
        weight = options.get("weight", field(default, "weight"))
        if weight != 0 or reverse:
            how = f"weight {weight}{' reverse' if reverse else ''}"
            mistakes.append(f"track_file={name!r}: {kind} {item['name']} tracks it with {how}, and it must be weight 0")
        return True
    return False


def value_of(text: str | None) -> int:
    """What keepalived takes the text of a track_file for; 0 if there is no file, or no number."""
    match = _NUMBER.match((text or "")[:_LENGTH])
    if match is None:
        return 0
    hexadecimal, octal, decimal = match.groups()
    return int(hexadecimal, 16) if hexadecimal else int(octal, 8) if octal else int(decimal)


def read_value(access: DirectorAccess, path: str) -> int:
    """:raises OSError: if the file is there and cannot be read."""
    file = access.read(path)
    return value_of(None if file is None else file.text)


def reset(access: DirectorAccess, path: str) -> None:
    """Have the file say 0, somehow: keepalived takes a file that is empty or gone for 0 as well.

    :raises StillSet: if that was not possible.
    """
    failures = []
    for attempt in (lambda: access.overwrite(path, "0\n"), lambda: access.remove(path)):
        try:
            attempt()
        except OSError as exc:
            failures.append(str(exc))
        try:
            if read_value(access, path) == 0:
                return
        except OSError as exc:
            failures.append(str(exc))
    raise StillSet("; ".join(failures) or f"{path} keeps its number")
