# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: cluster_plan
short_description: Derive the plan of an LVS cluster from the inventory
version_added: 0.1.0
author: lautan.lvs contributors
description:
  - Derives from the few facts that an operator states everything that roles need to know about the cluster.
    These are VRRP instances with their priorities, virtual services with their real servers,
    and for each real server a range of UDP ports and a packet mark.
  - Finds all mistakes of the description at once, before any host is touched.
    Each is one line that names the variable, its value, and the host.
  - Reads only the variables listed below, and those only on hosts of the two groups. Of hosts that collect metrics,
    which may be anywhere, it reads the address.
notes:
  - Variables of the whole cluster must have the same value on all hosts of the two groups.
    The best place for them is C(group_vars/all.yml).
    They are C(lvs_domain) (required, the DNS name that browsers use),
    C(lvs_networks) (required, list of at most one network of each address family in CIDR notation,
    the one LAN segment of all hosts and virtual IPs),
    C(lvs_vips) (required, list of virtual IP addresses, at least one of them IPv4),
    C(lvs_forwarding) (how packets get to real servers, V(dr) for direct routing, V(nat), or V(tun) for tunnels,
    default V(dr)),
    C(lvs_nat_gateways) (list of at most one address of each address family, on the segment and nobody's own, which move
    with the virtual IPs. Required for V(nat), where real servers answer through them, and not used otherwise),
    C(lvs_vrid) (1 to 255, default V(50), the VRID of the first VRRP instance; further ones count up from it),
    C(lvs_vrids_taken) (list of VRIDs that other VRRP routers on the segment use, default V([])),
    C(lvs_scheduler) (IPVS scheduler, default V(mh)),
    C(lvs_media_first_port) (UDP port, default V(20000)),
    C(lvs_media_ports_per_server) (number of UDP ports, at least V(4), default V(1000)),
    C(lvs_vacant_places) (list of places in the list of real servers, counted from V(1), which those have left who were
    there, default V([]). The other real servers keep their places),
    C(lvs_tls_certificate) and C(lvs_tls_private_key) (absolute paths on the controller, both or neither).
  - >-
    Another variable of the whole cluster is C(lvs_services), the list of services that each virtual IP offers, default
    V([{name: https, port: 443, check: https}, {name: http, port: 80, check: http}]).
    All real servers serve each of them.
    A list that is set takes the place of the default, so it names these two again if they are wanted.
    The keys of a service are
    C(name) (required, unique, letters, digits and V(.), V(_), V(-)),
    C(protocol) (V(tcp) or V(udp), default V(tcp)),
    C(port) (required, 1 to 65535, unique for the protocol; a UDP port must not be one of the media ports),
    C(real_port) (the port on the real servers, default the value of C(port); only V(nat) can change it),
    C(scheduler) (IPVS scheduler, default the value of C(lvs_scheduler)),
    C(persistence) (seconds for which a client gets the same real server again, up to 2678400, default V(0), none),
    C(one_packet) (whether each packet is scheduled on its own, for UDP only, default V(false)),
    C(check) (V(http) or V(https) for a page that must come with status 200, V(tcp) for a connection,
    V(stun) for a STUN Binding Request over UDP (RFC 8489), V(none) for no check;
    default V(tcp) for TCP, required for UDP),
    C(check_path) (path that V(http) and V(https) ask for, default V(/lb-ok);
    for V(http) on port 80 and V(https) on port 443, where the role C(web) answers, it is V(/lb-ok/) with the
    virtual IP behind it, which only a real server that has the virtual IP answers with status 200;
    not with V(nat)),
    C(check_content) (text that the answer to V(http) and V(https) must contain, as it stands and no regular expression,
    1 to 200 printable ASCII characters; it is looked for in the headers, too),
    C(quorum) (the quorum is lost when the weights of the healthy real servers together are less, at least V(1) and
    at most the weights of all real servers together, default V(1)),
    C(sorry_server) (address of the host that gets everything while the quorum is lost, or a list of one IPv4 and one
    IPv6 address; a host of its own, in a place and set up as a real server is. All real servers are
    then taken out, healthy ones as well. The service's port may be written behind it, no other one).
  - >-
    C(lvs_conference) says whether there is a conference, which needs V(dr), default V(true). It adds TURN over TCP on
    port 3478 and over TLS on port 5349 to the services, unless a service has the port, and sends the media ports of
    each real server there. TURN comes to port 443, too, where C(lvs_turn_domain) (a DNS name of its own, default
    V(turn.) and the value of C(lvs_domain)) tells it from HTTPS.
    C(lvs_rooms) is the list of rooms, default V([]).
    The keys of a room are
    C(name) (required, unique, in the address of the room, of V(a-z), V(0-9) and V(-), at most 63),
    C(title) (what people see, 1 to 100 characters, default the value of C(name)),
    C(pin) (what people must know to come in, text of 1 to 64 ASCII characters without spaces, default none),
    C(moderator_pin) (what a moderator must know, like C(pin) and another one, default none, and then nobody can
    moderate),
    C(people) (how many can be in the room, 2 to 50, default V(12); each takes two of the media ports of one real
    server),
    C(bitrate) (bits per second of what each of them sends, 64000 to 4000000, default V(600000)).
  - Variables of a host are
    C(lvs_address) (its IPv4 address on the segment, by default C(ansible_host) or the inventory name,
    whichever is an IPv4 address; with V(tun) real servers may be anywhere else),
    C(lvs_address6) (its IPv6 address on the segment, required on every host when there is an IPv6 virtual IP),
    C(lvs_home_vips) (directors only, list of those of C(lvs_vips) that are at home on this director),
    C(lvs_weight) (real servers only, 0 to 65535, V(0) is drained, default V(1)),
    C(lvs_media_ports) (real servers only, UDP ports such as V(20000-20999)).
    Without C(lvs_media_ports) the ports follow from the place of the host in the group, as the packet mark always does.
    When a real server is removed, name its place in C(lvs_vacant_places), or those of the hosts behind it move.
  - A virtual IP that no director names in C(lvs_home_vips) is at home on the first director.
    The virtual IPs of one home are one VRRP instance and move together, those of another home move on their own.
    The adverts of a home name the first IPv4 one of its virtual IPs, in the order of C(lvs_vips), so it must have one.
  - Any other variable whose name begins with C(lvs_) is reported as a typing error.
  - Marks V(1001) and up, one for each real server, must not be used for anything else on directors.
    The C(nftables_ipvs) of keepalived counts its own marks up from V(1000) unless told otherwise.
requirements:
  - netaddr (on the controller)
positional: _input, groups
options:
  _input:
    description: The variable C(hostvars). Values are templated on access, each in the context of its own host.
    type: dict
    required: true
  groups:
    description:
      - The variable C(groups), host names by group. The order of the hosts decides on priorities, ports and marks.
    type: dict
    required: true
  directors_group:
    description: Name of the group of directors.
    type: str
    default: directors
  real_servers_group:
    description: Name of the group of real servers.
    type: str
    default: real_servers
  monitoring_group:
    description: Name of the group of hosts that collect metrics. There need not be one.
    type: str
    default: monitoring
  leaving:
    description:
      - The name of a real server that is still in the group and about to leave the cluster. Nothing is planned for it,
        and its place stays vacant. Empty if none is.
    type: str
    default: ""
seealso:
  - name: ipvsadm(8)
    description: Schedulers, weights and forwarding methods.
    link: https://manpages.debian.org/stable/ipvsadm/ipvsadm.8.en.html
  - name: RFC 5798
    description: VRRP version 3, with the rules for VRIDs and priorities.
    link: https://www.rfc-editor.org/rfc/rfc5798
"""

EXAMPLES = r"""
# inventory/group_vars/all.yml:
#   lvs_domain: meet.example.org
#   lvs_networks: [198.18.0.0/24]
#   lvs_vips: [198.18.0.100]
#
# And, beside a web server, a TURN server over UDP and TCP:
#   lvs_services:
#     - {name: https, port: 443, check: https}
#     - {name: http, port: 80, check: http}
#     - {name: turn-udp, protocol: udp, port: 3478, check: stun}
#     - {name: turn-tcp, port: 3478, persistence: 300}

- name: Check the description and keep the plan for the plays that follow
  hosts: directors:real_servers
  gather_facts: false
  tasks:
    - name: Derive the plan
      ansible.builtin.set_fact:
        lvs_plan: "{{ hostvars | lautan.lvs.cluster_plan(groups) }}"

- name: Use groups of other names
  hosts: edge:media
  gather_facts: false
  tasks:
    - name: Derive the plan
      ansible.builtin.set_fact:
        lvs_plan: "{{ hostvars | lautan.lvs.cluster_plan(groups, directors_group='edge', real_servers_group='media') }}"
"""

RETURN = r"""
_value:
  description:
    - The plan. Lists are in inventory order, addresses in canonical spelling.
  type: dict
  contains:
    domain:
      description: The DNS name that browsers use, in lower case.
      type: str
      sample: meet.example.org
    vips:
      description: The virtual IPs, in the order given.
      type: list
      elements: dict
      contains:
        address:
          description: IP address.
          type: str
        family:
          description: V(ipv4) or V(ipv6).
          type: str
        host_prefix:
          description: Prefix length of the single address, V(32) or V(128).
          type: int
        network:
          description: The segment's network of this family.
          type: str
      sample: [{address: 198.18.0.100, family: ipv4, host_prefix: 32, network: 198.18.0.0/24}]
    forwarding:
      description: V(dr), V(nat) or V(tun).
      type: str
      sample: dr
    gateways:
      description: With V(nat) the addresses through which real servers answer, otherwise none.
      type: list
      elements: str
      sample: []
    networks:
      description: The segment's networks by family. A family without network has no key.
      type: dict
      sample: {ipv4: 198.18.0.0/24}
    vrrp:
      description: VRRP as all directors see it.
      type: dict
      contains:
        instances:
          description: The VRRP instances, one for each director that is the home of virtual IPs.
          type: list
          elements: dict
          contains:
            name:
              description: V(lvs_) and the VRID.
              type: str
            vrid:
              description: The virtual router ID, C(lvs_vrid) or one of those that follow it.
              type: int
            home:
              description: The name of the director that is the home.
              type: str
            vips:
              description: The addresses that move together, in the order of C(lvs_vips), C(gateways) behind them.
              type: list
              elements: str
      sample: {instances: [{name: lvs_50, vrid: 50, home: d1, vips: [198.18.0.100]}]}
    scheduler:
      description: IPVS scheduler.
      type: str
      sample: mh
    directors:
      description: The directors.
      type: list
      elements: dict
      contains:
        name:
          description: Name in the inventory.
          type: str
        address:
          description: IPv4 address on the segment.
          type: str
        address6:
          description: IPv6 address on the segment, V(null) if it has none.
          type: str
        vrrp_instances:
          description:
            - The C(name), C(vrid) and C(vips) of each VRRP instance, and the C(priority) of this director in it.
            - Each of the C(vips) is like one of the plan's C(vips).
            - The priority is V(254) for the home, V(253) for the first one of the others, and so on.
          type: list
          elements: dict
      sample:
        - name: d1
          address: 198.18.0.1
          address6: null
          vrrp_instances:
            - name: lvs_50
              vrid: 50
              priority: 254
              vips: [{address: 198.18.0.100, family: ipv4, host_prefix: 32, network: 198.18.0.0/24}]
    real_servers:
      description: The real servers.
      type: list
      elements: dict
      contains:
        name:
          description: Name in the inventory.
          type: str
        address:
          description: IPv4 address on the segment.
          type: str
        address6:
          description: IPv6 address on the segment, V(null) if it has none.
          type: str
        weight:
          description: Weight, V(0) if drained.
          type: int
        media:
          description:
            - C(first) and C(last) of its UDP ports, and the packet C(mark) that directors give to packets for them.
          type: dict
      sample:
        - name: rs1
          address: 198.18.0.11
          address6: null
          weight: 1
          media: {first: 20000, last: 20999, mark: 1001}
    vacant_places:
      description: The places before the last real server that nobody has, for C(lvs_vacant_places).
      type: list
      elements: int
      sample: []
    virtual_services:
      description: The virtual services, each service for each virtual IP.
      type: list
      elements: dict
      contains:
        name:
          description:
            - Unique name, such as V(https-ipv4), with V(-2) appended for the second virtual IP of the family and so on.
          type: str
        vip:
          description: Virtual IP.
          type: str
        family:
          description: V(ipv4) or V(ipv6).
          type: str
        port:
          description: Port on the virtual IP.
          type: int
        protocol:
          description: V(tcp) or V(udp).
          type: str
        scheduler:
          description: IPVS scheduler.
          type: str
        persistence:
          description: Persistence timeout in seconds, V(0) for none.
          type: int
        one_packet:
          description: Whether each packet is scheduled on its own.
          type: bool
        check:
          description: Kind of health check, V(http), V(https), V(tcp), V(stun) or V(none).
          type: str
        check_path:
          description: Path of an HTTP or HTTPS check, V(null) for others.
          type: str
        check_content:
          description: Text that the answer to an HTTP or HTTPS check must contain, V(null) for none.
          type: str
        quorum:
          description: Sum of the weights of healthy real servers below which the quorum is lost.
          type: int
        sorry_server:
          description: Address (of the same family) of the sorry server, V(null) for none.
          type: str
        real_servers:
          description: The C(name), C(address) (of the same family), C(port) and C(weight) of each real server.
          type: list
          elements: dict
    media_services:
      description: For each real server and each family of virtual IPs, the service by packet mark for its media ports.
      type: list
      elements: dict
      contains:
        name:
          description: Unique name.
          type: str
        mark:
          description: The packet mark, C(media.mark) of the real server. IPVS has one service for each family.
          type: int
        family:
          description: V(ipv4) or V(ipv6).
          type: str
        vips:
          description: The virtual IPs of the family.
          type: list
          elements: str
        first:
          description: The first UDP port.
          type: int
        last:
          description: The last UDP port.
          type: int
        real_server:
          description: The C(name) and the C(address) (of the same family) of the one real server.
          type: dict
      sample:
        - name: media-rs1-ipv4
          mark: 1001
          family: ipv4
          vips: [198.18.0.100]
          first: 20000
          last: 20999
          real_server: {name: rs1, address: 198.18.0.11}
    conference:
      description: The conference, V(null) if there is none.
      type: dict
      contains:
        rooms:
          description: C(name), C(title), C(pin), C(secret), C(publishers) and C(bitrate) of each room, as in Janus.
          type: list
          elements: dict
        turn_domain:
          description: The DNS name by which TURN is told from HTTPS on port 443.
          type: str
        turn_relay:
          description: C(first) and C(last) of the UDP ports from which real servers relay media for TURN clients.
          type: dict
        rooms_ring:
          description: The C(name) and IPv4 C(address) of each real server; the order decides who has which room.
          type: list
          elements: dict
    monitoring:
      description:
        - The C(name) and the IPv4 C(address) of each of the C(hosts) that collect metrics, and the C(port) they ask.
      type: dict
      sample: {hosts: [{name: monitor, address: 198.18.0.41}], port: 9100}
    firewall:
      description:
        - By the name of each director and real server, what it must let in. Each rule has C(comment), C(family),
          C(protocol), C(sources), C(destinations) and C(ports), as the role C(firewall) wants them.
      type: dict
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ansible.errors import AnsibleError, AnsibleFilterError
from ansible.module_utils.basic import missing_required_lib
from jinja2 import TemplateError, Undefined

from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_plan import (
    CLUSTER_VARIABLES,
    HOST_VARIABLES,
    NETADDR_IMPORT_ERROR,
    OTHER_VARIABLES,
    SECRET_VARIABLES,
    Description,
    PlanError,
    Unusable,
    hosts_shown,
    plan,
    shown,
)


def cluster_plan(
    hostvars: Mapping[str, Mapping[str, Any]],
    groups: Mapping[str, list[str]],
    directors_group: str = "directors",
    real_servers_group: str = "real_servers",
    monitoring_group: str = "monitoring",
    leaving: str = "",
) -> dict[str, Any]:
    """The filter: collect the description from the inventory, and hand it to the pure ``plan()``.

    Raises AnsibleFilterError with all mistakes, or when the library netaddr is missing.
    """
    if NETADDR_IMPORT_ERROR is not None:
        reason = "by the filter lautan.lvs.cluster_plan, on the controller"
        raise AnsibleFilterError(missing_required_lib("netaddr", reason=reason)) from NETADDR_IMPORT_ERROR
    for name, value in (("input (hostvars)", hostvars), ("argument groups", groups)):
        if not isinstance(value, Mapping):
            raise AnsibleFilterError(f"The {name} of lautan.lvs.cluster_plan must be a mapping, not {shown(value)}.")
    try:
        description = _describe(hostvars, groups, directors_group, real_servers_group, monitoring_group)
        return plan(replace(description, leaving=_plain(leaving)))
    except PlanError as exc:
        raise AnsibleFilterError(str(exc)) from exc


def _describe(
    hostvars: Mapping[str, Mapping[str, Any]],
    groups: Mapping[str, list[str]],
    directors_group: str,
    real_servers_group: str,
    monitoring_group: str,
) -> Description:
    """Pick what the plan needs out of ``hostvars``; a value that cannot be had becomes ``Unusable``."""
    directors = [str(host) for host in groups.get(directors_group, [])]
    real_servers = [str(host) for host in groups.get(real_servers_group, [])]
    # One look-up for each host: every hostvars[host] merges all variables of that host anew.
    variables = {host: hostvars[host] for host in dict.fromkeys(directors + real_servers)}
    if variables:
        cluster = {
            name: _agreed(name, {host: _read(of_host, name) for host, of_host in variables.items()})
            for name in sorted(CLUSTER_VARIABLES)
        }
    else:
        # Without hosts there is nowhere to read from, which says nothing about these variables.
        cluster = {name: Unusable() for name in CLUSTER_VARIABLES}
    # What the variables of the cluster are on these does not matter.
    monitoring = [str(host) for host in groups.get(monitoring_group, [])]
    variables |= {host: hostvars[host] for host in monitoring if host not in variables}
    hosts = {host: _host(host, of_host) for host, of_host in variables.items()}
    return Description(
        cluster=cluster,
        directors=[hosts[name] for name in directors],
        real_servers=[hosts[name] for name in real_servers],
        monitoring=[hosts[name] for name in monitoring],
        directors_group=directors_group,
        real_servers_group=real_servers_group,
    )


def _host(host: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of one host, and the names of variables that nobody knows."""
    facts: dict[str, Any] = {"name": host}
    for name in ("ansible_host", *sorted(HOST_VARIABLES)):
        value = _read(variables, name)
        if isinstance(value, Unusable):
            value = Unusable(f"{name} on {hosts_shown([host])}: {value.mistake}")
        facts[name] = value
    for name in variables:
        if name.startswith("lvs_") and name not in CLUSTER_VARIABLES | HOST_VARIABLES | OTHER_VARIABLES:
            # Only the name: a variable that itself refers to the plan would recurse without end if it were read.
            facts[str(name)] = Unusable()
    return facts


def _agreed(name: str, values: Mapping[str, Any]) -> Any:
    """The one value that all hosts have for a variable of the cluster, or what they disagree on."""
    camps: list[tuple[Any, list[str]]] = []
    for host, value in values.items():
        for of_camp, hosts in camps:
            # The type too, as True == 1.
            if type(of_camp) is type(value) and of_camp == value:
                hosts.append(host)
                break
        else:
            camps.append((value, [host]))
    if len(camps) == 1:
        value, hosts = camps[0]
        return Unusable(f"{name} on {hosts_shown(hosts)}: {value.mistake}") if isinstance(value, Unusable) else value
    said = "; ".join(
        f"{'another value' if name in SECRET_VARIABLES else _said(value)} on {hosts_shown(hosts)}"
        for value, hosts in camps
    )
    return Unusable(f"{name} must be the same on all hosts, for it describes the whole cluster: {said}")


def _said(value: object) -> str:
    if isinstance(value, Unusable):
        return value.mistake
    return "not set" if value is None else shown(value)


def _read(variables: Mapping[str, Any], name: str) -> Any:
    """The plain value of a variable, ``None`` if the host does not have it, ``Unusable`` if templating fails."""
    if name not in variables:
        return None
    try:
        return _plain(variables[name])
    except (AnsibleError, TemplateError) as exc:
        return Unusable("cannot be read: " + " ".join(str(exc).split()))


def _plain(value: Any) -> Any:
    """Plain Python data in place of Ansible's tagged and lazy types; reading a lazy value may fail here."""
    if isinstance(value, Undefined):
        # Within a template a failure to template something else is not raised but returned, to be raised on use.
        str(value)
    if isinstance(value, Mapping):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_plain(item) for item in value]
    for plain_type in (bool, int, float, str):
        if isinstance(value, plain_type):
            return plain_type(value)
    return value


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"cluster_plan": cluster_plan}
