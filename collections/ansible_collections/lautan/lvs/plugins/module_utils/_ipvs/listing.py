# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""What ``ipvsadm -L`` prints, several lists one after the other."""

from __future__ import annotations

import re
from typing import Iterator, NamedTuple, Sequence

from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.address import endpoint
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.model import (
    Forwarding,
    RealKey,
    Scheduling,
    Service,
    ServiceKey,
    Table,
    family_of,
)
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.parse import ParseError, flag_names, real_key, unexpected

_TITLE = "IP Virtual Server version "
_VERSION = re.compile(r"(\S+) \(size=(\d+)\)\n")
_LISTED_PROTOCOLS = {"TCP": "tcp", "UDP": "udp", "SCTP": "sctp"}
# "Local" is for packets to the director itself; "ipvsadm -S" prints it as direct routing.
_FORWARDS = {"Route": "dr", "Local": "dr", "Masq": "nat", "Tunnel": "tun"}
_CHECKSUMS = {"-c": "none", "+c": "csum", "r+c": "remcsum"}
_REAL_SERVER, _REAL_SERVERS_TITLE = "\n  -> ", "\n  -> RemoteAddress:Port"
_WITHOUT_THRESHOLDS = re.compile(r"\n  -> \S+ +0 +0 ")


class Listing(NamedTuple):
    """One service or real server of ``ipvsadm -L``, with the words that follow."""

    service: ServiceKey
    real: RealKey | None
    words: Sequence[str]


def title(text: str) -> tuple[str, int]:
    """The version of IPVS and the size of its table of connections."""
    match = _VERSION.match(text, text.find(_TITLE) + len(_TITLE))
    if match is None:
        raise ParseError(f"ipvsadm printed no version of IPVS: {text[:200]!r}")
    return match[1], int(match[2])


def sections(text: str) -> list[str]:
    """Split at the titles: what came before the first, then one for each ``-L``, without the title itself."""
    first, *others = text.split(_TITLE)
    return [first, *(other.partition("\n")[2] for other in others)]


def listings(section: str) -> Iterator[Listing]:
    """Read a section of ``ipvsadm -Ln``.

    :raises ParseError: if there is anything else in it.
    """
    key: ServiceKey | None = None
    for line in section.split("\n"):
        words = line.split()
        try:
            if line.startswith("  -> RemoteAddress:Port"):
                key = None
            elif line.startswith("  -> ") and key is not None:
                yield Listing(key, real_key(words[1]), words[2:])
            elif words and words[0] == "FWM":
                mark, family = int(words[1]), 6 if words[2] == "IPv6" else 4
                key = ServiceKey("", "", 0, mark + 2**32 if mark < 0 else mark, family)
                yield Listing(key, None, words[3 if family == 6 else 2 :])
            elif words and words[0] in _LISTED_PROTOCOLS:
                address, port = endpoint(words[1])
                key = ServiceKey(_LISTED_PROTOCOLS[words[0]], address, port, 0, family_of(address))
                yield Listing(key, None, words[2:])
            # A list of timeouts or sync daemons may follow in the same section.
        except (ValueError, IndexError) as exc:
            raise unexpected(line, exc) from None


def add_thresholds(table: Table, section: str) -> None:
    """Add what ``ipvsadm -Ln --thresholds`` prints to what ``ipvsadm -Sn`` does not."""
    # To count those without thresholds is much faster than to look for one that has any.
    real_servers = section.count(_REAL_SERVER) - section.count(_REAL_SERVERS_TITLE)
    if len(_WITHOUT_THRESHOLDS.findall(section)) == real_servers:
        return
    for key, real, words in listings(section):
        if real is None or words[:2] == ["0", "0"] or key not in table:
            continue
        real_servers = table[key].real_servers
        if real in real_servers:
            real_servers[real] = real_servers[real]._replace(
                upper_threshold=int(words[0]), lower_threshold=int(words[1])
            )


def listed_table(text: str) -> Table:
    """Read what ``ipvsadm -Ln --tun-info`` and then ``--thresholds`` print of some services, each for itself.

    Together they say what ``ipvsadm -Sn`` says, but for the engine of a service without persistence.

    :raises ParseError: if that is not what is expected.
    """
    table: Table = {}
    for key, real, words in listings(text):
        try:
            if real is None:
                table.setdefault(key, Service(_scheduling(words), {}))
            elif words[0] in _FORWARDS:
                table[key].real_servers[real] = _forwarding(words)
            else:
                upper, lower = map(int, words[:2])
                known = table[key].real_servers[real]
                table[key].real_servers[real] = known._replace(upper_threshold=upper, lower_threshold=lower)
        except (LookupError, ValueError) as exc:
            raise unexpected(" ".join(words), exc) from None
    return table


def _scheduling(words: Sequence[str]) -> Scheduling:
    scheduler, *rest = words
    flags = rest.pop(0)[1:-1].split(",") if rest and rest[0].startswith("(") else []
    one_packet = rest[-1:] == ["ops"]
    # What is left are names, each with its value.
    named = dict(zip(rest[::2], rest[1::2]))
    return Scheduling(
        scheduler,
        flag_names(scheduler, [flag for flag in flags if flag]),
        int(named.get("persistent", 0)),
        named.get("mask", ""),
        named.get("pe", ""),
        one_packet,
    )


def _forwarding(words: Sequence[str]) -> Forwarding:
    method, tunnel, weight = _FORWARDS[words[0]], words[1], int(words[2])
    if method != "tun":
        return Forwarding(method, weight)
    # ipip, gre:CHECKSUM or gue:PORT:CHECKSUM
    kind, *rest = tunnel.split(":")
    checksum = _CHECKSUMS[rest.pop()] if rest else ""
    return Forwarding(method, weight, kind, int(rest[0]) if rest else 0, checksum)
