# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""From lines of ipvsadm to the document of a table."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.address import joined
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.describe import (
    key_document,
    real_document,
    scheduling_document,
    to_document,
)
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.document import REAL_FIELDS, SERVICE_FIELDS, Reader
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.host import port_of
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.model import RealKey, Service, Table
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.parse import Command, ParseError, parse_command

# They change nothing in the table.
_IGNORED = frozenset("LlSZhv")
_ELSEWHERE = {
    "set": "timeouts are no part of the table; use lautan.lvs.ipvs_timeouts",
    "start-daemon": "sync daemons are no part of the table; use lautan.lvs.ipvs_sync_daemon",
    "stop-daemon": "sync daemons are no part of the table; use lautan.lvs.ipvs_sync_daemon",
    "R": "the rules are in another file, which this does not read",
}


class LinesError(ValueError):
    """Lines that cannot be represented.

    :ivar faults: one for each, with its number and its text.
    """

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def document_of(text: str) -> list[dict]:
    """Give the document of the table that these lines make of an empty one.

    :raises LinesError: if any of them cannot be represented, with all of them.
    """
    table: Table = {}
    faults: list[str] = []
    for number, line in _logical_lines(text):
        try:
            words = _words(line)
            if words:
                _apply(parse_command(words, port_of), table)
        except ParseError as exc:
            faults.append(f"line {number}: {line.strip()}: {exc}")
    if faults:
        raise LinesError(faults)
    return to_document(table)


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Give each line with its number, joined with those that it continues in."""
    begun, first = "", 0
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        first = first or number
        if line.endswith("\\") and not begun.lstrip().startswith("#") and not line.lstrip().startswith("#"):
            begun += line[:-1] + " "
            continue
        yield first, begun + line
        begun, first = "", 0
    if begun:
        yield first, begun


def _words(line: str) -> list[str]:
    """Split a line as a shell does, and take away the name of the program."""
    try:
        words = shlex.split(line, comments=True)
    except ValueError as exc:
        raise ParseError(str(exc)) from None
    if not words or words[0].startswith("-"):
        return words
    if words[0].rpartition("/")[2] != "ipvsadm":
        raise ParseError("is no command of ipvsadm")
    # Without any word ipvsadm lists the table.
    return words[1:]


def _apply(command: Command, table: Table) -> None:
    """Change the table as ipvsadm would."""
    verb, key, scheduling, real, forwarding = command
    if verb in _ELSEWHERE:
        raise ParseError(_ELSEWHERE[verb])
    if verb in _IGNORED:
        return
    if verb == "C":
        table.clear()
        return
    # A new real server for masquerading may have any port. Otherwise ipvsadm takes that of the service.
    if real and forwarding and not key.fwmark and forwarding.method != "nat":
        real = RealKey(real.address, key.port)
    _judge(Command(verb, key, scheduling, real, forwarding))
    service = table.get(key)
    if (service is None) != (verb == "A"):
        raise ParseError("adds a service that is there already" if service else "is about a service that is not there")
    if verb in "AE":
        table[key] = Service(scheduling, service.real_servers if service else {})
    elif verb == "D":
        del table[key]
    elif (real in service.real_servers) == (verb == "a"):
        there = "is there already" if verb == "a" else "is not there"
        raise ParseError(f"is about the real server {joined(*real)}, which {there}")
    elif verb == "d":
        del service.real_servers[real]
    else:
        service.real_servers[real] = forwarding


def _judge(command: Command) -> None:
    """Refuse what a document could not say either."""
    _verb, key, scheduling, real, forwarding = command
    reader = Reader(port_of)
    entry = key_document(key)
    if scheduling:
        entry |= scheduling_document(scheduling, key)
    values = reader.values(entry, SERVICE_FIELDS, "")
    reader.key(values, "", entry)
    if scheduling:
        reader.scheduling(values, key, "", entry)
    if real and forwarding:
        entry = real_document(real, forwarding)
        reader.real_server(reader.values(entry, REAL_FIELDS, ""), key, "", entry, ("address", "port"))
    if reader.faults:
        raise ParseError("; ".join(reader.faults))
