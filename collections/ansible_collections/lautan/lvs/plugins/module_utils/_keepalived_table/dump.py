# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""What keepalived's checker process writes about itself: dump_check_data() in keepalived/check/check_data.c.

It was the same in every release from 2.2.7 to 2.4.3. Whatever is not as expected is an error: what is not understood
must not be taken for a virtual server that is not there.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Iterator, Mapping, NamedTuple, Sequence

from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.model import Forwarding, RealKey, ServiceKey
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived_table.model import (
    Health,
    Member,
    Running,
    VirtualServer,
    address_keys,
    family_number,
    forwarding_of,
    mark_key,
    real_key,
    scheduling_of,
)

_TOPOLOGY = "LVS Topology"
_GROUP, _VIRTUAL_SERVER, _REAL_SERVER = "Virtual server group", "Virtual server", "Real server"

_TITLE = re.compile(r"( *)------< (.+) >------")
# What stands deeper is about a member of a group, or the sorry server.
_FIELD = re.compile(r" {1,3}(\S.*?)(?: = (.*)| is (ON|OFF))")
_GROUP_NAME = re.compile(r" Virtual Server Group = (.+), IPv4 = (?:yes|no), IPv6 = (?:yes|no)")
_GROUP_MEMBER = re.compile(
    r"   (?:VIP(?: Range)? = (?P<first>[^-,]+)(?:-(?P<last>.+))?, VPORT = (?P<port>\d+)"
    r"|FWMARK = (?P<mark>\d+)(?: IPv(?P<family>[46]))?)"
)
_SERVICE = re.compile(
    r" VS (?:VIP = (?P<ip>\S+), VPORT = (?P<port>\d+)|FWMARK = (?P<mark>\d+)|GROUP = \[(?P<group>.+)\]:\d+)"
)
_REAL = re.compile(r"   RIP = (\S+), RPORT = (\d+), WEIGHT = (\d+) EFF WEIGHT = -?\d+")
_THRESHOLDS = re.compile(r"(\d+) -> (\d+)")
_SORRY = re.compile(r"   sorry server (?:\(duplicates rs\) )?= \[(.+)\]:\w+:(\d+)")
_METHOD = re.compile(r" *forwarding method = (NAT|DR|TUN)(?:, type = (\w+))?(?:, port = (\d+))?(?:, (.*))?")
_CHECKSUMS = {None: "none", "no checksum": "none", "checksum": "csum", "remote checksum": "remcsum"}
_PROTOCOLS = {"TCP": "tcp", "UDP": "udp", "SCTP": "sctp", "none": ""}


class DumpError(ValueError):
    """A text that is not what keepalived is known to write."""


