#!/usr/bin/python
# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_info
short_description: Tell what the kernel's IPVS holds, and what it has counted
version_added: 0.1.0
author:
  - lautan.lvs contributors (@lautan)
description:
  - Reads the IPVS table, counters, rates, numbers of connections, timeouts and sync daemons, with one C(ipvsadm).
  - RV(services) is a document for M(lautan.lvs.ipvs_table), which changes nothing with it on the same host,
    also with O(lautan.lvs.ipvs_table#module:purge=table).
options:
  connections:
    description:
      - Whether to return RV(connections), the list of connections. A busy director has millions.
    type: bool
    default: false
  service:
    description: With O(connections=true), only those to services with this address or in this network.
    type: str
  client:
    description: With O(connections=true), only those from this address or network.
    type: str
  real_server:
    description: With O(connections=true), only those to real servers with this address or in this network.
    type: str
extends_documentation_fragment:
  - lautan.lvs._ipvs
  - lautan.lvs._attributes.info_module
  - lautan.lvs._attributes.actiongroup_lvs
"""

EXAMPLES = r"""
- name: Read the table of one director
  lautan.lvs.ipvs_info:
  delegate_to: director1
  register: director1_ipvs

- name: Make the table of the other director the same
  lautan.lvs.ipvs_table:
    services: "{{ director1_ipvs.services }}"
    purge: table

- name: Read the counters
  lautan.lvs.ipvs_info:
  register: ipvs

- name: Tell how many connections each real server has
  ansible.builtin.debug:
    msg: "{{ item.0.address }}:{{ item.0.port }} -> {{ item.1.address }}: {{ item.1.active_connections }}"
  loop: "{{ ipvs.counters | selectattr('address', 'defined') | subelements('real_servers') }}"
  loop_control:
    label: ""

- name: Wait until a real server that is drained has no connections
  lautan.lvs.ipvs_info:
    connections: true
    service: 192.0.2.100
    real_server: 192.0.2.21
  register: drained
  until: drained.connections | rejectattr('template') | length == 0
  retries: 60
  delay: 5
"""

RETURN = r"""
services:
  description:
    - The virtual services with their real servers, as O(lautan.lvs.ipvs_table#module:services) takes them.
    - RV(services[].scheduler), and for real servers C(address), C(port), C(method) and C(weight), are always there.
      Other options are there if they are not at their defaults.
  returned: success
  type: list
  elements: dict
  sample:
    - protocol: tcp
      address: 192.0.2.100
      port: 443
      scheduler: wlc
      persistence_timeout: 300
      real_servers:
        - address: 192.0.2.21
          port: 443
          method: dr
          weight: 1
  contains:
    protocol:
      description: The protocol, unless it is a firewall mark.
      type: str
    address:
      description: The address, unless it is a firewall mark.
      type: str
    port:
      description: The port, unless it is a firewall mark.
      type: int
    fwmark:
      description: The firewall mark, if it is one.
      type: int
    family:
      description: The address family of a firewall mark, V(ipv4) or V(ipv6).
      type: str
    scheduler:
      description: The scheduler.
      type: str
    scheduler_flags:
      description: The flags of the scheduler, if any.
      type: list
      elements: str
    persistence_timeout:
      description: Seconds of persistence, if there is any.
      type: int
    persistence_netmask:
      description: Which clients count as one, if not by the whole address; a netmask for IPv4, a number for IPv6.
      type: raw
    persistence_engine:
      description: The persistence engine, if there is one.
      type: str
    one_packet:
      description: V(true) with one-packet scheduling.
      type: bool
    real_servers:
      description: The real servers.
      type: list
      elements: dict
counters:
  description:
    - What was counted since a service was added or its counters were set to zero, by service.
      Each has RV(counters[].real_servers) with the same counters by real server.
    - Numbers are exact, up to 64 bits.
    - With direct routing and tunnels the director does not see what goes out.
  returned: success
  type: list
  elements: dict
  contains:
    protocol:
      description: The protocol, unless it is a firewall mark.
      type: str
    address:
      description: The address, unless it is a firewall mark.
      type: str
    port:
      description: The port, unless it is a firewall mark.
      type: int
    fwmark:
      description: The firewall mark, if it is one.
      type: int
    family:
      description: The address family of a firewall mark.
      type: str
    connections:
      description: Connections.
      type: int
    packets_in:
      description: Packets from clients.
      type: int
    packets_out:
      description: Packets to clients.
      type: int
    bytes_in:
      description: Bytes from clients.
      type: int
    bytes_out:
      description: Bytes to clients.
      type: int
    rates:
      description:
        - The same five for each second, as the kernel estimates them over the last seconds.
        - All are V(0) where C(net.ipv4.vs.run_estimation) is V(0).
      type: dict
    real_servers:
      description: The same counters and rates for each real server, and its connections.
      type: list
      elements: dict
      contains:
        address:
          description: The address of the real server.
          type: str
        port:
          description: The port of the real server.
          type: int
        active_connections:
          description: Connections that are established.
          type: int
        inactive_connections:
          description: Connections in every other state.
          type: int
        persistent_connections:
          description: Templates of persistent clients, which are no connections.
          type: int
timeouts:
  description: The timeouts C(tcp), C(tcpfin) and C(udp) in seconds.
  returned: success
  type: dict
  sample: {tcp: 900, tcpfin: 120, udp: 300}
sync_daemons:
  description: The sync daemons that run.
  returned: success
  type: list
  elements: dict
  sample:
    - {role: master, interface: eth1, syncid: 7, group: 224.0.0.81, port: 8848, ttl: 1, maxlen: 1472}
connections:
  description: The connections that were asked for.
  returned: with O(connections=true)
  type: list
  elements: dict
  contains:
    protocol:
      description: The protocol. V(ip) for templates of firewall marks, whose RV(connections[].virtual) is the mark.
      type: str
    client:
      description: Address and port of the client. IPv6 addresses are in brackets.
      type: str
      sample: 203.0.113.7:50123
    virtual:
      description: Address and port of the service.
      type: str
      sample: 192.0.2.100:443
    real_server:
      description: Address and port of the real server.
      type: str
      sample: 192.0.2.21:443
    state:
      description: The state, V(ESTABLISHED) for one.
      type: str
      sample: ESTABLISHED
    expires:
      description: Seconds until the entry is forgotten if there are no more packets.
      type: int
    template:
      description: Whether it is no connection, but says where a persistent client is sent.
      type: bool
version:
  description: The version of IPVS.
  returned: success
  type: str
  sample: 1.2.1
table_size:
  description: The size of the hash table of connections. It does not limit their number.
  returned: success
  type: int
  sample: 4096
kernel:
  description: The release of the kernel.
  returned: success
  type: str
  sample: 6.1.0-18-cloud-amd64
errors:
  description: Everything that is wrong with the options.
  returned: failure because of the options
  type: list
  elements: str
  sample:
    - "client='192.0.2.0/33': must be an address, or a network such as 192.0.2.0/24 or 2001:db8::/32"
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.glue import run_info


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "connections": {"type": "bool", "default": False},
            "service": {"type": "str"},
            "client": {"type": "str"},
            "real_server": {"type": "str"},
        },
        supports_check_mode=True,
    )
    run_info(module)


if __name__ == "__main__":
    main()
