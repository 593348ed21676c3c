# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""How a cluster is at the moment, for people and for programs: one dictionary, and one screen of text.

A pure function of the plan (see _cluster_plan) and of what was seen on the hosts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_state import drained
from ansible_collections.lautan.lvs.plugins.plugin_utils._text_table import text_table

_STATES: Final = {"in service": "in service", "drained": "DRAINED", "down": "DOWN", "silent": "NO ANSWER"}


def cluster_status(
    plan: Mapping[str, Any],
    state: Mapping[str, Sequence[str]],
    directors: Mapping[str, Mapping[str, Any] | None],
    real_servers: Mapping[str, Mapping[str, Any] | None],
    now: float,
) -> dict[str, Any]:
    """Return what RETURN of the filter of this name documents.

    :param state: what cluster_state returned.
    :param directors: by name, ``seen`` (director_seen), ``ipvs`` (what the module ipvs_info returned) and ``updates``;
        None for one that did not answer.
    :param real_servers: by name, ``info`` (what the module real_server_info returned), ``updates`` and
        ``certificate_expires`` (seconds since 1970, or None); None for one that did not answer.
    :param now: seconds since 1970.
    """
    answering = {name: seen for name, seen in directors.items() if seen}
    services = [_service(service, _holder(service["vip"], answering)) for service in plan["virtual_services"]]
    names = [server["name"] for server in plan["real_servers"]]
    servers = [_real_server(name, services, answering, real_servers.get(name), now) for name in names]
    return {
        "time": _moment(now),
        "ok": not state["faults"],
        "faults": list(state["faults"]),
        "domain": plan["domain"],
        "vips": [_vip(vip["address"], answering) for vip in plan["vips"]],
        "directors": [_director(each["name"], directors.get(each["name"])) for each in plan["directors"]],
        "services": services,
        "real_servers": servers,
        "rooms": _rooms(plan, servers),
        "people": sum(server["people"] for server in servers),
    }


