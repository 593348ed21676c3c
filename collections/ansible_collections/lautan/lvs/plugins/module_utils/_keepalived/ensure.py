# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Make keepalived run with what is wanted: check, try out, swap in, reload, look, and go back when it is not so."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import Any, Mapping

from ansible_collections.lautan.lvs.plugins.module_utils._failures import Mistakes
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived import daemon, render, trial
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.access import HostAccess
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.model import (
    NEWEST,
    OLDEST,
    Faults,
    File,
    Version,
    mask_text,
    version_text,
)
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.parse import parse
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.rules import checked
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.swap import Swap

REPLACE, FAIL = "replace", "fail"


@dataclass(frozen=True)
class Wanted:
    """The options."""

    path: str
    document: Any
    on_foreign_change: str = FAIL


@dataclass
class Outcome:
    """What was done, or would be. Filled in as things happen, so that it is true however they end."""

    changed: bool = False
    commands: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    before: File | None = None
    after: File | None = None
    unread: bool = False
    running: bool = False
    version: str | None = None


@dataclass(frozen=True)
class Candidate:
    """A document that is right as far as can be told without a host, and its text."""

    document: Mapping[str, Any]
    lines: list[render.Line]
    file: File


def make_candidate(document: Any, version: Version | None, outcome: Outcome) -> Candidate:
    """Check a document and render it.

    :raises Mistakes: for everything that is wrong with it.
    """
    faults = Faults(version)
    normal = checked(document, faults)
    outcome.warnings += faults.warnings
    if not faults.lines and not normal.get("vrrp_instances") and not normal.get("virtual_servers"):
        faults.missing("config", "has neither vrrp_instances nor virtual_servers; keepalived would drop what it has")
    if faults.lines:
        raise Mistakes(faults.lines)
    lines = render.lines_of(normal)
    render.too_long(lines, faults)
    text = render.text_of(lines)
    # keepalived takes an empty file, or half a file, for a good one: see for ourselves that all is in it.
    back = parse(text)
    faults.lines += [f"the candidate, {problem}" for problem in back.problems]
    if back.document != normal:
        names = [key for key in normal if back.document.get(key) != normal[key]]
        faults.missing("config", f"the candidate does not say what was asked, in {', '.join(names) or 'its length'}")
    if faults.lines:
        raise Mistakes(faults.lines)
    return Candidate(normal, lines, File(text))


def ensure(access: HostAccess, wanted: Wanted, check_mode: bool, outcome: Outcome, pause: daemon.Pause) -> None:
    """Do it, or with ``check_mode`` tell what it takes.

    :param outcome: is filled in.
    :raises Mistakes: if the options, the host, or keepalived's own test do not allow it; nothing was changed.
    :raises CommandError: if a program failed that only reads.
    :raises NotReached: if keepalived is not what it should be; it was taken back to the last good file.
    """
    version = _version(access, check_mode, outcome)
    candidate = make_candidate(wanted.document, version or OLDEST, outcome)
    current = access.read(wanted.path)
    outcome.before, outcome.after = current, candidate.file
    _refuse_edited(current, candidate, wanted)
    if version is None:
        outcome.changed = current != candidate.file
        return
    verdict = trial.try_out(access, candidate.file.text, candidate.lines, candidate.document)
    outcome.warnings += verdict.warnings
    if verdict.faults:
        raise Mistakes(verdict.faults)
    running = daemon.service(access)
    outcome.running = running.is_running
    differs = current != candidate.file
    outcome.unread = not differs and _unread(access, wanted.path, running)
    outcome.changed = differs or outcome.unread
    reload = outcome.running and outcome.changed
    if check_mode:
        outcome.commands += [" ".join(daemon.RELOAD)] if reload else []
        return
    outcome.changed = False
    swap = Swap(access, wanted.path, current, outcome, pause)
    if differs:
        swap.write(candidate.file)
    if reload:
        swap.reload(candidate.document, running)


def _version(access: HostAccess, check_mode: bool, outcome: Outcome) -> Version | None:
    missing = [name for name in ("keepalived", "systemctl") if not access.has_program(name)]
    if missing and check_mode:
        outcome.warnings.append(f"{' and '.join(missing)} not installed yet: the candidate was not tried by keepalived")
        return None
    if missing:
        raise Mistakes([f"the program {name} was not found" for name in missing])
    version = trial.installed_version(access)
    outcome.version = version_text(version)
    if version < OLDEST:
        raise Mistakes([f"keepalived {outcome.version} is installed; {version_text(OLDEST)} is the oldest supported"])
    if version > NEWEST:
        newer = (
            f"keepalived {outcome.version} is newer than {version_text(NEWEST)}, the last one whose keywords are known"
        )
        outcome.warnings.append(newer)
    return version


def _refuse_edited(current: File | None, candidate: Candidate, wanted: Wanted) -> None:
    """Whoever edited the file meant something by it: say what, and leave it to the operator."""
    if current is None or wanted.on_foreign_change == REPLACE or current.text == candidate.file.text:
        return
    if render.authorship(current.text) != render.EDITED:
        return
    ours, theirs = (mask_text(text).splitlines() for text in (candidate.file.text, current.text))
    edits = [
        f"{wanted.path}: line {number}, {theirs[number - 1].strip()!r}, is not in the candidate"
        for number in _foreign_lines(ours, theirs)
    ]
    message = f"{wanted.path}: edited since this module wrote it; with on_foreign_change=replace it is replaced"
    raise Mistakes([message, *edits])


def _foreign_lines(ours: list[str], theirs: list[str]) -> list[int]:
    """The numbers of the lines of ``theirs`` that are not in ``ours``, the seal aside."""
    numbers = []
    for tag, _i1, _i2, j1, j2 in difflib.SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
        if tag != "equal":
            numbers += [number + 1 for number in range(j1, j2) if theirs[number].strip()]
    return [number for number in numbers if "keepalived_config sha256:" not in theirs[number - 1]]


def _unread(access: HostAccess, path: str, running: daemon.Service) -> bool:
    """Whether an earlier run was cut short after it wrote the file and before keepalived was told."""
    identity = access.identity(path)
    if not running.is_running or running.changed is None or identity is None:
        return False
    return identity[1] / 1e9 > running.changed
