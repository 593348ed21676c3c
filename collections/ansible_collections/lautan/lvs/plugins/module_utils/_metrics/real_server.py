# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""The metrics of a real server, made of what the modules' code tells. Pure."""

from __future__ import annotations

from typing import Any, Iterator, Mapping

from ansible_collections.lautan.lvs.plugins.module_utils._metrics.model import Sample

# ss(8): UDP sockets, with the end of this host in the fourth column.
PORTS_COMMAND = ("ss", "--no-header", "--udp", "--all", "--numeric")


def connections(found: Any) -> Iterator[Sample]:
    """:param found: the Connections of _real_server_info."""
    for kind, number in (("websocket", found.websockets), ("turn", found.turn), ("other", found.other)):
        yield Sample("lautan_client_connections", number, {"kind": kind})


def janus(found: Mapping[str, Any]) -> Iterator[Sample]:
    """:param found: what the module janus_info returns."""
    yield Sample("lautan_janus_up", int(found["running"]))
    yield Sample("lautan_people", found["people"])
    for room in found["rooms"]:
        yield Sample("lautan_room_people", len(room["participants"]), {"room": room["name"]})


def media_ports(text: str, first: int, last: int) -> Iterator[Sample]:
    """:param text: what PORTS_COMMAND printed."""
    used: dict[str, set[int]] = {}
    for line in text.splitlines():
        address, _colon, port = line.split()[3].rpartition(":")
        if port.isdigit() and first <= int(port) <= last:
            used.setdefault(address, set()).add(int(port))
    yield Sample("lautan_media_ports", last - first + 1)
    # Each address has all of them: full is the one that has none left.
    yield Sample("lautan_media_ports_used", max(map(len, used.values()), default=0))


def certificate(not_after: int) -> Iterator[Sample]:
    yield Sample("lautan_certificate_not_after_timestamp_seconds", not_after)
