# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Compare what was seen on the hosts of a cluster with its plan, and say every difference in words.

A pure function of the plan (see _cluster_plan) and of what the roles' ``observe`` tasks registered.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

# ipvsadm(8): --gatewaying, --masquerading, --ipip.
_METHODS = {"dr": "-g", "nat": "-m", "tun": "-i"}

# arping(8) of iputils: "Unicast reply from 198.18.0.100 [02:00:C6:12:00:0B]  0.641ms"
_ARP_REPLY = re.compile(r"reply from (\S+) \[([0-9A-Fa-f:]{17})\]")


def compare(
    plan: Mapping[str, Any],
    directors: Mapping[str, Mapping[str, Any] | None],
    real_servers: Mapping[str, Mapping[str, Any] | None],
    served: Sequence[Mapping[str, Any]],
    firewalls: Mapping[str, Sequence[str] | None],
    conferences: Mapping[str, Sequence[str]],
    closed: Sequence[str],
    metrics: Mapping[str, Sequence[str]],
) -> dict[str, list[str]]:
    """Return ``{"faults": [...], "summary": [...]}``, lines for people.

    :param plan: what cluster_plan returned.
    :param directors: by name, ``keepalived`` (systemd's word), ``addresses`` (``ip -json address``), ``table``
        (the lines of ``ipvsadm --save --numeric``), ``vrrp`` (what the module vrrp_info returned), ``drift`` (what the
        module keepalived_table returned, which is skipped if keepalived is not active), ``arping`` (its output),
        ``drains`` (by real server what its file says, see the module real_server_drain) and ``other`` (what else is
        wrong); None for a director that did not answer.
    :param real_servers: by name, ``differences`` (commands that would mend the VIPs), ``tunnel`` (``devices`` that
        should be up, those that are ``up``, ``rp_filter`` of each that has one, and systemd's word for the ``unit``;
        empty without tunnels), ``routes`` (by gateway what ``ip -json route get`` says of somebody far away) and
        ``web`` (curl's errors); None for a real server that did not answer.
    :param served: one entry for each request to a VIP from the controller: ``vip``, ``status`` (HTTP, 0 for no
        answer), ``server`` (who answered) and ``error``.
    :param firewalls: by name, what is wrong with the packet filter of a director or real server; None for one that did
        not answer.
    :param conferences: by name, what is wrong with Janus and coturn of a real server.
    :param closed: the real servers that let no rooms in, because they are drained.
    :param metrics: by name, what is wrong with what a host has to tell Prometheus.
    """
    answering = {name: seen for name, seen in directors.items() if seen}
    addresses = [*(vip["address"] for vip in plan["vips"]), *plan["gateways"]]
    holders = {address: _holders(address, answering) for address in addresses}
    faults = [f"{name}: does not answer on ssh" for name, seen in {**directors, **real_servers}.items() if not seen]
    for name, seen in answering.items():
        if seen["keepalived"] != "active":
            faults.append(f"{name}: keepalived is {seen['keepalived']}")
        else:
            faults += [f"{name}: {line}" for line in _vrrp_faults(plan, seen["vrrp"])]
        faults += [f"{name}: {line}" for line in seen["other"]]
        faults += [f"{name}: {line}" for line in _table_faults(plan, seen)]
        faults += [f"{name}: {line}" for line in _arp_faults(name, seen["arping"], holders, answering)]
    for vip, names in holders.items():
        if len(names) != 1:
            faults.append(f"{vip}: on {len(names)} directors ({', '.join(names) or 'none'}) instead of exactly one")
    for instance in plan["vrrp"]["instances"]:
        if len({tuple(holders[vip]) for vip in instance["vips"]}) > 1:
            faults.append(f"VRRP instance {instance['name']}: its VIPs are not together on one director")
    faults += _drain_faults(plan, answering, real_servers, closed)
    for name, seen in real_servers.items():
        if seen:
            faults += [f"{name}: VIPs: `{command}` is missing" for command in seen["differences"]]
            faults += [f"{name}: tunnel: {line}" for line in _tunnel_faults(seen["tunnel"])]
            faults += [f"{name}: {line}" for line in _route_faults(plan, seen["routes"])]
            faults += [f"{name}: web server: {error}" for error in seen["web"]]
    faults += [f"{name}: packet filter: {line}" for name, lines in firewalls.items() for line in lines or ()]
    faults += [f"{name}: conference: {line}" for name, lines in conferences.items() for line in lines]
    faults += [f"{name}: monitoring: {line}" for name, lines in metrics.items() for line in lines]
    faults += _unserved(served)
    return {"faults": faults, "summary": _summary(plan, holders, answering, served)}


