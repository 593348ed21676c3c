# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""What to do so that the rooms are what they should be. Nothing here asks Janus."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Mapping, Sequence

from ansible_collections.lautan.lvs.plugins.module_utils._janus import model
from ansible_collections.lautan.lvs.plugins.module_utils._janus.model import Document, Settings

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

Told = Mapping[str, Any]


@dataclass(frozen=True)
class Step:
    """One change in the running Janus."""

    action: str
    room: str
    changes: Settings
    # Those that may open the room: what the file says, and what it is to become, if an earlier run was interrupted.
    secrets: tuple[str | None, ...] = (None,)

    def __str__(self) -> str:
        changes = [
            key if key in model.SECRET else f"{key}={value}"
            for key, value in self.changes.items()
            if self.action == "edit"
        ]
        return " ".join([self.action, self.room, *changes])


@dataclass(frozen=True)
class Plan:
    """What to do, and what the file is to be."""

    document: Document
    steps: tuple[Step, ...]
    mistakes: tuple[str, ...]


def mistakes(rooms: Sequence[Mapping[str, Any]], admin_key: str) -> list[str]:
    """Give all that is wrong with the options."""
    found = [] if len(admin_key) >= 8 else ["admin_key must have 8 characters or more"]
    seen: set[str] = set()
    for index, room in enumerate(rooms):
        name, where = room["name"], f"rooms[{index}] {room['name']!r}"
        if not NAME.fullmatch(name):
            found.append(f"{where}: name must match {NAME.pattern}")
        if name in seen:
            found.append(f"{where}: name is there twice")
        seen.add(name)
        if not 1 <= room["publishers"] <= 1000:
            found.append(f"{where}: publishers is {room['publishers']} and must be 1 to 1000")
        if room["bitrate"] < 64000:
            found.append(f"{where}: bitrate is {room['bitrate']} and must be 64000 or more")
        found += [
            f"{where}: {option} has a control character in it"
            for option in ("title", *model.SECRET)
            if _CONTROL.search(room.get(option) or "")
        ]
    return found


def plan(
    wanted: Mapping[str, Settings],
    general: Settings,
    found: Document,
    live: Mapping[str, Told] | None,
    purge: bool,
    force: bool,
) -> Plan:
    """Compare what is wanted with what the file says and with what Janus tells.

    :param found: what the file says.
    :param live: the rooms of the running Janus, None if it does not run.
    """
    kept = {} if purge else {name: room for name, room in found.rooms.items() if name not in wanted}
    document = Document(general, {**kept, **wanted})
    steps: list[Step] = []
    problems: list[str] = []
    for name in sorted({*wanted, *(live if purge and live is not None else ())} if live is not None else ()):
        steps += _steps(name, wanted.get(name), found.rooms.get(name), live.get(name))
    for step in steps:
        people = (live or {}).get(step.room, {}).get("num_participants", 0)
        if step.action == "destroy" and people and not force:
            what = "would be made anew" if step.room in wanted else "would be removed"
            problems.append(
                f"room {step.room} {what} with {people} people in it: wait until they have left, or force it"
            )
    return Plan(document, tuple(steps), tuple(problems))


def _steps(name: str, wanted: Settings | None, filed: Settings | None, told: Told | None) -> list[Step]:
    secrets = _secrets(wanted, filed)
    if wanted is None:
        return [Step("destroy", name, {}, secrets)]
    if told is None:
        return [Step("create", name, wanted)]
    changes = differences(wanted, filed, told)
    if not changes:
        return []
    if all(key in model.LIVE and value is not None for key, value in changes.items()):
        return [Step("edit", name, {key: wanted[key] for key in changes}, secrets)]
    return [Step("destroy", name, {}, secrets), Step("create", name, wanted)]


def _secrets(wanted: Settings | None, filed: Settings | None) -> tuple[str | None, ...]:
    found = [str(room["secret"]) for room in (filed, wanted) if room and "secret" in room]
    return tuple(dict.fromkeys(found)) or (None,)


def differences(wanted: Settings, filed: Settings | None, told: Told) -> dict[str, Any]:
    """Give what is to change in a room that is there. None means that the property is to go.

    What Janus does not tell is taken from the file: Janus was started with it, or this module changed both.
    """
    changes = {}
    for key, value in wanted.items():
        if key in model.SECRET or key in model.UNTOLD:
            if (filed or {}).get(key) != value or (key == "pin" and not told.get("pin_required")):
                changes[key] = value
        elif told.get(model.TOLD_AS.get(key, key)) != value:
            changes[key] = value
    if "pin" not in wanted and told.get("pin_required"):
        changes["pin"] = None
    return changes


def check(wanted: Mapping[str, Settings], live: Mapping[str, Told], purge: bool) -> list[str]:
    """Give what Janus tells otherwise than it was made."""
    found = []
    for name, room in wanted.items():
        if name not in live:
            found.append(f"room {name} is missing")
            continue
        found += [f"room {name}: {key} is not what was wanted" for key in differences(room, room, live[name])]
    if purge:
        found += [f"room {name} is still there" for name in live if name not in wanted]
    return found
