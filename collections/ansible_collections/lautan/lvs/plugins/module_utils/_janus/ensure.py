# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Bring the rooms of a host into the wanted state."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Protocol, Sequence

from ansible_collections.lautan.lvs.plugins.module_utils._failures import Mistakes, NotReached
from ansible_collections.lautan.lvs.plugins.module_utils._janus import jcfg, model
from ansible_collections.lautan.lvs.plugins.module_utils._janus.api import Api, NotRunning
from ansible_collections.lautan.lvs.plugins.module_utils._janus.model import Document, Refused
from ansible_collections.lautan.lvs.plugins.module_utils._janus.plan import Plan, Step, check, mistakes, plan

# janus_videoroom.c, 1.1.2: a secret that is wrong, and one that is missing
_UNAUTHORIZED = (433, 429)


class Store(Protocol):
    """Where the file is."""

    def read(self) -> str | None:
        """Give the text, None if there is no file."""

    def is_protected(self) -> bool:
        """Tell whether owner, group and mode are what they should be."""

    def write(self, text: str) -> None:
        """Put the file in place, for Janus to read and nobody else."""


@dataclass(frozen=True)
class Wanted:
    """What the module was told."""

    rooms: Sequence[Mapping[str, Any]]
    admin_key: str
    purge: bool
    force: bool
    live: bool = True


@dataclass
class Outcome:
    """What was done, or would be."""

    commands: list[str] = field(default_factory=list)
    changed: bool = False
    live: bool = False
    restart_required: bool = False
    before: str = ""
    after: str = ""


def ensure(api: Api, store: Store, wanted: Wanted, check_mode: bool, outcome: Outcome) -> None:
    """Do it, first in Janus and then in the file: of a run that is interrupted in between the next one finds the rest.

    :param outcome: filled in on the way, so that a failure can tell what was done.
    :raises Mistakes: before anything was changed.
    """
    problems = mistakes(wanted.rooms, wanted.admin_key)
    if problems:
        raise Mistakes(problems)
    rooms = {room["name"]: model.settings(room, wanted.admin_key) for room in wanted.rooms}
    found = _read(store)
    live = _live(api, outcome) if wanted.live else None
    if outcome.live and found.general != model.general(wanted.admin_key):
        # Without one, Janus lets everybody make rooms, and takes any for right.
        outcome.restart_required = True
    todo = plan(rooms, model.general(wanted.admin_key), found, live, wanted.purge, wanted.force)
    if todo.mistakes:
        raise Mistakes(list(todo.mistakes))
    text = jcfg.render(todo.document)
    outcome.before, outcome.after = shown(found), shown(todo.document, found)
    rewrite = text != store.read() or not store.is_protected()
    if check_mode:
        outcome.commands += [str(step) for step in todo.steps]
    else:
        _carry_out(api, todo, outcome)
        if rewrite:
            store.write(text)
        _read_back(api, store, rooms, text, wanted.purge, outcome)
    outcome.changed = rewrite or bool(outcome.commands)


def _read(store: Store) -> Document:
    text = store.read()
    if text is None:
        return Document({}, {})
    try:
        return jcfg.parse(text)
    except jcfg.Unreadable as exc:
        raise Mistakes([f"path has a file that this module cannot read ({exc}): move it away"]) from exc


def _live(api: Api, outcome: Outcome) -> dict[Any, Mapping[str, Any]] | None:
    """Give the rooms of the running Janus, None if it does not run, or not with what the module has to have."""
    try:
        rooms = api.rooms()
    except NotRunning:
        return None
    except Refused as exc:
        if exc.code not in _UNAUTHORIZED:
            raise
        # It was started with another admin key.
        outcome.restart_required = True
        return None
    if any(not isinstance(name, str) for name in rooms):
        # It was started with numbers for names.
        outcome.restart_required = True
        return None
    outcome.live = True
    return rooms


def _carry_out(api: Api, todo: Plan, outcome: Outcome) -> None:
    for step in todo.steps:
        if step.action == "create":
            api.create(step.room, step.changes)
        else:
            _opened(api, step)
        outcome.commands.append(str(step))


def _opened(api: Api, step: Step) -> None:
    """Change a room that has a secret."""
    for index, secret in enumerate(step.secrets):
        try:
            if step.action == "edit":
                api.edit(step.room, secret, step.changes)
            else:
                api.destroy(step.room, secret)
            return
        except Refused as exc:
            if exc.code not in _UNAUTHORIZED:
                raise
            if index == len(step.secrets) - 1:
                known = "Its secret was changed in the running Janus; a restart brings back that of the file"
                raise Refused(f"{step.action} {step.room}", exc.code, f"{exc.reason}. {known}") from exc


def _read_back(
    api: Api, store: Store, rooms: Mapping[str, model.Settings], text: str, purge: bool, outcome: Outcome
) -> None:
    found = check(rooms, api.rooms(), purge) if outcome.live else []
    if store.read() != text or not store.is_protected():
        found.append("the file is not what was written")
    if found:
        raise NotReached(found)


def shown(document: Document, before: Document | None = None) -> str:
    """Give a document for a diff: of secrets only that they are there, and that they change."""
    lines = []
    groups = {"general": document.general, **{f"room {name}": room for name, room in sorted(document.rooms.items())}}
    old = {"general": before.general, **{f"room {n}": r for n, r in before.rooms.items()}} if before else {}
    for name, group in groups.items():
        lines.append(f"{name}:")
        for key, value in group.items():
            if key in (*model.SECRET, "admin_key"):
                known = old.get(name, {})
                value = "set, to something else" if key in known and known[key] != value else "set"
            lines.append(f"  {key}: {value}")
    return "".join(f"{line}\n" for line in lines)