def _holders(address: str, directors: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Name the directors that have an address on any interface."""
    return [
        name
        for name, seen in directors.items()
        if any(entry.get("local") == address for link in seen["addresses"] for entry in link.get("addr_info", ()))
    ]


def _vrrp_faults(plan: Mapping[str, Any], vrrp: Mapping[str, Any]) -> list[str]:
    """What keeps a director whose keepalived runs from taking over, or from doing so without breaking connections."""
    if "instances" not in vrrp:
        return [f"VRRP: {vrrp.get('msg', 'nothing is known of it')}"]
    states = {instance["name"]: instance["state"] for instance in vrrp["instances"]}
    faults = [
        f"VRRP instance {name} is {states.get(name, 'not there')}, and cannot take over"
        for name in (instance["name"] for instance in plan["vrrp"]["instances"])
        if states.get(name) not in ("MASTER", "BACKUP")
    ]
    faults += [
        f"{address} is here, though VRRP instance {instance['name']} is {instance['state']}"
        for instance in vrrp["instances"]
        for address in instance["addresses_orphaned"]
    ]
    running = {daemon["role"] for daemon in vrrp["sync_daemons"]}
    faults += [
        f"no {role} sync daemon runs, so connections are not shared"
        for role in ("master", "backup")
        if role not in running
    ]
    return faults


def _endpoint(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def drained(seen: Mapping[str, Any]) -> dict[str, str]:
    """The real servers that are drained on a director, with the reasons: keepalived reads the number before them."""
    texts = {name: text.partition(" ") for name, text in seen.get("drains", {}).items()}
    return {name: reason for name, (number, _space, reason) in texts.items() if number == "-1"}


def _drain_faults(
    plan: Mapping[str, Any],
    directors: Mapping[str, Mapping[str, Any]],
    real_servers: Mapping[str, Mapping[str, Any] | None],
    closed: Sequence[str],
) -> list[str]:
    """A drained real server is none. One that is drained here and not there is, as after an interrupted drain."""
    faults = []
    for name, seen in real_servers.items():
        where = [director for director, found in directors.items() if name in drained(found)]
        others = [director for director in directors if director not in where]
        again = "run playbooks/drain.yml or playbooks/undrain.yml again"
        if where and others:
            faults.append(f"{name}: drained on {', '.join(where)} and not on {', '.join(others)}: {again}")
        elif plan["conference"] and seen and directors and (name in closed) != bool(where):
            what = "is drained, but takes rooms" if where else "is in service, but takes no rooms"
            faults.append(f"{name}: {what}: {again}")
    return faults


def expected_table(plan: Mapping[str, Any], without: Sequence[str] = ()) -> dict[str, str]:
    """Return the lines that ``ipvsadm --save --numeric`` should print, each with its meaning for people.

    :param without: the real servers that are drained.
    """
    lines, method = {}, _METHODS[plan["forwarding"]]
    for service in plan["virtual_services"]:
        where = _where(service)
        lines[f"-A {where} {_scheduling(service)}"] = f"virtual service {service['name']}"
        for server in service["real_servers"]:
            weight = 0 if server["name"] in without else server["weight"]
            line = f"-a {where} -r {_endpoint(server['address'], server['port'])} {method} -w {weight}"
            lines[line] = f"{server['name']} in {service['name']} (is it healthy?)"
    for media in plan["media_services"]:
        where, server = f"-f {media['mark']}{' -6' * (media['family'] == 'ipv6')}", media["real_server"]
        lines[f"-A {where} -s rr -o"] = f"virtual service {media['name']}"
        line = f"-a {where} -r {_endpoint(server['address'], 0)} {method} -w 1"
        lines[line] = f"{server['name']} in {media['name']}"
    return lines


def _sorry_lines(plan: Mapping[str, Any]) -> dict[str, str]:
    """Return the lines that sorry servers have while a quorum is lost; keepalived gives them weight 1."""
    method = _METHODS[plan["forwarding"]]
    return {
        f"-a {_where(service)} -r {_endpoint(service['sorry_server'], service['port'])} {method} -w 1": (
            f": sorry server of {service['name']}, which has lost its quorum of {service['quorum']}"
        )
        for service in plan["virtual_services"]
        if service["sorry_server"]
    }


def _where(service: Mapping[str, Any]) -> str:
    option = {"tcp": "-t", "udp": "-u"}[service["protocol"]]
    return f"{option} {_endpoint(service['vip'], service['port'])}"


def _scheduling(service: Mapping[str, Any]) -> str:
    """The options of a virtual service, in the order in which ipvsadm prints them."""
    persistence = service["persistence"]
    words = f"-s {service['scheduler']}"
    if persistence:
        words += f" -p {persistence}"
    if service["one_packet"]:
        words += " -o"
    if service["scheduler"] == "mh":
        words += " -b mh-fallback" if persistence else " -b mh-fallback,mh-port"
    return words


def _table_faults(plan: Mapping[str, Any], seen: Mapping[str, Any]) -> list[str]:
    """Between the kernel and keepalived, and between keepalived and the plan: so that none is told twice.

    Where it is not known what keepalived means, the kernel itself is compared with the plan.
    """
    drift = seen["drift"]
    if "expected" not in drift:
        lines = _table_differences(plan, seen, seen["table"])
        if seen["keepalived"] == "active":
            reason = drift.get("msg", "").removeprefix("Nothing was changed: ")
            lines.insert(0, f"IPVS table: not compared with keepalived: {reason}")
        return lines
    lines = [f"IPVS table differs from keepalived: {line}" for line in drift["differences"]]
    lines += [f"keepalived does not run with what its file says: {line}" for line in drift["unread"]]
    return lines + _table_differences(plan, seen, drift["expected"])


def _table_differences(plan: Mapping[str, Any], seen: Mapping[str, Any], table: Sequence[str]) -> list[str]:
    expected, sorry = expected_table(plan, list(drained(seen))), _sorry_lines(plan)
    # The type of tunnel that is the default may be named or not, as ipvsadm and the kernel like.
    found = {" ".join(line.split()).removesuffix(" --tun-type ipip") for line in table if line.strip()}
    missing = [f"IPVS table: missing `{line}`: {meaning}" for line, meaning in expected.items() if line not in found]
    unexpected = sorted(found - set(expected))
    return missing + [f"IPVS table: unexpected `{line}`{sorry.get(line, '')}" for line in unexpected]


def _arp_faults(
    name: str, output: str, holders: Mapping[str, list[str]], directors: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Exactly one MAC address may answer ARP for a VIP, the holder's; the holder itself must hear nobody."""
    answers: dict[str, set[str]] = {}
    for vip, mac in _ARP_REPLY.findall(output):
        answers.setdefault(vip, set()).add(mac.lower())
    faults = []
    for vip, names in holders.items():
        if ":" in vip:
            continue  # neighbour discovery: the real servers' own rules are checked instead
        right = {mac for holder in names if holder != name for mac in _macs(vip, directors[holder])}
        heard = answers.get(vip, set())
        faults += [f"{mac} answers ARP for {vip} and is not its director's" for mac in sorted(heard - right)]
        if right and not heard:
            faults.append(f"nobody answers ARP for {vip}")
    return faults


def _macs(address: str, seen: Mapping[str, Any]) -> set[str]:
    return {
        link["address"].lower()
        for link in seen["addresses"]
        if any(entry.get("local") == address for entry in link.get("addr_info", ()))
    }


def _tunnel_faults(tunnel: Mapping[str, Any]) -> list[str]:
    """What a real server lacks to take packets out of tunnels, now and after a reboot."""
    if not tunnel:
        return []
    faults = [f"{device} is not up" for device in tunnel["devices"] if device not in tunnel["up"]]
    faults += [
        f"{setting} is {value}: packets are dropped, as their answers go another way"
        for setting, value in tunnel["rp_filter"].items()
        if value != "0"
    ]
    if tunnel["unit"] != "active enabled":
        faults.append(f"lvs-tunnel.service is {tunnel['unit']}")
    return faults


def _route_faults(plan: Mapping[str, Any], routes: Mapping[str, str]) -> list[str]:
    """The active director undoes NAT, and nobody else, so every answer must go there."""
    faults = []
    for gateway in plan["gateways"]:
        hops = [route.get("gateway", "nobody") for route in json.loads(routes[gateway] or "[]")] or ["nowhere"]
        if hops != [gateway]:
            faults.append(
                f"answers go to {hops[0]} and not to the active director: its default route must be {gateway}"
            )
    return faults


def _unserved(served: Sequence[Mapping[str, Any]]) -> list[str]:
    """One line for each VIP that did not answer every request."""
    requests: dict[str, list[Mapping[str, Any]]] = {}
    for each in served:
        requests.setdefault(each["vip"], []).append(each)
    faults = []
    for vip, every in requests.items():
        if bad := [each for each in every if each["status"] != 200]:
            why = sorted({each["error"] or f"status {each['status']}" for each in bad})[0]
            faults.append(f"{vip}: {len(bad)} of {len(every)} HTTPS requests failed: {why}")
    return faults


def _summary(
    plan: Mapping[str, Any],
    holders: Mapping[str, list[str]],
    directors: Mapping[str, Mapping[str, Any]],
    served: Sequence[Mapping[str, Any]],
) -> list[str]:
    lines = [f"https://{plan['domain']}/"]
    homes = _homes(plan)
    for vip, names in holders.items():
        who = sorted({each["server"] for each in served if each["vip"] == vip and each["status"] == 200})
        home = f" (home {homes[vip]})" if homes else ""
        serves = "gateway" if vip in plan["gateways"] else f"answered by {', '.join(who) or 'nobody'}"
        lines.append(f"{vip} on {', '.join(names) or 'no director'}{home}, {serves}")
    standby = [name for name in directors if not any(name in names for names in holders.values())]
    lines.append(f"standby: {', '.join(standby) or 'none'}")
    names = {server["name"] for server in plan["real_servers"]}
    told = [drained(seen) for seen in directors.values()]
    # Of one that has left for good, a file may be left.
    reasons = {name: reason for each in told for name, reason in each.items() if name in names}
    if reasons:
        lines.append(f"drained: {', '.join(f'{name} ({why})' if why else name for name, why in reasons.items())}")
    if not any((service["protocol"], service["port"]) == ("tcp", 443) for service in plan["virtual_services"]):
        lines.append("no VIP was asked, as none offers HTTPS on port 443")
    if away := [vip for vip, home in homes.items() if holders[vip] != [home]]:
        lines.append(f"not at home: {', '.join(away)}")
    return lines


def _homes(plan: Mapping[str, Any]) -> dict[str, str]:
    """The home of each VIP; of none if they all have the same, because then it hardly matters where they are."""
    instances = plan["vrrp"]["instances"]
    if len(instances) < 2:
        return {}
    homes = {vip: instance["home"] for instance in instances for vip in instance["vips"]}
    return {vip["address"]: homes[vip["address"]] for vip in plan["vips"]}