def _moment(seconds: float | None) -> str | None:
    return None if not seconds else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _instances(seen: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """None where keepalived does not tell."""
    return seen["seen"]["vrrp"].get("instances", ())


def _vip(address: str, directors: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    holders, since = [], None
    for name, seen in directors.items():
        for instance in _instances(seen):
            if address in instance["addresses_held"]:
                holders.append(name)
                since = _moment(instance["last_transition"])
    return {"address": address, "holders": holders, "since": since if len(holders) == 1 else None}


def _director(name: str, seen: Mapping[str, Any] | None) -> dict[str, Any]:
    if seen is None:
        return {"name": name, "state": "silent", "since": None, "connections": 0, "kernel": None, "updates": None}
    states = {instance["state"] for instance in _instances(seen)} or {"unknown"}
    moments = [instance["last_transition"] for instance in _instances(seen) if instance["last_transition"]]
    return {
        "name": name,
        "state": "/".join(sorted(states)),
        "since": _moment(max(moments, default=None)),
        "connections": seen["seen"]["vrrp"].get("connections", 0),
        "kernel": seen["ipvs"].get("kernel"),
        "updates": seen["updates"],
    }


def _of_service(entries: Sequence[Mapping[str, Any]], service: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the module ipvs_info says of a virtual service; empty if it does not."""
    key = service["protocol"], service["vip"], service["port"]
    found = (each for each in entries if (each.get("protocol"), each.get("address"), each.get("port")) == key)
    return next(found, {})


def _holder(vip: str, directors: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """What was seen on the director that holds a VIP."""
    for seen in directors.values():
        if any(vip in instance["addresses_held"] for instance in _instances(seen)):
            return seen
    return None


def _service(service: Mapping[str, Any], active: Mapping[str, Any] | None) -> dict[str, Any]:
    """A virtual service, as the director has it that holds the VIP."""
    ipvs = active["ipvs"] if active else {}
    table, counted = (_of_service(ipvs.get(what, ()), service) for what in ("services", "counters"))
    weights = {each["address"]: each["weight"] for each in table.get("real_servers", ())}
    counters = {each["address"]: each for each in counted.get("real_servers", ())}
    rates = counted.get("rates", {})
    return {
        "name": service["name"],
        "vip": service["vip"],
        "protocol": service["protocol"],
        "port": service["port"],
        "scheduler": service["scheduler"],
        "known": active is not None,
        "connections_per_second": rates.get("connections", 0),
        "bytes_in_per_second": rates.get("bytes_in", 0),
        "active_connections": sum(each["active_connections"] for each in counters.values()),
        "real_servers": [
            {
                "name": server["name"],
                "weight": weights.get(server["address"]),
                "active_connections": counters.get(server["address"], {}).get("active_connections", 0),
                "connections_per_second": counters.get(server["address"], {}).get("rates", {}).get("connections", 0),
            }
            for server in service["real_servers"]
        ],
    }


def _real_server(
    name: str,
    services: Sequence[Mapping[str, Any]],
    directors: Mapping[str, Mapping[str, Any]],
    found: Mapping[str, Any] | None,
    now: float,
) -> dict[str, Any]:
    info = found["info"] if found else {}
    on_directors = [(drained(seen["seen"]), seen["seen"]["drained_since"]) for seen in directors.values()]
    drains = [(reasons[name], moments.get(name)) for reasons, moments in on_directors if name in reasons]
    told = [server for service in services if service["known"] for server in service["real_servers"]]
    down_in = sum(server["weight"] is None for server in told if server["name"] == name)
    state = "drained" if drains else "in service"
    if found is None:
        state = "silent"
    if down_in:
        state = "down"
    expires = found["certificate_expires"] if found else None
    return {
        "name": name,
        "state": state,
        "reason": drains[0][0] if drains else "",
        "since": _moment(max((since for _reason, since in drains if since), default=None)),
        "down_in": down_in,
        "connections": info.get("connections", {"total": 0, "websockets": 0, "turn": 0, "other": 0}),
        "people": info.get("people", 0),
        "rooms": info.get("rooms", {}),
        "certificate_expires": _moment(expires),
        "certificate_days": None if expires is None else int((expires - now) // 86400),
        "updates": found["updates"] if found else None,
    }


def _rooms(plan: Mapping[str, Any], servers: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    rooms = (plan["conference"] or {}).get("rooms", [])
    return [
        {
            "name": room["name"],
            "title": room.get("title") or room["name"],
            "people": sum(server["rooms"].get(room["name"], 0) for server in servers),
            "real_servers": [server["name"] for server in servers if room["name"] in server["rooms"]],
        }
        for room in rooms
    ]


# ---- One screen


def status_lines(status: Mapping[str, Any]) -> list[str]:
    """The status as text for a terminal of 100 columns."""
    return list(_lines(status))


def _lines(status: Mapping[str, Any]) -> Iterator[str]:
    verdict = "OK" if status["ok"] else f"{len(status['faults'])} FAULTS"
    yield f"https://{status['domain']}/   {verdict}   {status['people']} people   {status['time']}"
    yield ""
    for vip in status["vips"]:
        since = f" since {vip['since']}" if vip["since"] else ""
        yield f"VIP {vip['address']:24} {', '.join(vip['holders']) or 'NO DIRECTOR'}{since}"
    yield ""
    yield from text_table(
        ("director", "state", "since", "connections", "updates", "kernel"),
        [
            (each["name"], each["state"], each["since"], each["connections"], each["updates"], each["kernel"])
            for each in status["directors"]
        ],
    )
    yield ""
    yield from text_table(
        ("real server", "state", "people", "clients", "WebSockets", "TURN", "updates", "certificate"),
        [
            (
                each["name"],
                _STATES[each["state"]],
                each["people"],
                each["connections"]["total"],
                each["connections"]["websockets"],
                each["connections"]["turn"],
                each["updates"],
                None if each["certificate_days"] is None else f"{each['certificate_days']} days",
            )
            for each in status["real_servers"]
        ],
    )
    for each in status["real_servers"]:
        if each["since"]:
            yield f"  {each['name']} is drained since {each['since']}{': ' if each['reason'] else ''}{each['reason']}"
        if each["down_in"]:
            yield f"  {each['name']} is out of {each['down_in']} virtual services"
    yield ""
    names = [server["name"] for server in status["real_servers"]]
    # Of each real server: its weight, and the connections that are established.
    yield from text_table(
        ("virtual service", "scheduler", "conn/s", "kbit/s in", "active", *names),
        [
            (
                f"{each['protocol']} {each['vip']} {each['port']}",
                each["scheduler"],
                each["connections_per_second"],
                round(each["bytes_in_per_second"] * 8 / 1000),
                each["active_connections"],
                *(_entry(server) if each["known"] else "?" for server in each["real_servers"]),
            )
            for each in status["services"]
        ],
    )
    busy = [room for room in status["rooms"] if room["people"]]
    if status["rooms"]:
        yield ""
        told = [f"{room['title']} {room['people']} on {', '.join(room['real_servers'])}" for room in busy]
        yield f"rooms: {'; '.join(told) or 'nobody'} ({len(status['rooms'])} in all)"
    if status["faults"]:
        yield ""
        yield from (f"! {fault}" for fault in status["faults"])


def _entry(server: Mapping[str, Any]) -> str:
    return "down" if server["weight"] is None else f"{server['weight']}/{server['active_connections']}"
