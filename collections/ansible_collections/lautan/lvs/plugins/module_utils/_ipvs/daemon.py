# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""The sync daemons of IPVS: what they are, what ipvsadm prints of them, and how one is started and stopped."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import NamedTuple

from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.parse import ParseError

MASTER, BACKUP = "master", "backup"

# The kernel's own defaults, which ipvsadm(8) documents.
GROUP, PORT, TTL = "224.0.0.81", 8848, 1

_LINE = re.compile(
    r"(?P<role>master|backup) sync daemon \(mcast=(?P<interface>.+), syncid=(?P<syncid>\d+)"
    r"(?:, maxlen=(?P<maxlen>\d+))?(?:, group=(?P<group>[0-9a-f.:]+))?"
    r"(?:, port=(?P<port>\d+))?(?:, ttl=(?P<ttl>\d+))?\)"
)


class Daemon(NamedTuple):
    """A sync daemon. ``maxlen`` is None where the kernel may choose it."""

    role: str
    interface: str
    syncid: int
    group: str
    port: int
    ttl: int
    maxlen: int | None

    def __str__(self) -> str:
        """As ipvsadm prints it."""
        maxlen = "default" if self.maxlen is None else self.maxlen
        return (
            f"{self.role} sync daemon (mcast={self.interface}, syncid={self.syncid}, maxlen={maxlen}, "
            f"group={self.group}, port={self.port}, ttl={self.ttl})"
        )


def parse_daemons(text: str) -> list[Daemon]:
    """Find the daemons that run in what ipvsadm printed; other lines may be anything.

    :raises ParseError: if a line about a daemon is not understood.
    """
    daemons = []
    for line in text.splitlines():
        if not line.startswith(("master sync daemon", "backup sync daemon")):
            continue
        match = _LINE.fullmatch(line.rstrip())
        if match is None:
            raise ParseError(f"ipvsadm printed {line!r} for a sync daemon")
        found = match.groupdict()
        daemons.append(
            Daemon(
                role=found["role"],
                interface=found["interface"],
                syncid=int(found["syncid"]),
                group=found["group"] or GROUP,
                port=int(found["port"] or PORT),
                ttl=int(found["ttl"] or TTL),
                maxlen=int(found["maxlen"]) if found["maxlen"] else None,
            )
        )
    return daemons


def start_words(daemon: Daemon) -> list[str]:
    """The words of ipvsadm that start it."""
    words = ["--start-daemon", daemon.role, "--mcast-interface", daemon.interface, "--syncid", str(daemon.syncid)]
    words += ["--mcast-group", daemon.group, "--mcast-port", str(daemon.port), "--mcast-ttl", str(daemon.ttl)]
    return words if daemon.maxlen is None else [*words, "--sync-maxlen", str(daemon.maxlen)]


def stop_words(role: str) -> list[str]:
    """The words of ipvsadm that stop the one of this role."""
    return ["--stop-daemon", role]


def longest_maxlen(group: str) -> int:
    """The most that the kernel takes: the largest packet without the headers of IP and UDP."""
    return 65535 - (20 if ip_address(group).version == 4 else 40) - 8


def shortest_maxlen(role: str) -> int:
    """The least that the kernel takes; it would raise what is less, and say nothing."""
    return 1 if role == MASTER else 1024