class _Part(NamedTuple):
    """What stands below one title."""

    title: str
    lines: list[str]

    def match(self, pattern: re.Pattern[str]) -> re.Match[str]:
        """The first line, which must be like this."""
        found = pattern.fullmatch(self.lines[0]) if self.lines else None
        if found is None:
            raise DumpError(f"below {self.title!r} stands {self.lines[:1]}")
        return found

    def fields(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for line in self.lines:
            match = _FIELD.fullmatch(line)
            if match is not None:
                found.setdefault(match[1], match[2] if match[3] is None else match[3])
        return found


def running(text: str) -> list[Running]:
    """:raises DumpError: if there is no LVS topology in it, or anything there is not as expected."""
    groups: dict[str, list[re.Match[str]]] = {}
    found: list[Running] = []
    try:
        for part in _topology(text):
            if part.title == _GROUP:
                groups[part.match(_GROUP_NAME)[1]] = list(filter(None, map(_GROUP_MEMBER.fullmatch, part.lines)))
            elif part.title == _VIRTUAL_SERVER:
                found.append(_virtual_server(part, groups))
            elif part.title == _REAL_SERVER and found:
                real, member, health = _real_server(part)
                found[-1].virtual_server.real_servers[real] = member
                found[-1].health[real] = health
            else:
                raise DumpError(f"{part.title!r} is not known")
    except KeyError as exc:
        raise DumpError(f"{exc} is missing, or has a value that is not known") from None
    except DumpError:
        raise
    except ValueError as exc:
        raise DumpError(str(exc)) from None
    return found


def _topology(text: str) -> Iterator[_Part]:
    """The parts of the one section that matters."""
    part = None
    inside = False
    for line in text.splitlines():
        title = _TITLE.fullmatch(line)
        if title is None:
            if part is not None:
                part.lines.append(line)
            continue
        if part is not None:
            yield part
        part = None
        if not title[1]:
            if inside:
                return
            inside = title[2] == _TOPOLOGY
        elif inside:
            part = _Part(title[2], [])
    if part is not None:
        yield part
    if not inside:
        raise DumpError(f"it has no {_TOPOLOGY!r}")


def _virtual_server(part: _Part, groups: Mapping[str, Sequence[re.Match[str]]]) -> Running:
    service, fields = part.match(_SERVICE), part.fields()
    family = family_number(fields["Address family"])
    protocol = _PROTOCOLS[fields["protocol"]]
    if service["mark"]:
        keys = (mark_key(int(service["mark"]), family),)
    elif service["ip"]:
        keys = _address_keys(protocol, service["ip"], None, service["port"])
    else:
        members = groups[service["group"]]
        keys = tuple(key for member in members for key in _member_keys(protocol, member, family))
    netmask = fields.get("persistence granularity", "")
    scheduling = scheduling_of(
        fields["lvs_sched"],
        [name for name, value in fields.items() if value == "enabled" and re.match("flag-|sh-|mh-", name)],
        int(fields.get("persistence timeout", 0)),
        "" if service["group"] else netmask,
        # Also where it adds that a service that is not UDP does not use it; one by a firewall mark does.
        fields["One packet scheduling"].startswith("enabled"),
    )
    has_quorum = _flag(fields["quorum_state_up"])
    return Running(VirtualServer(keys, scheduling, {}, _sorry(part)), has_quorum, {})


def _member_keys(protocol: str, member: re.Match[str], family: int) -> tuple[ServiceKey, ...]:
    if member["mark"]:
        return (mark_key(int(member["mark"]), int(member["family"] or family)),)
    return _address_keys(protocol, member["first"], member["last"], member["port"])


def _address_keys(protocol: str, first: str, last: str | None, port: str) -> tuple[ServiceKey, ...]:
    low, high = ip_address(first), ip_address(last or first)
    return address_keys(protocol, low.version, range(int(low), int(high) + 1), int(port))


def _sorry(part: _Part) -> tuple[RealKey, Member] | None:
    for number, line in enumerate(part.lines):
        match = _SORRY.fullmatch(line)
        if match is not None:
            # The two lines that follow are about it as well.
            method, inhibit = part.lines[number + 1 : number + 3]
            forwarding = _forwarding(method, 1)
            return real_key(match[1], int(match[2]), forwarding), Member(forwarding, inhibit.endswith(" is ON"))
    return None


def _real_server(part: _Part) -> tuple[RealKey, Member, Health]:
    real, fields = part.match(_REAL), part.fields()
    thresholds = _THRESHOLDS.fullmatch(fields["connection limit range"])
    if thresholds is None:
        raise DumpError(f"connection limit range = {fields['connection limit range']}")
    method = f"forwarding method = {fields['forwarding method']}"
    forwarding = _forwarding(method, int(fields["initial weight"]), int(thresholds[2]), int(thresholds[1]))
    member = Member(forwarding, _flag(fields["Inhibit on failure"]))
    health = Health(_flag(fields["alive"]), _flag(fields["RS set"]), int(real[3]))
    return real_key(real[1], int(real[2]), forwarding), member, health


def _flag(value: str) -> bool:
    return {"1": True, "0": False, "ON": True, "OFF": False}[value]


def _forwarding(line: str, weight: int, upper: int = 0, lower: int = 0) -> Forwarding:
    match = _METHOD.fullmatch(line)
    if match is None:
        raise DumpError(f"{line.strip()!r} is not known")
    kind = (match[2] or "ipip").lower()
    return forwarding_of(match[1], weight, kind, int(match[3] or 0), _CHECKSUMS[match[4]], upper, lower)
