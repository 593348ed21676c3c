# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""How many real servers a school network needs, and which link fills first. Pure. docs/capacity.md has the formulas.

A room of n people is on one real server: n streams come in and n(n - 1) go out. Only what comes in passes a director.
A hash chooses the real server of each room, so that some have more than their share; the busiest one is what counts.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from ansible_collections.lautan.lvs.plugins.plugin_utils._capacity_stream import (
    ACK,
    ACKS,
    FEEDBACK,
    FEEDBACK_PACKETS,
    stream,
)
from ansible_collections.lautan.lvs.plugins.plugin_utils._capacity_wishes import (
    MOST_ROOMS,
    MOST_SERVERS,
    School,
    read_figures,
    read_schools,
)

# How likely it may be that the hash puts more on some real server than it bears: once in twenty choices of names.
CHANCE: Final = 0.05
# A real server's limit is counted in so many steps, and what a room needs is rounded up to whole ones.
_STEPS: Final = 1000
# A page and its WebSocket.
_CONNECTIONS: Final = 2
# Times as many rooms, for the plots.
_GROWTH: Final = (0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2)

SERVER: Final = "real server"
DIRECTOR: Final = "director"


@dataclass(frozen=True)
class Link:
    """What fills up. ``rooms`` are pairs: what one room needs, and how many there are; ``even`` is spread evenly."""

    name: str
    unit: str
    limit: float
    rooms: tuple[tuple[float, int], ...]
    even: float = 0.0
    of: str = ""  # SERVER or DIRECTOR, or the name of a school

    @property
    def total(self) -> float:
        return self.even + sum(need * count for need, count in self.rooms)


def capacity_plan(schools: Any, figures: Any = None, benchmark: Any = None) -> dict[str, Any]:
    """Return what RETURN of the filter of this name documents."""
    mistakes: list[str] = []
    read = read_schools(schools, mistakes)
    detailed = read_figures({} if figures is None else figures, benchmark, mistakes)
    known = {name: figure["value"] for name, figure in detailed.items()}
    if not mistakes:
        mistakes += _too_large(read, known)
    if mistakes:
        return {"mistakes": mistakes}
    count, spare = known["count"], known["spare"]
    even, needed = _servers(read, known)
    planned = count or needed or even
    links = _links(read, known)
    rows = [_row(link, read, known, planned) for link in links]
    rows.sort(key=lambda row: -(row["percent"] if row["one_dead"] is None else row["one_dead"]))
    return {
        "mistakes": [],
        "people": sum(school.rooms * school.people for school in read),
        "rooms": sum(school.rooms for school in read),
        "schools": [_told(school) for school in read],
        "figures": detailed,
        "servers": {
            "needed": needed,
            "even": even,
            "planned": planned,
            "spare": spare,
            "risk": max(risk(link, max(planned - spare, 1)) for link in links if link.of == SERVER),
        },
        "links": rows,
        "first": rows[0],
        "growth": list(_grown(read, known, planned)),
    }


def _told(school: School) -> dict[str, Any]:
    one = stream(school.video)
    sent, received = _person(school)
    people = school.rooms * school.people
    acks, _packets = _acks(school)
    return {
        "name": school.name,
        "rooms": school.rooms,
        "people": people,
        "stream_kbit": one.kbit,
        "down_mbit": people * received,
        "up_mbit": people * (sent + school.turn * acks),
    }


def _person(school: School) -> tuple[float, float]:
    """Mbit/s that one person sends and receives, with what is reported of them."""
    others = school.people - 1
    one = stream(school.video).kbit / 1000
    return one * (1 + FEEDBACK * others), one * (others + FEEDBACK)


def _acks(school: School) -> tuple[float, float]:
    """Mbit/s and packets a second by which one person with TURN confirms what is received."""
    packets = (school.people - 1) * stream(school.video).packets * ACKS
    return packets * ACK * 8 / 1e6, packets


