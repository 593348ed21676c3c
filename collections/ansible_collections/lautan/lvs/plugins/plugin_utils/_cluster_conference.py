# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""The conference: whether there is one (``lvs_conference``), its rooms, and how its media and TURN reach real servers.

As in _cluster_checks, what is wrong is reported to the common list of mistakes and left out of the result. What is set
is checked also while there is no conference, so that it can stay in the description. No message shows a PIN.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ansible_collections.lautan.lvs.plugins.module_utils._real_server_info import connections
from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_checks import Host, Ports, Vip, checked_host_name
from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_entry import Entry
from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_facts import FAMILIES, Facts, Unusable, hosts_shown
from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_forwarding import DR
from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_services import Service

# By name, the TCP ports of TURN (RFC 8656, 3.1 and RFC 7065): without and with TLS.
TURN_PORTS: Final = dict(zip(("turn", "turns"), connections.TURN_PORTS, strict=True))
# Where coturn relays from, on a real server's own address.
TURN_RELAY: Final = Ports(49152, 51151)

PEOPLE_RANGE: Final = (2, 50)
BITRATE_RANGE: Final = (64_000, 4_000_000)
DEFAULT_PEOPLE: Final = 12
DEFAULT_BITRATE: Final = 600_000

ROOM_KEYS: Final = ("name", "title", "pin", "moderator_pin", "people", "bitrate")
_PINS: Final = ("pin", "moderator_pin")
_EXAMPLE: Final = "[{name: maths, title: Mathematics}]"
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
# No control character, no line or paragraph separator, no half of a surrogate pair.
_TITLE: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]{1,100}")
_PIN: Final = re.compile(r"[\x21-\x7e]{1,64}")


@dataclass(frozen=True)
class Room:
    """One room with what could be read of it. ``label`` is that of its list element, such as ``lvs_rooms[0]``."""

    label: str
    name: str | None
    title: str | None
    pin: str | None
    moderator_pin: str | None
    people: int | None
    bitrate: int | None


def read_conference(cluster: Facts, forwarding: str | None) -> bool:
    """Whether there is a conference."""
    wanted = cluster.boolean("lvs_conference")
    if wanted and forwarding not in (DR, None):
        # With NAT real servers have no virtual IP that media could come to; media in tunnels was never tried.
        what = f"needs lvs_forwarding=dr, and that is {forwarding}; set lvs_conference: false to go without conference"
        cluster.wrong("lvs_conference", wanted, what)
    return wanted is True


def read_turn_domain(cluster: Facts, domain: str | None, conference: bool) -> str | None:
    """The name by which TURN is told from HTTPS on port 443 (SNI)."""
    value = cluster.value("lvs_turn_domain")
    if isinstance(value, Unusable) or (value is None and (domain is None or not conference)):
        return None
    turn_domain = checked_host_name(cluster, "lvs_turn_domain", f"turn.{domain}" if value is None else value)
    if turn_domain is not None and turn_domain == domain:
        cluster.wrong("lvs_turn_domain", value, "is lvs_domain as well; on port 443 the names tell TURN from HTTPS")
    return turn_domain


def read_rooms(cluster: Facts, media: Mapping[str, Ports], vips: Sequence[Vip]) -> list[Room]:
    """The rooms. Each must fit on any real server."""
    rooms = []
    for label, values in cluster.elements("lvs_rooms", _EXAMPLE, secret=True) or []:
        if isinstance(values, Mapping):
            rooms.append(_room(cluster, label, values))
        else:
            cluster.wrong_secret(label, "must be a dictionary, for example {name: maths, title: Mathematics}")
    _check_unique(cluster, rooms)
    _check_ports(cluster, rooms, media, families=len({vip.address.version for vip in vips}))
    return rooms


