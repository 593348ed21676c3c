#!/usr/bin/python
# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: vrrp_info
short_description: Tell the state of VRRP on a director
version_added: 0.1.0
author:
  - lautan.lvs contributors (@lautan)
description:
  - Has keepalived tell the state of its VRRP instances, and compares that with the addresses that the host has.
  - If keepalived does not run, the instances in its configuration are told, and which of their addresses
    have stayed behind on the host.
  - Tells which sync daemons of IPVS run.
options:
  path:
    description:
      - keepalived's configuration. Peers are read from it, because keepalived does not tell them.
    type: path
    default: /etc/keepalived/keepalived.conf
extends_documentation_fragment:
  - lautan.lvs._attributes
  - lautan.lvs._attributes.info_module
  - lautan.lvs._attributes.actiongroup_lvs
requirements:
  - keepalived 2.2.7 or later, with JSON as Debian builds it, run by systemd as C(keepalived.service)
  - iproute2
  - ipvsadm, for sync daemons
notes:
  - keepalived writes C(keepalived.json) in its C(/tmp), or in its C(TMPDIR), each time the module runs.
  - The module fails if keepalived runs and does not write that file within two seconds.
seealso:
  - module: lautan.lvs.keepalived_config
  - name: keepalived(8)
    description: The signal that has keepalived write its state.
    link: https://manpages.debian.org/stable/keepalived/keepalived.8.en.html
"""

EXAMPLES = r"""
- name: Ask keepalived
  lautan.lvs.vrrp_info:
  register: vrrp

- name: Insist on one address where it belongs
  ansible.builtin.assert:
    that:
      - vrrp.running
      - vrrp.instances | selectattr('state', 'equalto', 'FAULT') | length == 0
      - vrrp.instances | map(attribute='addresses_orphaned') | flatten | length == 0
"""

RETURN = r"""
running:
  description: Whether keepalived runs.
  returned: success
  type: bool
  sample: true
state:
  description: The state of C(keepalived.service), such as V(active), V(inactive) or V(failed).
  returned: success
  type: str
  sample: active
main_pid:
  description: The process id of keepalived. Null if it does not run.
  returned: success
  type: int
  sample: 812
version:
  description: The version of keepalived. Null if it is not installed.
  returned: success
  type: str
  sample: 2.2.7
instances:
  description: The VRRP instances, in the order of the configuration.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name of the instance.
      type: str
      sample: lvs_51
    state:
      description:
        - V(INIT), V(BACKUP), V(MASTER), V(FAULT), V(DELETED) or V(STOP).
        - V(STOPPED) if keepalived does not run.
      type: str
      sample: MASTER
    interface:
      description: The interface on which adverts are sent and received.
      type: str
      sample: eth0
    virtual_router_id:
      description: The VRID.
      type: int
      sample: 51
    version:
      description: The version of VRRP.
      type: int
      sample: 3
    priority:
      description: The priority as configured.
      type: int
      sample: 254
    effective_priority:
      description: The priority with the weights of what is tracked. Null if keepalived does not run.
      type: int
      sample: 254
    master_priority:
      description:
        - The priority of the master that is heard, V(0) if none was heard yet.
        - Null unless RV(instances[].state=BACKUP).
      type: int
      sample: 253
    advert_interval:
      description: Seconds between adverts, as configured.
      type: float
      sample: 0.1
    master_advert_interval:
      description: Seconds between adverts of the master that is heard. Null unless RV(instances[].state=BACKUP).
      type: float
      sample: 0.1
    nopreempt:
      description: Whether it leaves a master with a lower priority alone.
      type: bool
      sample: true
    addresses:
      description: The addresses in C(virtual_ipaddress), without prefix length.
      type: list
      elements: str
      sample: [198.18.0.100]
    addresses_excluded:
      description: The addresses in C(virtual_ipaddress_excluded).
      type: list
      elements: str
      sample: ["2001:db8::100"]
    addresses_held:
      description: Those of both that the host really has.
      type: list
      elements: str
      sample: [198.18.0.100, "2001:db8::100"]
    addresses_missing:
      description: Those of both that the host does not have although it is master.
      type: list
      elements: str
      sample: []
    addresses_orphaned:
      description: Those of both that the host has although it is not master.
      type: list
      elements: str
      sample: []
    last_transition:
      description:
        - When it last changed its state, in seconds since 1970. V(0) if it never did.
        - Null if keepalived does not run.
      type: float
      sample: 1764037861.5
    transitions:
      description: How often it became master and released that, since keepalived was started. Null if it does not run.
      type: dict
      contains:
        became_master:
          description: How often it became master.
          type: int
          sample: 1
        released_master:
          description: How often it ceased to be master.
          type: int
          sample: 0
    adverts:
      description: Adverts since keepalived was started. Null if it does not run.
      type: dict
      contains:
        received:
          description: Adverts that were received.
          type: int
          sample: 412
        sent:
          description: Adverts that were sent.
          type: int
          sample: 6120
        priority_zero_received:
          description: Adverts of masters that stopped, received.
          type: int
          sample: 0
        priority_zero_sent:
          description: The same, sent.
          type: int
          sample: 0
    errors:
      description: keepalived's counters of adverts that were wrong, by its own names. Null if it does not run.
      type: dict
      sample: {packet_len_err: 0, addr_list_err: 0}
    peers:
      description: The addresses of C(unicast_peer); empty with multicast. Null if the instance is not in O(path).
      type: list
      elements: str
      sample: [198.18.0.12]
sync_daemons:
  description: The sync daemons of the kernel that run.
  returned: success
  type: list
  elements: dict
  contains:
    role:
      description: V(master) sends connections, V(backup) takes them.
      type: str
      sample: master
    interface:
      description: The interface.
      type: str
      sample: eth0
    syncid:
      description: The id that both sides must have alike.
      type: int
      sample: 51
    maxlen:
      description: The length of a message in bytes. Null if the kernel does not tell.
      type: int
      sample: 1472
    group:
      description: The multicast group. Null if the kernel does not tell.
      type: str
      sample: 224.0.0.81
    port:
      description: The UDP port. Null if the kernel does not tell.
      type: int
      sample: 8848
    ttl:
      description: The TTL of messages. Null if the kernel does not tell.
      type: int
      sample: 1
connections:
  description:
    - How many TCP connections IPVS has here that are established, and had a packet in the last minute.
      On a director that stands by, those that it was told of in the last minute.
    - Older ones are not counted, because most of them are over. A director that forwards directly, or through tunnels,
      does not see what real servers send, a reset for example.
  returned: success
  type: int
  sample: 412
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_info.glue import run_module


def main() -> None:
    module = AnsibleModule(
        argument_spec={"path": {"type": "path", "default": "/etc/keepalived/keepalived.conf"}},
        supports_check_mode=True,
    )
    run_module(module)


if __name__ == "__main__":
    main()
