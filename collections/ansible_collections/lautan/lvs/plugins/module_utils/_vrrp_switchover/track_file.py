# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""The files that move VRRP instances when something is written into them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Iterable, Mapping

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.entries import field
from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_switchover.model import DirectorAccess, StillSet

# As strtol(3) reads it with base 0, which keepalived does with at most this much of the file
_NUMBER = re.compile(r"\s*([+-]?)(?:0[xX]([0-9a-fA-F]+)|(0[0-7]*)|([1-9][0-9]*))")
_LENGTH = 127


@dataclass(frozen=True)
class Tracking:
    """A file, and the VRRP instances that go to FAULT while it holds anything but 0, those of their groups included.

    ``name`` is what the configuration calls it, ``file`` is its path.
    """

    name: str
    file: str
    instances: list[str]


def find_tracking(document: Mapping[str, Any], pattern: str, path: str, mistakes: list[str]) -> list[Tracking]:
    """Find the track_files with names that match a pattern, and that are tracked, in a configuration.

    :param path: of the configuration, for messages.
    :param mistakes: gets what is wrong with it, and that there are none.
    """
    files = [item for item in document.get("track_files", []) if fnmatchcase(item["name"], pattern)]
    if not files:
        mistakes.append(f"track_file={pattern!r}: is not in {path}")
        return []
    found = [Tracking(item["name"], item["file"], _instances(document, item, mistakes)) for item in files]
    if not any(tracking.instances for tracking in found):
        mistakes.append(f"track_file={pattern!r}: no VRRP instance in {path} tracks it")
    return [tracking for tracking in found if tracking.instances]


def tracked(found: Iterable[Tracking]) -> list[str]:
    """The VRRP instances that track any of the files, each once."""
    return list(dict.fromkeys(name for tracking in found for name in tracking.instances))


def _instances(document: Mapping[str, Any], file: Mapping[str, Any], mistakes: list[str]) -> list[str]:
    name, default = file["name"], file.get("weight", 1)
    instances = document.get("vrrp_instances", [])
    tracking = {item["name"] for item in instances if _tracks(item, name, "VRRP instance", default, mistakes)}
    for group in document.get("vrrp_sync_groups", []):
        members = group.get("group", [])
        if _tracks(group, name, "VRRP sync group", default, mistakes) or tracking.intersection(members):
            tracking.update(members)
    return [item["name"] for item in instances if item["name"] in tracking]


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
    sign, hexadecimal, octal, decimal = match.groups()
    number = int(hexadecimal, 16) if hexadecimal else int(octal, 8) if octal else int(decimal)
    return -number if sign == "-" else number


def read_value(access: DirectorAccess, path: str) -> int:
    """:raises OSError: if the file is there and cannot be read."""
    file = access.read(path)
    return value_of(None if file is None else file.text)


def reset(access: DirectorAccess, paths: Iterable[str]) -> None:
    """Have the files say 0, somehow: keepalived takes a file that is empty or gone for 0 as well.

    :raises StillSet: if that was not possible with all of them.
    """
    failures = [line for path in paths for line in _reset(access, path)]
    if failures:
        raise StillSet("; ".join(failures))


def _reset(access: DirectorAccess, path: str) -> list[str]:
    """Why it was not possible; empty if it was."""
    failures = []
    for attempt in (lambda: access.overwrite(path, "0\n"), lambda: access.remove(path)):
        try:
            attempt()
        except OSError as exc:
            failures.append(str(exc))
        try:
            if read_value(access, path) == 0:
                return []
        except OSError as exc:
            failures.append(str(exc))
    return failures or [f"{path} keeps its number"]