def _room(cluster: Facts, label: str, values: Mapping[Any, Any]) -> Room:
    entry = Entry(cluster, label, values, secrets=_PINS)
    entry.check_keys(ROOM_KEYS, "a room")
    if entry.value("name") is None:
        entry.missing("name", "each room needs one, such as maths: it is in the room's address")
    name = entry.text("name", _NAME, "must consist of a-z, 0-9 and - (at most 63), and not begin with -")
    pin, moderator_pin = (
        entry.text(key, _PIN, "must be text of 1 to 64 ASCII characters without spaces; quote a number")
        for key in _PINS
    )
    if moderator_pin is not None and pin == moderator_pin:
        entry.wrong("moderator_pin", "is the pin as well, which would make everybody a moderator")
    return Room(
        label=label,
        name=name,
        title=entry.text("title", _TITLE, "must be text of 1 to 100 characters on one line") or name,
        pin=pin,
        moderator_pin=moderator_pin,
        people=entry.integer("people", PEOPLE_RANGE, "people in the room", DEFAULT_PEOPLE),
        bitrate=entry.integer("bitrate", BITRATE_RANGE, "bits per second of each sender", DEFAULT_BITRATE),
    )


def _check_unique(cluster: Facts, rooms: Sequence[Room]) -> None:
    names: dict[str, Room] = {}
    for room in rooms:
        if room.name is not None:
            first = names.setdefault(room.name, room)
            if first is not room:
                cluster.wrong(f"{room.label}.name", room.name, f"is the name of {first.label} as well")


def _check_ports(cluster: Facts, rooms: Sequence[Room], media: Mapping[str, Ports], families: int) -> None:
    """A room is on one real server, where each of its people takes two ports of each family, to send and to receive."""
    if not media:
        return
    host, ports = min(media.items(), key=lambda item: item[1].size)
    for room in rooms:
        needed = 0 if room.people is None else 2 * families * room.people
        if needed > ports.size:
            what = f"takes {needed} UDP ports, and {hosts_shown([host])} has {ports.size} for media, {ports}"
            cluster.wrong(f"{room.label}.people", room.people, what)


def turn_services(cluster: Facts, services: Sequence[Service], scheduler: str | None) -> list[Service]:
    """TURN over TCP and TLS, on ports that no service of the operator has, whatever its protocol: it may be TURN."""
    ports = {service.port for service in services}
    names = {service.name: service.label for service in services}
    found = []
    for name, port in TURN_PORTS.items():
        if port in ports:
            continue
        if name in names:
            what = f"is the name of the conference's own service on TCP port {port}; choose another one"
            cluster.wrong(f"{names[name]}.name", name, what)
        found.append(
            Service(
                label="lvs_conference",
                name=name,
                protocol="tcp",
                port=port,
                real_port=port,
                scheduler=scheduler,
                persistence=0,
                one_packet=False,
                check="tcp",
                check_path=None,
                check_content=None,
                quorum=1,
                sorry_servers=(),
            )
        )
    return found


def planned_conference(rooms: Sequence[Room], turn_domain: str | None, real_servers: Sequence[Host]) -> dict[str, Any]:
    """What the plan says of the conference, in Janus' own words where it has some."""
    return {
        "rooms": [
            {
                "name": room.name,
                "title": room.title,
                "pin": room.pin,
                "secret": room.moderator_pin,
                "publishers": room.people,
                "bitrate": room.bitrate,
            }
            for room in rooms
        ],
        "turn_domain": turn_domain,
        "turn_relay": {"first": TURN_RELAY.first, "last": TURN_RELAY.last},
        "rooms_ring": [{"name": host.name, "address": str(host.addresses[4])} for host in real_servers],
    }


def media_services(
    vips: Sequence[Vip], real_servers: Sequence[Host], media: Mapping[str, Ports], marks: Mapping[str, int]
) -> list[dict[str, Any]]:
    """One service by packet mark for each real server and each family of virtual IPs: IPVS has them apart."""
    services = []
    for version in sorted({vip.address.version for vip in vips}):
        family = FAMILIES[version][0]
        for host in real_servers:
            services.append(
                {
                    "name": f"media-{host.name}-{family}",
                    "mark": marks[host.name],
                    "family": family,
                    "vips": [str(vip.address) for vip in vips if vip.address.version == version],
                    "first": media[host.name].first,
                    "last": media[host.name].last,
                    "real_server": {"name": host.name, "address": str(host.addresses[version])},
                }
            )
    return services
