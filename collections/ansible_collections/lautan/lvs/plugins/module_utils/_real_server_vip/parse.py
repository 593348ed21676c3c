# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""What programs and files of the host say, as values of the model."""

from __future__ import annotations

import fnmatch
import json
import re
from ipaddress import ip_address
from typing import Any, Iterable, Mapping

from ansible_collections.lautan.lvs.plugins.module_utils._real_server_vip.model import (
    GUARD_TABLE,
    IP,
    Address,
    GuardPart,
    Link,
    NetworkdLink,
    SysctlSetting,
    Unit,
)
from ansible_collections.lautan.lvs.plugins.module_utils._real_server_vip.render import (
    DROP_ADVERTISEMENT,
    DROP_SOLICITATION,
    REWRITE_SOLICITATION,
)

# What ip(8) prints for an infinite lifetime: INFINITY_LIFE_TIME of linux/if_addr.h
_FOREVER = 2**32 - 1
_FLAGS = ("dadfailed", "dynamic", "nodad", "secondary", "temporary", "tentative")

_NETWORKD_ADDRESS = re.compile(r"^Address=(\S+)/\d+$", re.MULTILINE)
_HOOK_ADDRESS = re.compile(r"^ip (?:-6 )?address replace (\S+)/\d+ ", re.MULTILINE)


def ip_addresses(text: str) -> tuple[dict[str, Link], tuple[Address, ...]]:
    """``ip -json -details address``."""
    links, addresses = {}, []
    for entry in json.loads(text):
        name = entry["ifname"]
        links[name] = Link(name, entry["ifindex"], "LOOPBACK" in entry["flags"])
        for info in entry.get("addr_info", ()):
            if "local" not in info:
                continue
            address = Address(
                interface=name,
                ip=ip_address(info["local"]),
                prefix=info["prefixlen"],
                scope=str(info["scope"]),
                permanent=info.get("valid_life_time", _FOREVER) == _FOREVER,
                preferred=info.get("preferred_life_time", _FOREVER) != 0,
                flags=frozenset(flag for flag in _FLAGS if info.get(flag)),
            )
            addresses.append(address)
    return links, tuple(addresses)


def key_values(text: str) -> dict[str, str]:
    """Lines ``KEY=VALUE``, as systemctl show and the files of systemd-networkd have them."""
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return {key.strip(): value.strip() for key, value in pairs}


def networkd_link(text: str) -> NetworkdLink:
    """A file of /run/systemd/netif/links."""
    values = key_values(text)
    return NetworkdLink(values.get("ADMIN_STATE", ""), values.get("NETWORK_FILE") or None)


def unit(text: str) -> Unit:
    """``systemctl show`` of the guard's unit and of another that is to know its files, in this order."""
    first, _separator, second = text.partition("\n\n")
    values = key_values(first)
    return Unit(
        loaded=values.get("LoadState") == "loaded",
        active=values.get("ActiveState") == "active",
        enabled=values.get("UnitFileState") == "enabled",
        needs_reload="yes" in (values.get("NeedDaemonReload"), key_values(second).get("NeedDaemonReload")),
    )


def recorded_vips(text: str) -> set[IP]:
    """The VIPs in a networkd drop-in or an ifupdown hook that this module once wrote."""
    return {
        ip
        for pattern in (_NETWORKD_ADDRESS, _HOOK_ADDRESS)
        for ip in map(_ip_or_none, pattern.findall(text))
        if ip is not None
    }


def _ip_or_none(text: str) -> IP | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def sysctl_settings(files: Iterable[tuple[str, str]], keys: Iterable[str]) -> tuple[SysctlSetting, ...]:
    """What sysctl.d files, given as (path, text) in the order of their names, set these keys to.

    A pattern counts for the keys that no line names in full, as sysctl.d(5) says.
    """
    wanted = list(keys)
    lines = [(path, *setting) for path, text in files for setting in _sysctl_lines(text)]
    named = {key for _path, key, _value in lines}
    return tuple(
        SysctlSetting(path, key, value)
        for path, pattern, value in lines
        for key in wanted
        if key == pattern or (key not in named and fnmatch.fnmatchcase(key, pattern))
    )


