# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Only its documentation: plugins/action/ipvs_table.py does it, on the controller.

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_table
short_description: Make the kernel's IPVS table what a document says
version_added: 0.1.0
author:
  - lautan.lvs contributors (@lautan)
description:
  - Takes virtual services with their real servers, compares them with the kernel's IPVS table,
    and makes the smallest change. A changed weight is an edit, never a removal and an addition.
    Services and real servers that are as they should be, and their connections, are not touched.
  - What is not in the document stays, unless O(purge) says otherwise.
  - Services are served all the time. Services are edited and added first, then real servers are added,
    then those are edited that stay in service. Only when all of that has succeeded,
    real servers get the weight V(0) and real servers and services are removed.
  - However many rules change, C(ipvsadm) is started once to read, and once to write and to read again.
    It is started twice to write if the change both adds and takes away. Without a change it is started once in all.
  - This is an action. Everything but C(ipvsadm) runs on the controller, and the host needs no Python.
    Each start of C(ipvsadm) is one remote command, or a few if much is written without pipelining.
    There are more where the host has to be asked for the name of a port,
    or whether the kernel has a scheduler that no service uses yet.
options:
  services:
    description:
      - The virtual services, each a dictionary. Their order has no meaning.
      - RV(lautan.lvs.ipvs_info#module:services) is such a list, and P(lautan.lvs.ipvs_document#filter) makes one
        of a shell script of C(ipvsadm) lines.
      - An option that is left out, or null, has the default that is given here, which is that of ipvsadm(8).
        It does not mean that the kernel's value is kept.
    type: list
    elements: raw
    required: true
    suboptions:
      protocol:
        description:
          - The protocol, V(tcp), V(udp) or V(sctp).
          - Either O(services[].protocol), O(services[].address) and O(services[].port) are needed,
            or O(services[].fwmark).
        type: str
      address:
        description: The address of the service, IPv4 or IPv6, without brackets and prefix length.
        type: str
      port:
        description:
          - The port, from V(0) to V(65535), or its name in the host's C(/etc/services) for O(services[].protocol).
          - V(0) is all ports that no other service has. It needs O(services[].persistence_timeout).
        type: raw
      fwmark:
        description: The firewall mark of the packets that are for this service, from V(1) to V(4294967295).
        type: raw
      family:
        description:
          - The address family of the packets with O(services[].fwmark), V(ipv4) or V(ipv6). The default is V(ipv4).
          - The same mark may have a service of each family.
        type: str
      scheduler:
        description:
          - The scheduler, one of V(rr), V(wrr), V(lc), V(wlc), V(lblc), V(lblcr), V(dh), V(sh), V(mh), V(sed), V(nq),
            V(fo), V(ovf) and V(twos). The default is V(wlc).
          - The kernel has it in a module of its own, C(ip_vs_wlc) for V(wlc), and loads that by itself.
        type: str
      scheduler_flags:
        description:
          - Flags of the scheduler. For V(sh) they are V(sh-port) and V(sh-fallback),
            for V(mh) they are V(mh-port) and V(mh-fallback), for others V(flag-1), V(flag-2) and V(flag-3).
        type: list
        elements: str
      persistence_timeout:
        description:
          - Seconds, from V(1) to V(2678400), for which a client is sent to the same real server as before.
          - Left out, the service is not persistent.
        type: int
      persistence_netmask:
        description:
          - Which clients count as one. For IPv4 a prefix length from V(0) to V(32) or a netmask such as
            V(255.255.255.0), for IPv6 a prefix length from V(1) to V(128). The default is the whole address.
          - Needs O(services[].persistence_timeout).
        type: raw
      persistence_engine:
        description: The persistence engine, V(sip). Left out, persistence goes by the client's address.
        type: str
      one_packet:
        description:
          - Whether each packet is scheduled by itself, without an entry in the table of connections.
          - For V(udp) and O(services[].fwmark) only. The default is V(false).
        type: bool
      real_servers:
        description: The real servers of the service, each a dictionary. The default is none.
        type: list
        elements: dict
        suboptions:
          address:
            description: The address of the real server, a unicast address.
            type: str
            required: true
          port:
            description:
              - The port on the real server, a number or a name. The default is the port of the service.
              - Only O(services[].real_servers[].method=nat) can have another one.
              - With O(services[].fwmark) it is a number, and the default is V(0), the port that the packet has.
            type: raw
          method:
            description:
              - How packets get to the real server. V(dr) is direct routing, V(nat) masquerading, V(tun) a tunnel.
                The default is V(dr).
              - Only V(tun) can reach a real server of the other address family, and only while no sync daemon runs.
            type: str
          weight:
            description:
              - The weight, from V(0) to V(65535). The default is V(1).
              - With V(0) the real server gets no new connections and keeps those that it has.
            type: int
          tunnel_type:
            description:
              - The kind of tunnel with O(services[].real_servers[].method=tun), V(ipip), V(gue) or V(gre).
                The default is V(ipip).
            type: str
          tunnel_port:
            description:
              - The UDP port of the tunnel, from V(1) to V(65535).
                Needed with O(services[].real_servers[].tunnel_type=gue), and only there.
            type: int
          tunnel_checksum:
            description:
              - The checksum of the tunnel, V(none), V(csum), or with O(services[].real_servers[].tunnel_type=gue)
                V(remcsum), the remote checksum. The default is V(none).
                O(services[].real_servers[].tunnel_type=ipip) has none.
            type: str
          upper_threshold:
            description:
              - The number of connections, from V(0) to V(2147483647), at which the real server gets no new ones.
                The default is V(0), no limit.
            type: int
          lower_threshold:
            description:
              - The number of connections below which a real server gets new ones again
                after it reached O(services[].real_servers[].upper_threshold), which it must not exceed.
                The default is V(0), three quarters of O(services[].real_servers[].upper_threshold).
            type: int
  purge:
    description:
      - What is removed because it is not in the document.
    type: str
    choices:
      none: Nothing.
      real_servers: Real servers of the services in O(services).
      table: Every service and every real server.
    default: none
extends_documentation_fragment:
  - lautan.lvs._ipvs
  - lautan.lvs._ipvs.writer
  - lautan.lvs._attributes
  - lautan.lvs._attributes.actiongroup_lvs
attributes:
  async:
    description: Supports being used with the C(async) keyword.
    support: none
notes:
  - Two entries for the same service, or for the same real server of a service, are a fault.
"""

EXAMPLES = r"""
- name: A web service, each client on the same real server for five minutes
  lautan.lvs.ipvs_table:
    services:
      - protocol: tcp
        address: 192.0.2.100
        port: https
        scheduler: wlc
        persistence_timeout: 300
        persistence_netmask: 255.255.255.0
        real_servers:
          - address: 192.0.2.21
            weight: 2
          - address: 192.0.2.22
      - protocol: tcp
        address: 2001:db8::100
        port: https
        persistence_timeout: 300
        persistence_netmask: 64
        real_servers:
          - address: 2001:db8::21
          - address: 2001:db8::22

- name: DNS, each packet scheduled by itself
  lautan.lvs.ipvs_table:
    services:
      - protocol: udp
        address: 192.0.2.100
        port: 53
        scheduler: rr
        one_packet: true
        real_servers:
          - address: 192.0.2.21
          - address: 192.0.2.22

# A rule of nftables gives the mark to the packets of the range:
#   nft add rule ip mangle prerouting ip daddr 192.0.2.100 udp dport 20000-20999 meta mark set 21
- name: A range of media ports, by firewall mark
  lautan.lvs.ipvs_table:
    services:
      - fwmark: 21
        scheduler: rr
        one_packet: true
        real_servers:
          - address: 192.0.2.21

- name: Drain a real server, and leave everything else as it is
  lautan.lvs.ipvs_table:
    services:
      - protocol: udp
        address: 192.0.2.100
        port: 53
        scheduler: rr
        one_packet: true
        real_servers:
          - address: 192.0.2.21
            weight: 0

- name: The whole table, from a shell script that is no longer needed
  lautan.lvs.ipvs_table:
    services: "{{ lookup('ansible.builtin.file', 'lvs.sh') | lautan.lvs.ipvs_document }}"
    purge: table

- name: Read the table of one director
  lautan.lvs.ipvs_info:
  delegate_to: director1
  register: director1_ipvs

- name: Make the table of the other director the same
  lautan.lvs.ipvs_table:
    services: "{{ director1_ipvs.services }}"
    purge: table
"""

RETURN = r"""
commands:
  description:
    - The commands that were executed, or in check mode would be, in their order.
    - C(ipvsadm) gets them through C(ipvsadm -R), all at once.
    - After a failure, those that the kernel has accepted.
  returned: always
  type: list
  elements: str
  sample:
    - ipvsadm -a -t 192.0.2.100:443 -r 192.0.2.22:443 -g -w 1
    - ipvsadm -e -t 192.0.2.100:443 -r 192.0.2.21:443 -g -w 0
diff:
  description: The services that changed, with their real servers, as lines of C(ipvsadm -Sn) with thresholds.
  returned: in diff mode
  type: dict
  contains:
    before:
      description: The lines before the change.
      type: str
    after:
      description: The lines after the change.
      type: str
    before_header:
      description: Where they are from.
      type: str
    after_header:
      description: The same.
      type: str
errors:
  description: Everything that is wrong with the options and the host, or everything that differs after the change.
  returned: failure, unless C(ipvsadm) failed
  type: list
  elements: str
  sample:
    - "services[3].real_servers[1].weight=70000: must be from 0 to 65535"
applied:
  description: The commands that the kernel has accepted.
  returned: failure of C(ipvsadm) during the change, if the table could be read again
  type: list
  elements: str
not_applied:
  description: The commands that it has not accepted, or that were not tried.
  returned: failure of C(ipvsadm) during the change, if the table could be read again
  type: list
  elements: str
"""
