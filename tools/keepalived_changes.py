# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of a director's keepalived: valid ones, of which no client may notice anything, and invalid ones.

A configuration is what the option ``config`` of lautan.lvs.keepalived_config takes. Each change is a whole one: what
the director had in the beginning, but for one thing. No valid one touches what decides who holds the VIPs.
"""

from __future__ import annotations

import copy
import itertools
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Config = dict[str, Any]

FILE = "/etc/keepalived/keepalived.conf"

# Nobody's, on the directors' segment: for a virtual server, and for VIPs.
SPARE_ADDRESS = "198.18.0.101"
SPARE_VIPS = ("198.18.0.102/32", "fd00:c612::102/128")

# Who refuses: the module, before it asks anybody, or keepalived's own test.
MODULE, KEEPALIVED = "module", "keepalived"

_NO_INTERFACE = "nosuch0"
_PROGRAM = {"command": "/usr/bin/true", "user": "root"}

_BY_HAND = "# by hand"
_EDIT = f"cp --preserve {FILE} {FILE}.untouched && echo '{_BY_HAND}' >> {FILE}"
# With its old time, and only while it is the edited file: what was written over that must be seen.
_UNDO_EDIT = (
    f"(cat {FILE}.untouched; echo '{_BY_HAND}') | cmp --silent - {FILE} && mv {FILE}.untouched {FILE}; "
    f"rm --force {FILE}.untouched"
)

_PLACE = FILE.rpartition("/")[0]
_READ_ONLY = f"mount --bind {_PLACE} {_PLACE} && mount -o remount,bind,ro {_PLACE}"
_UNDO_READ_ONLY = f"umount {_PLACE}"
# A small file system in its place, with everything that was there, and not a block more.
_FILL = (
    f"mount -t tmpfs -o size=256k small /mnt && cp --archive {_PLACE}/. /mnt && mount --bind /mnt {_PLACE} && "
    f"umount /mnt && ! cat /dev/zero 2> /dev/null > {_PLACE}/filler"
)
# What was written there must be seen.
_UNDO_FULL = (
    f"cp --preserve {FILE} /run/keepalived.seen; umount {_PLACE}; "
    f"cmp --silent /run/keepalived.seen {FILE} || cp --preserve /run/keepalived.seen {FILE}; rm /run/keepalived.seen"
)


@dataclass(frozen=True)
class Change:
    """One configuration to apply.

    :param kind: what is changed, or what is wrong with it.
    :param refused_by: MODULE or KEEPALIVED; nobody if it is valid.
    :param says: what the refusal must say.
    :param before: a shell command for the director, before the module is run.
    :param after: another one, after that.
    """

    kind: str
    config: Config
    refused_by: str = ""
    says: str = ""
    before: str = ""
    after: str = ""

    @property
    def valid(self) -> bool:
        return not self.refused_by


def plan(config: Config, vip: str, changes: int, invalid: int, seed: int = 7) -> list[Change]:
    """So many changes, and so many of them invalid; the same seed always gives the same ones.

    :param config: what the director has.
    :param vip: an address that it holds.
    """
    chance = random.Random(seed)
    instance = next(index for index, item in enumerate(config["vrrp_instances"]) if vip in vips(item))
    good, bad = valid_changes(config, instance, chance), itertools.cycle(invalid_changes(config, instance))
    order = [True] * (changes - invalid) + [False] * invalid
    chance.shuffle(order)
    return [next(good if valid else bad) for valid in order]


def vips(instance: Config) -> list[str]:
    """The addresses of an instance, without their prefix lengths."""
    items = [*instance.get("virtual_ipaddress", []), *instance.get("virtual_ipaddress_excluded", [])]
    return [(item["ip"] if isinstance(item, dict) else item).partition("/")[0] for item in items]


def services(config: Config) -> Iterator[tuple[str, Config]]:
    """The virtual servers that have an address, each with its path."""
    for index, item in enumerate(config["virtual_servers"]):
        if "ip" in item:
            yield f"virtual_servers[{index}]", item


def _shared(config: Config) -> Iterator[tuple[str, Config]]:
    """Those of them that have several real servers."""
    return ((path, service) for path, service in services(config) if len(service["real_servers"]) > 1)


def put(config: Config, path: str, value: Any) -> Config:
    """Give the configuration with another value at a path such as ``virtual_servers[0].port``.

    :param value: the new value, ``...`` for none, or a function that makes it of the old one, which may be None.
    """
    changed = copy.deepcopy(config)
    *steps, last = [int(word) if word.isdigit() else word for word in re.findall(r"[^][.]+", path)]
    here: Any = changed
    for step in steps:
        here = here[step]
    if value is ...:
        del here[last]
    elif callable(value):
        here[last] = value(here[last] if isinstance(here, list) else here.get(last))
    else:
        here[last] = value
    return changed


def _put_all(config: Config, edits: dict[str, Any]) -> Config:
    for path, value in edits.items():
        config = put(config, path, value)
    return config


def _and(*items: Any) -> Callable[[list | None], list]:
    """What makes a longer list of a list."""
    return lambda old: [*(old or []), *items]


# --- Valid ones ---


def valid_changes(config: Config, instance: int, chance: random.Random) -> Iterator[Change]:
    """Valid changes without end. Each configuration differs from the one before, and the first one from ``config``.

    :param instance: the place of the VRRP instance that the director is master of.
    """
    here = f"vrrp_instances[{instance}]"
    device = config["vrrp_instances"][instance]["interface"]

    def change(kind: str, edits: dict[str, Any] | None = None) -> Change:
        return Change(kind, _put_all(config, edits or {}))

    def other(old: Any, *values: Any) -> Any:
        return chance.choice([value for value in values if value != old])

    while True:
        yield Change("weight of a real server", _other_weight(config, chance))
        spare = _spare_service(config, chance)
        yield change("one more virtual server", {"virtual_servers": _and(spare)})
        spare = spare | {"lvs_sched": other(spare["lvs_sched"], "rr", "wrr", "lc", "wlc")}
        yield change("scheduler of that one", {"virtual_servers": _and(spare)})
        spare = spare | {"real_servers": spare["real_servers"][1:]}
        yield change("one real server less in it", {"virtual_servers": _and(spare)})
        yield change("without it again")
        path, service = chance.choice(list(services(config)))
        yield change("check interval", {f"{path}.delay_loop": other(service.get("delay_loop"), 1, 1.5, 2, 3)})
        # Longer, never shorter: a busy real server must not become a dead one.
        timeout = service.get("connect_timeout", 5) + chance.choice((0.5, 1, 1.5))
        yield change("check timeout", {f"{path}.connect_timeout": round(timeout, 3)})
        yield change("check retries", {f"{path}.retry": other(service.get("retry"), 2, 3, 4)})
        option = chance.choice(("vrrp_garp_master_refresh", "vrrp_garp_master_delay", "vrrp_garp_master_repeat"))
        yield change("global option", {f"global_defs.{option}": other(config["global_defs"].get(option), 2, 4, 6)})
        where = chance.choice((f"{path}.snmp_name", f"{path}.real_servers[0].snmp_name", "global_defs.smtp_helo_name"))
        yield change("name", {where: f"name-{chance.randrange(1000)}.example"})
        where = chance.choice((f"{here}.notify", f"{path}.quorum_up", f"{path}.real_servers[0].notify_down"))
        yield change("notify program", {"global_defs.enable_script_security": True, where: _PROGRAM})
        yield change("without it again")
        more = [{"ip": vip, "dev": device} for vip in chance.choice((SPARE_VIPS[:1], SPARE_VIPS[1:], SPARE_VIPS))]
        yield change("more VIPs", {f"{here}.virtual_ipaddress_excluded": _and(*more)})
        yield change("without them again")


def _other_weight(config: Config, chance: random.Random) -> Config:
    """Another weight for one real server of several, in all their virtual servers. 0 is a weight."""
    chosen = chance.choice([server for _, service in _shared(config) for server in service["real_servers"]])
    weight = chance.choice([value for value in (0, 1, 5, 20) if value != chosen.get("weight", 1)])
    for path, service in _shared(config):
        for index, server in enumerate(service["real_servers"]):
            if server["ip"] == chosen["ip"]:
                config = put(config, f"{path}.real_servers[{index}].weight", weight)
    return config


def _spare_service(config: Config, chance: random.Random) -> Config:
    """A virtual server that nobody uses: one of those that there are, at another address."""
    used = chance.choice([service for _, service in _shared(config) if ":" not in service["ip"]])
    flags = {f"{name}-{flag}" for name in ("mh", "sh") for flag in ("port", "fallback")}
    plain = {key: value for key, value in used.items() if key not in flags}
    return plain | {"ip": SPARE_ADDRESS, "lvs_sched": chance.choice(("rr", "wrr", "lc", "wlc"))}


# --- Invalid ones ---


def invalid_changes(config: Config, instance: int) -> list[Change]:
    """Configurations that are wrong, each in a way of its own.

    The refusal names the path of the first edit, unless it says something else.
    """
    here = f"vrrp_instances[{instance}]"
    there, service = next((path, item) for path, item in services(config) if ":" not in item["ip"])
    server = f"{there}.real_servers[0]"
    first = config["vrrp_instances"][instance]

    def wrong(kind: str, edits: dict[str, Any], says: str = "", by: str = MODULE) -> Change:
        return Change(kind, _put_all(config, edits), by, says or next(iter(edits)))

    def untrue(kind: str, edits: dict[str, Any], says: str = "") -> Change:
        """What only keepalived knows to be wrong, on this host."""
        return wrong(kind, edits, says, KEEPALIVED)

    peers, excluded = f"{here}.unicast_peer", f"{here}.virtual_ipaddress_excluded"
    nowhere = {"ip": SPARE_VIPS[0], "dev": _NO_INTERFACE}
    program = {"global_defs.enable_script_security": False, f"{here}.notify": _PROGRAM}
    nameless = {f"{there}.group": "nosuch", f"{there}.ip": ..., f"{there}.port": ...}
    gone = {"vrrp_instances": [], "track_groups": [{"name": "all", "group": [first["name"]]}]}
    again, twin = len(config["virtual_servers"]), len(config["vrrp_instances"])
    process = {"name": "web", "process": ["nginx"], "quorum": 5, "quorum_max": 2}
    other = put(config, "global_defs.vrrp_garp_master_refresh", 90)
    edited = "edited since this module wrote it"
    return [
        untrue("interface that does not exist", {f"{here}.interface": _NO_INTERFACE}),
        wrong("priority out of range", {f"{here}.priority": 300}),
        Change("file edited by hand", other, MODULE, edited, before=_EDIT, after=_UNDO_EDIT),
        # "Read-only file system", or "is read only" from keepalived 2.3, which finds out first.
        Change("file system read-only", other, MODULE, "only", before=_READ_ONLY, after=_UNDO_READ_ONLY),
        Change("disk full", other, MODULE, "No space left", before=_FILL, after=_UNDO_FULL),
        wrong("program without security", program),
        wrong("wrong type", {f"{server}.weight": "heavy"}),
        wrong("virtual router id out of range", {f"{here}.virtual_router_id": 999}),
        wrong("weight out of range", {f"{server}.weight": -1}),
        wrong("unknown option", {f"{server}.weigth": 2}),
        wrong("option of a later keepalived", {"global_defs.vrrp_delay_after_boot": 5}),
        wrong("virtual server twice", {"virtual_servers": _and(service)}, f"virtual_servers[{again}]"),
        wrong("direct routing to another port", {f"{server}.port": 8443}),
        Change("empty", {}, MODULE, "has neither vrrp_instances nor virtual_servers"),
        wrong("instance that is gone, but is named", gone, "track_groups[0].group[0]"),
        wrong("unknown scheduler", {f"{there}.lvs_sched": "fastest"}),
        wrong("group that is not defined", nameless),
        wrong("peer of the other family", {peers: _and("fd00:c612::99")}),
        untrue("VIP on no interface", {excluded: _and(nowhere)}),
        untrue("user that does not exist", {"global_defs.script_user": "nosuchuser"}),
        untrue("route that is none", {f"{here}.virtual_routes": ["nonsense"]}),
        untrue("rule that is none", {f"{here}.virtual_rules": ["from nonsense table 7"]}),
        untrue("tracked interface that does not exist", {f"{here}.track_interface": [_NO_INTERFACE]}),
        untrue("TTL that no packet has", {peers: [{"ip": "198.18.0.99", "min_ttl": 200, "max_ttl": 100}]}),
        untrue("address on no interface", {"static_ipaddress": [nowhere]}),
        untrue(
            "quorum that is more than its limit",
            {"vrrp_track_processes": [process], f"{here}.track_process": ["web"]},
        ),
        wrong("unknown check", {f"{server}.checks": [{"type": "HTTPS_GET"}]}),
        wrong("VIP that is no address", {f"{here}.virtual_ipaddress": ["198.18.0.300/32"]}),
        wrong("VIPs of both families", {f"{here}.virtual_ipaddress": _and(SPARE_VIPS[1])}),
        wrong("master that does not preempt", {f"{here}.state": "MASTER"}, f"{here}.nopreempt"),
        wrong("VRRP on the loopback interface", {f"{here}.interface": "lo"}),
        wrong(
            "instances that hear each other",
            {"vrrp_instances": _and(first | {"name": "twin"})},
            f"vrrp_instances[{twin}].virtual_router_id",
        ),
    ]
