# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""What the modules for timeouts, sync daemons and the start at boot have in common: numbers, outcomes, progress."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Callable, NamedTuple, Sequence, TypeVar

from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.fields import shown
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.parse import ParseError
from ansible_collections.lautan.lvs.plugins.module_utils._runner import CommandError, Runner, check

State = TypeVar("State")


class Outcome(NamedTuple):
    """What was done, or in check mode would be."""

    changed: bool
    commands: tuple[str, ...]
    diff: tuple[dict[str, str], ...]


@dataclass
class Progress:
    """What is true if a module is cut short: the commands that were executed, and whether anything is different now."""

    commands: list[str] = field(default_factory=list)
    changed: bool = False

    def execute(self, run: Runner, argv: Sequence[str]) -> None:
        check(run, argv)
        self.commands.append(command_line(argv))


def command_line(argv: Sequence[str]) -> str:
    """A command for a person to read. No word of the commands that are shown here needs quotes."""
    return " ".join(argv)


def difference(name: str, before: str, after: str) -> dict[str, str]:
    """One entry of a diff as Ansible shows it."""
    return {"before_header": name, "after_header": name, "before": before, "after": after}


def whole_number(name: str, value: Any, low: int, high: int, mistakes: list[str]) -> int | None:
    """Read a number that a user or a template gave: an integer or its decimal digits.

    :return: the number; None if there is none, or if it is one of the ``mistakes`` now.
    """
    if value is None:
        return None
    number = None
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    elif isinstance(value, str) and re.fullmatch(r"\s*[0-9]{1,20}\s*", value):
        number = int(value)
    if number is not None and low <= number <= high:
        return number
    mistakes.append(f"{name}={shown(value)}: must be a whole number from {low} to {high}")
    return None


def apply(
    run: Runner, commands: Sequence[Sequence[str]], read: Callable[[], State], before: State, progress: Progress
) -> State:
    """Execute commands, and read what they made.

    :raises CommandError: if one failed. Then, too, ``progress`` says whether anything changed.
    """
    try:
        for argv in commands:
            progress.execute(run, argv)
    except CommandError:
        note_change(read, before, progress)
        raise
    found = read()
    progress.changed = found != before
    return found


def note_change(read: Callable[[], State], before: State, progress: Progress) -> None:
    """After a failure: look whether anything is different from before. Its own failure must not hide the first one."""
    try:
        progress.changed = read() != before
    except (CommandError, ParseError):
        progress.changed = bool(progress.commands)