def _links(schools: Sequence[School], known: Mapping[str, Any]) -> list[Link]:
    usable = known["usable_percent"] / 100
    into, out, packets, people = [], [], [], []
    relayed_in = relayed_out = relayed_packets = 0.0
    director = director_packets = all_in = all_out = 0.0
    of_schools = []
    for school in schools:
        n, one = school.people, stream(school.video)
        (sent, received), (acks, ack_packets) = _person(school), _acks(school)
        everybody = n * school.rooms
        turn = school.turn * everybody
        into.append((n * sent, school.rooms))
        out.append((n * received, school.rooms))
        packets.append((n * (n - 1) * one.packets, school.rooms))
        people.append((n, school.rooms))
        # Some coturn receives from the person and from Janus, and passes all of it on.
        relayed_in += turn * (sent + acks + received)
        relayed_out += turn * (sent + received)
        relayed_packets += turn * n * one.packets
        to_cluster = everybody * sent + turn * acks
        director += to_cluster
        director_packets += everybody * one.packets * (1 + FEEDBACK_PACKETS * (n - 1)) + turn * ack_packets
        all_in += to_cluster
        all_out += everybody * received
        for limit, what, needs in ((school.down, "to", received), (school.up, "from", sent + school.turn * acks)):
            if limit is not None:
                rooms = ((n * needs, school.rooms),)
                of_schools.append(Link(f"{what} {school.name}", "Mbit/s", limit * usable, rooms, of=school.name))
    card, active = known["mbit"] * usable, known["active_directors"]
    cores = known["cores"] * known["packets_per_core"] * usable
    ports = known["media_ports"] // (2 * known["families"])
    links = [
        Link("real server, sent", "Mbit/s", card, tuple(out), relayed_out, SERVER),
        Link("real server, received", "Mbit/s", card, tuple(into), relayed_in, SERVER),
        Link("real server, processors", "packets/s", cores, tuple(packets), relayed_packets, SERVER),
        Link("real server, UDP ports", "people", ports, tuple(people), of=SERVER),
        Link("director, each way", "Mbit/s", known["director_mbit"] * usable, (), director / active, DIRECTOR),
        Link(
            "director, packets",
            "packets/s",
            known["director_packets"] * usable,
            (),
            director_packets / active,
            DIRECTOR,
        ),
    ]
    if known["tls_per_second"] is not None:
        joining = _CONNECTIONS * sum(need * count for need, count in people) / known["join_seconds"]
        links.append(Link("real server, joining", "TLS/s", known["tls_per_second"] * usable, (), joining, of=SERVER))
    if known["internet_mbit"] is not None:
        for what, total in (("from", all_out), ("to", all_in)):
            links.append(Link(f"internet, {what} the cluster", "Mbit/s", known["internet_mbit"] * usable, (), total))
    return links + of_schools


def _too_large(schools: Sequence[School], known: Mapping[str, Any]) -> list[str]:
    """A room cannot be divided, so that no number of real servers helps one that is too large for any."""
    mistakes = []
    for link in _links(schools, known):
        for index, (need, _count) in enumerate(link.rooms if link.of == SERVER else ()):
            if need > link.limit:
                mistakes.append(
                    f"capacity_schools[{index}].people_per_room={schools[index].people}: one room needs {need:,.0f}"
                    f" {link.unit} of one {link.name}, and {link.limit:,.0f} may be used (capacity_servers)"
                )
    if known["count"] is not None and known["spare"] >= known["count"]:
        mistakes.append(
            f"capacity_servers.spare={known['spare']}: must be less than capacity_servers.count={known['count']}"
        )
    return mistakes


# --- What one real server gets ---


def _binomial(count: int, share: float) -> Iterator[tuple[int, float]]:
    """How likely it is that so many of ``count`` rooms get to one real server."""
    if share >= 1:
        yield count, 1.0
        return
    for rooms in range(count + 1):
        logarithm = math.lgamma(count + 1) - math.lgamma(rooms + 1) - math.lgamma(count - rooms + 1)
        likely = math.exp(logarithm + rooms * math.log(share) + (count - rooms) * math.log1p(-share))
        if likely > 1e-12:
            yield rooms, likely
        elif rooms > count * share:
            return


def _likely(link: Link, servers: int, steps: int) -> dict[int, float]:
    """How likely it is that the rooms of one of so many real servers take each number of steps, up to ``steps``."""
    likely = {0: 1.0}
    for need, count in link.rooms:
        size = math.ceil(need / link.limit * _STEPS - 1e-9)
        added: dict[int, float] = defaultdict(float)
        for rooms, chance in _binomial(count, 1 / servers):
            for step, before in likely.items():
                if step + rooms * size <= steps:
                    added[step + rooms * size] += chance * before
        likely = added
    return likely


