# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""What ``keepalived --config-test`` says of a candidate.

Its exit codes are those of lib/scheduler.h, not those of the manual page, and none of them can be trusted alone:
0 is also what a missing or an empty file gets.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Mapping, Sequence

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.access import HostAccess
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.entries import entries
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.model import Version, mask_text
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.render import Line
from ansible_collections.lautan.lvs.plugins.module_utils._runner import CommandError, Completed

OK, CANNOT_RUN, WARNED, SECURITY_OR_NOTHING = 0, 4, 5, 6

_MEANING = {
    CANNOT_RUN: "keepalived could not run with it (4)",
    WARNED: "keepalived would run, but not as asked (5)",
    SECURITY_OR_NOTHING: "programs would be started unsecured, or no configuration was found (6)",
}

_MESSAGE = re.compile(r"^\((?:.*: )?Line (\d+)\) (.*)$")
_VERSION = re.compile(r"^Keepalived v(\d+)\.(\d+)\.(\d+)")

# What keepalived says of a service all of whose weights are 0. That is how one is taken out of service.
_ALL_ZERO = (
    re.compile(r"^Warning - quorum \d+ for .* exceeds total weight of real servers 0, reducing quorum to 0$"),
    re.compile(r"^Virtual server .*: hysteresis \d+ >= quorum 0; setting hysteresis to \d+$"),
)
# Said with exit code 0
_NOTHING_READ = re.compile(r"Config files missing|Unable to open|No config file", re.IGNORECASE)


@dataclass(frozen=True)
class Message:
    """What keepalived said, and of which line."""

    line: int | None
    text: str


@dataclass(frozen=True)
class Verdict:
    """What is wrong with a candidate, and what is only worth saying."""

    faults: list[str]
    warnings: list[str]


def installed_version(access: HostAccess) -> Version:
    """:raises CommandError: if keepalived does not say which version it is."""
    argv = ("keepalived", "--version")
    completed = access.run(argv, None)
    match = _VERSION.match(completed.stderr.lstrip()) or _VERSION.match(completed.stdout.lstrip())
    if completed.rc != 0 or match is None:
        raise CommandError(argv, completed)
    return int(match.group(1)), int(match.group(2)), int(match.group(3))


def messages_of(completed: Completed) -> list[Message]:
    """The messages, in their order, none twice: each of the processes reads the file and may say the same."""
    found: dict[Message, None] = {}
    for line in (completed.stderr + "\n" + completed.stdout).splitlines():
        match = _MESSAGE.match(line.strip())
        if match:
            found[Message(int(match.group(1)), match.group(2))] = None
        elif line.strip():
            found[Message(None, line.strip())] = None
    return list(found)


def try_out(access: HostAccess, text: str, lines: Sequence[Line], document: Mapping[str, Any]) -> Verdict:
    """Have keepalived try a candidate.

    :param lines: the lines of the candidate, to say what a message is about; none if they are not known.
    """
    path = access.write_candidate(text)
    try:
        completed = access.run(("keepalived", "--config-test", f"--use-file={path}"), None)
        kept = access.read(path)
    finally:
        access.remove(path)
    if kept is None or kept.text != text:
        return Verdict(["the candidate was not complete while keepalived tried it"], [])
    return judge(completed, lines, document)


def judge(completed: Completed, lines: Sequence[Line], document: Mapping[str, Any]) -> Verdict:
    """Read exit code and messages together."""
    messages = messages_of(completed)
    known, others = [], []
    for message in messages:
        (known if _is_expected(message, document) else others).append(message)
    said = [_about(message, lines) for message in others]
    warnings = [message.text for message in known]
    if completed.rc == OK:
        faults = [_about(message, lines) for message in others if _NOTHING_READ.search(message.text)]
        return Verdict(faults, [*warnings, *said])
    if completed.rc == WARNED and known and not others:
        return Verdict([], warnings)
    meaning = _MEANING.get(completed.rc, f"keepalived's test ended with {completed.rc}")
    return Verdict([f"{meaning}: {message}" for message in said or ["it did not say why"]], warnings)


def _is_expected(message: Message, document: Mapping[str, Any]) -> bool:
    if not any(pattern.match(message.text) for pattern in _ALL_ZERO):
        return False
    return any(_is_out(service) for _path, service in entries(document, "virtual_servers"))


def _is_out(service: Mapping[str, Any]) -> bool:
    weights = [item.get("weight", service.get("weight", 1)) for _path, item in entries(service, "real_servers")]
    return bool(weights) and not any(weights)


def _about(message: Message, lines: Sequence[Line]) -> str:
    if message.line is None or not 0 < message.line <= len(lines):
        return message.text
    line = lines[message.line - 1]
    option = f", {line.path}" if line.path else ""
    return f"{message.text} (line {message.line} of the candidate, {mask_text(line.text).strip()!r}{option})"
