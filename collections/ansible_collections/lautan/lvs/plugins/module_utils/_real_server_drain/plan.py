# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Which real servers a file drains, and whether the others are enough. Pure."""

from __future__ import annotations

from typing import Any, Mapping, NamedTuple

from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.address import canonical
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.model import RealKey, ServiceKey, Table
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.render import real_words, service_words
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.entries import field
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived_table.configured import virtual_servers
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived_table.model import kernel_key

# What the file says. keepalived adds it, times the weight of the FILE_CHECK, to the weight of the real server.
DRAINED, IN_SERVICE = -1, 0


class Member(NamedTuple):
    """A real server of one virtual service that the file drains.

    :ivar weight: that it has while it is in service.
    :ivar quorum: of the virtual service, with fewer than which keepalived takes all real servers out.
    """

    service: ServiceKey
    real: RealKey
    weight: int
    quorum: int = 1

    def __str__(self) -> str:
        return real_words(self.service, self.real)


def track_file_path(document: Mapping[str, Any], name: str, path: str, mistakes: list[str]) -> str:
    """Where the file of a track_file is.

    :param path: of the configuration, for messages.
    :param mistakes: gets what is wrong with it.
    """
    for item in document.get("track_files", []):
        if item["name"] == name:
            init = item.get("init_file")
            if isinstance(init, Mapping) and init.get("overwrite"):
                mistakes.append(f"track_file={name!r}: has init_file with overwrite, so that a restart would end it")
            return item["file"]
    mistakes.append(f"track_file={name!r}: is not in {path}")
    return ""


def find_members(document: Mapping[str, Any], name: str, path: str, mistakes: list[str]) -> list[Member]:
    """The real servers with a FILE_CHECK of this track_file."""
    default = next((item.get("weight", 1) for item in document.get("track_files", []) if item["name"] == name), 1)
    found: list[Member] = []
    for item, virtual_server in zip(document.get("virtual_servers", []), virtual_servers(document)):
        for server in item["real_servers"]:
            checks = [check for check in server.get("checks", []) if _is_about(check, name)]
            address, port = canonical(field(server, "ip")), server.get("port", 0)
            for real, member in virtual_server.real_servers.items():
                if not checks or real.address != address or real.port not in (0, port):
                    continue
                weight = member.forwarding.weight
                _check_weight(checks[0].get("weight", default), weight, f"{name} of {address}", mistakes)
                keys = virtual_server.keys
                quorum = item.get("quorum", 1)
                found += [Member(key, kernel_key(real, member.forwarding, key), weight, quorum) for key in keys]
    if not found and not mistakes:
        mistakes.append(f"track_file={name!r}: no real server in {path} has a FILE_CHECK of it")
    return found


def _is_about(check: Mapping[str, Any], name: str) -> bool:
    return check["type"] == "FILE_CHECK" and check["track_file"] == name


def _check_weight(option: Any, weight: int, what: str, mistakes: list[str]) -> None:
    """-1 times it must take all of the weight away, and must not be a fault, as it would be with weight 0."""
    factor = field(option, "weight")
    if isinstance(option, Mapping) and option.get("reverse"):
        factor = -factor
    if factor < max(weight, 1):
        mistakes.append(f"FILE_CHECK {what}: has weight {factor}, and must have {max(weight, 1)} at least")


def too_few(members: list[Member], table: Table, minimum: int) -> list[str]:
    """What would be left with too few real servers that take connections, one line for each virtual service."""
    lines = []
    for key in dict.fromkeys(member.service for member in members):
        own = {member.real for member in members if member.service == key}
        pool = table[key].real_servers if key in table else {}
        serving = {real for real, forwarding in pool.items() if forwarding.weight > 0}
        others, where = serving - own, f"virtual service {service_words(key)}"
        if not serving & own:
            continue
        if len(others) < minimum:
            are = f"{len(others) or 'no'} other real server{'' if len(others) == 1 else 's'}"
            lines.append(f"{where}: {are} in service, and minimum={minimum}")
        weight = sum(pool[real].weight for real in others)
        quorum = max(member.quorum for member in members if member.service == key)
        if others and weight < quorum:
            lines.append(f"{where}: would lose its quorum of {quorum}, the others together have {weight}")
    return lines


def weights(members: list[Member], table: Table) -> dict[Member, int | None]:
    """The weight that each has in the kernel; None if it is not there, because keepalived takes it for dead."""
    found: dict[Member, int | None] = {}
    for member in members:
        pool = table[member.service].real_servers if member.service in table else {}
        forwarding = pool.get(member.real)
        found[member] = None if forwarding is None else forwarding.weight
    return found