def _sysctl_lines(text: str) -> Iterable[tuple[str, str]]:
    for line in text.splitlines():
        key, separator, value = line.strip().partition("=")
        if separator and not key.startswith(("#", ";")):
            yield _dotted(key.strip().lstrip("-").strip()), value.strip()


def _dotted(key: str) -> str:
    """``net/ipv4/conf/eth0.5/x`` and ``net.ipv4.conf.eth0/5.x`` are the same: the first separator decides."""
    first = re.search(r"[./]", key)
    return key.translate(str.maketrans("./", "/.")) if first and first.group() == "/" else key


def has_guard(text: str) -> bool:
    """``nft -j list tables ip6``."""
    tables = (item["table"] for item in json.loads(text)["nftables"] if "table" in item)
    return any(table["family"] == "ip6" and table["name"] == GUARD_TABLE for table in tables)


def guard(text: str) -> tuple[GuardPart, ...]:
    """``nft -j list table ip6 NAME``. A rule that the guard does not have is told as it is, so that it differs."""
    parts: list[GuardPart] = []
    for item in json.loads(text)["nftables"]:
        if "chain" in item:
            parts.append(_chain(item["chain"]))
        elif "rule" in item:
            parts.append(_rule(item["rule"]))
        elif not item.keys() & {"metainfo", "table"}:
            parts.append(("unknown", json.dumps(item, sort_keys=True)))
    return tuple(sorted(parts))


def _chain(chain: Mapping[str, Any]) -> GuardPart:
    return ("chain", *(str(chain.get(key)) for key in ("name", "type", "hook", "prio", "policy")))


def _rule(rule: Mapping[str, Any]) -> GuardPart:
    # Counters count: they are no part of what a rule is.
    expressions = [item for item in rule["expr"] if "counter" not in item]
    matches = dict(_match(item["match"]) for item in expressions if "match" in item)
    actions = [item for item in expressions if "match" not in item]
    chain = rule["chain"]
    if len(expressions) == 3 and len(matches) == 2 and len(actions) == 1:
        kind, target, source = (matches.get(key, "") for key in ("type", "target", "source"))
        if "drop" in actions[0] and target and kind == "nd-neighbor-solicit":
            return chain, DROP_SOLICITATION, target
        if "drop" in actions[0] and target and kind == "nd-neighbor-advert":
            return chain, DROP_ADVERTISEMENT, target
        mangle = actions[0].get("mangle")
        if mangle and source and kind == "nd-neighbor-solicit" and _field(mangle["key"]) == "source":
            return chain, REWRITE_SOLICITATION, source, str(mangle["value"])
    return chain, "unknown", json.dumps(rule["expr"], sort_keys=True)


def _match(match: Mapping[str, Any]) -> tuple[str, str]:
    name, value = _field(match["left"]), match["right"]
    if match["op"] != "==" or isinstance(value, (dict, list)):
        return "unknown", "unknown"
    if name == "target":
        # nft 1.0 does not know the field and shows the number; nft 1.1 shows the address.
        number = int(str(value), 0) if str(value).isdigit() or str(value).startswith("0x") else None
        value = _ip_or_none(value) if number is None else ip_address(number.to_bytes(16, "big"))
    return name, str(value)


def _field(expression: Any) -> str:
    payload = expression.get("payload", {}) if isinstance(expression, dict) else {}
    if payload == {"protocol": "icmpv6", "field": "type"}:
        return "type"
    if payload == {"protocol": "ip6", "field": "saddr"}:
        return "source"
    if payload in ({"protocol": "icmpv6", "field": "taddr"}, {"base": "th", "offset": 64, "len": 128}):
        return "target"
    return "unknown"