def risk(link: Link, servers: int) -> float:
    """How likely it is, at most, that one of so many real servers gets more than its limit."""
    steps = math.floor(_STEPS * (1 - link.even / servers / link.limit) + 1e-9)
    return 1.0 if steps < 0 else min(1.0, max(0.0, servers * (1 - sum(_likely(link, servers, steps).values()))))


def busiest(link: Link, servers: int) -> float:
    """What the busiest of so many real servers gets, but once in twenty choices of names."""
    even = link.even / servers
    if not link.rooms or servers == 1:
        return link.total / servers
    whole = link.total - link.even
    steps = math.ceil(whole / link.limit * _STEPS)
    left = 1.0
    for step, likely in sorted(_likely(link, servers, min(steps, 4 * _STEPS)).items()):
        left -= likely
        if servers * left <= CHANCE:
            return even + min(whole, step / _STEPS * link.limit)
    return even + whole


def _servers(schools: Sequence[School], known: Mapping[str, Any]) -> tuple[int, int | None]:
    """How many real servers are enough if rooms were spread evenly, and how many as the hash spreads them, or None."""
    links = [link for link in _links(schools, known) if link.of == SERVER]
    links.sort(key=lambda link: -link.total / link.limit)  # what says no is asked first
    least = max(math.ceil(links[0].total / links[0].limit - 1e-9), 1)
    numbers = range(least, MOST_SERVERS + 1 - known["spare"])
    # From where on it is low, the risk falls with each real server more.
    found = bisect_left(numbers, True, key=lambda servers: all(risk(link, servers) <= CHANCE for link in links))
    return least + known["spare"], numbers[found] + known["spare"] if found < len(numbers) else None


# --- Links ---


def _used(link: Link, servers: int) -> float:
    return busiest(link, servers) if link.of == SERVER else link.total


def _one_dead(link: Link, known: Mapping[str, Any], servers: int) -> float | None:
    """What is used while one real server or director is dead; other links stay as they are. None: nobody is left."""
    if link.of == DIRECTOR:
        return link.total * known["active_directors"]
    if link.of == SERVER and servers == 1:
        return None
    return _used(link, servers - 1)


def _worst(link: Link, known: Mapping[str, Any], servers: int) -> float:
    dead = _one_dead(link, known, servers)
    return _used(link, servers) if dead is None else dead


def _row(link: Link, schools: Sequence[School], known: Mapping[str, Any], servers: int) -> dict[str, Any]:
    used, dead = _used(link, servers), _one_dead(link, known, servers)
    return {
        "link": link.name,
        "unit": link.unit,
        "limit": link.limit,
        "average": link.total / (servers if link.of == SERVER else 1),
        "used": used,
        "percent": 100 * used / link.limit,
        "one_dead": None if dead is None else 100 * dead / link.limit,
        "more_rooms": _more_rooms(link, schools, known, servers),
    }


def _more_rooms(link: Link, schools: Sequence[School], known: Mapping[str, Any], servers: int) -> int:
    """How many more rooms of the school, or of the one with most rooms, until the link is full while one is dead."""
    names = [school.name for school in schools]
    index = names.index(link.of) if link.of in names else max(range(len(schools)), key=lambda at: schools[at].rooms)

    def full(more: int) -> bool:
        wished = list(schools)
        wished[index] = replace(wished[index], rooms=wished[index].rooms + more)
        grown = next(each for each in _links(wished, known) if each.name == link.name)
        if link.of == SERVER:
            return risk(grown, max(servers - 1, 1)) > CHANCE
        return _worst(grown, known, servers) > grown.limit * (1 + 1e-9)

    low, high = 0, 1
    if full(0):
        return 0
    while not full(high) and high < MOST_ROOMS:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if full(middle) else (middle, high)
    return low


def _grown(schools: Sequence[School], known: Mapping[str, Any], servers: int) -> Iterator[dict[str, Any]]:
    """The same with fewer and with more rooms, on as many real servers, one of which is dead."""
    for times in _GROWTH:
        wished = [replace(school, rooms=math.ceil(school.rooms * times)) for school in schools]
        even, needed = _servers(wished, known)
        yield {
            "people": sum(school.rooms * school.people for school in wished),
            "even": even,
            "needed": needed,
            "links": {link.name: 100 * _worst(link, known, servers) / link.limit for link in _links(wished, known)},
        }
