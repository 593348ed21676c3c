# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""The timeouts of IPVS connections: parsed, read from options, planned, set."""

from __future__ import annotations

from typing import Any, Mapping, NamedTuple

from ansible_collections.lautan.lvs.plugins.module_utils._failures import Mistakes
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.model import NotReached
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.parse import ParseError
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.settings import (
    Outcome,
    Progress,
    apply,
    command_line,
    difference,
    whole_number,
)
from ansible_collections.lautan.lvs.plugins.module_utils._runner import Runner, check

# ipvsadm(8) takes no more: 31 days. 0 would keep the value that is there.
SHORTEST, LONGEST = 1, 31 * 86400

_PREFIX = "Timeout (tcp tcpfin udp):"
_READ = ("ipvsadm", "-L", "--timeout")


class Timeouts(NamedTuple):
    """Seconds after which an idle connection is forgotten."""

    tcp: int
    tcpfin: int
    udp: int


def parse_timeouts(text: str) -> Timeouts:
    """Find the timeouts in what ipvsadm printed; other lines may be anything.

    :raises ParseError: if they are not there.
    """
    for line in text.splitlines():
        if line.startswith(_PREFIX):
            words = line[len(_PREFIX) :].split()
            if len(words) == len(Timeouts._fields) and all(word.isdigit() for word in words):
                return Timeouts(*map(int, words))
            raise ParseError(f"ipvsadm printed {line!r} for the timeouts")
    raise ParseError("ipvsadm printed no line with the timeouts")


def set_words(timeouts: Timeouts) -> list[str]:
    """The words of ipvsadm that set these; 0 keeps what is there."""
    return ["--set", *map(str, timeouts)]


def read_options(params: Mapping[str, Any]) -> Timeouts:
    """Read the module's options: 0 where one is left out.

    :raises Mistakes: with all that is wrong.
    """
    mistakes: list[str] = []
    values = {name: whole_number(name, params[name], SHORTEST, LONGEST, mistakes) for name in Timeouts._fields}
    if all(params[name] is None for name in Timeouts._fields):
        mistakes.append("one of tcp, tcpfin and udp is needed")
    if mistakes:
        raise Mistakes(mistakes)
    return Timeouts(**{name: value or 0 for name, value in values.items()})


def ensure_timeouts(run: Runner, params: Mapping[str, Any], check_mode: bool, progress: Progress) -> Outcome:
    """Make the timeouts those of the options, or with ``check_mode`` tell what that takes.

    :raises Mistakes: if the options are wrong; nothing was changed.
    :raises CommandError: if ipvsadm failed.
    :raises NotReached: if the kernel holds other values although ipvsadm succeeded.
    """

    def read() -> Timeouts:
        return parse_timeouts(check(run, _READ))

    wanted = read_options(params)
    before = read()
    after = Timeouts(*(new or old for new, old in zip(wanted, before)))
    # What does not change is not set either: somebody else may do so at the same time.
    change = Timeouts(*(new if new != old else 0 for new, old in zip(after, before)))
    commands = [["ipvsadm", *set_words(change)]] if any(change) else []
    if commands and not check_mode:
        found = apply(run, commands, read, before, progress)
        differences = [
            f"{name}: wanted {getattr(wanted, name)}, found {getattr(found, name)}"
            for name in Timeouts._fields
            if getattr(wanted, name) not in (0, getattr(found, name))
        ]
        if differences:
            raise NotReached(differences, progress.commands)
    diff = difference("IPVS timeouts", _lines(before), _lines(after))
    return Outcome(bool(commands), tuple(map(command_line, commands)), (diff,) if commands else ())


def _lines(timeouts: Timeouts) -> str:
    return "".join(f"{name}: {value}\n" for name, value in timeouts._asdict().items())
