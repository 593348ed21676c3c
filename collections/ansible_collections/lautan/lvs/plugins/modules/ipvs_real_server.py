#!/usr/bin/python
# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_real_server
short_description: Add, edit or remove one real server of a virtual service of IPVS
version_added: 0.1.0
author:
  - lautan.lvs contributors (@lautan)
description:
  - Makes one real server of one virtual service in the kernel's IPVS table what the options say.
    A real server that is there is edited in place, and its connections stay.
    The service itself and its other real servers are not touched.
  - An option that is left out has the default of ipvsadm(8). It does not mean that the kernel's value is kept.
options:
  real_server:
    description: The address of the real server, a unicast address.
    type: str
    required: true
  real_server_port:
    description:
      - The port on the real server, a number or a name. Left out, it is O(port).
      - Only O(method=nat) can have another one than O(port).
      - With O(fwmark) it is a number. Left out, it is V(0) then, the port that the packet has.
    type: raw
  state:
    description:
      - V(present) adds or edits the real server. The service must be there, in check mode too.
      - V(absent) removes it. Without the service there is nothing to do.
        Connections to it are lost. To spare them, set O(weight=0) first and wait until there are none,
        which RV(lautan.lvs.ipvs_info#module:counters) tells.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - lautan.lvs._ipvs
  - lautan.lvs._ipvs.writer
  - lautan.lvs._ipvs.key
  - lautan.lvs._ipvs.forwarding
  - lautan.lvs._attributes
  - lautan.lvs._attributes.actiongroup_lvs
"""

EXAMPLES = r"""
- name: A real server of a web service, by direct routing
  lautan.lvs.ipvs_real_server:
    protocol: tcp
    address: 192.0.2.100
    port: https
    real_server: 192.0.2.21
    weight: 2

- name: Drain it
  lautan.lvs.ipvs_real_server:
    protocol: tcp
    address: 192.0.2.100
    port: https
    real_server: 192.0.2.21
    weight: 0

- name: Another port, which only masquerading can have
  lautan.lvs.ipvs_real_server:
    protocol: tcp
    address: 192.0.2.100
    port: 80
    real_server: 10.0.0.21
    real_server_port: 8080
    method: nat

- name: The real server of a firewall mark
  lautan.lvs.ipvs_real_server:
    fwmark: 21
    real_server: 192.0.2.21

- name: An IPv6 real server of an IPv4 service, through a tunnel
  lautan.lvs.ipvs_real_server:
    protocol: tcp
    address: 192.0.2.100
    port: 443
    real_server: 2001:db8::21
    method: tun
    tunnel_type: gue
    tunnel_port: 6080

- name: Remove it
  lautan.lvs.ipvs_real_server:
    protocol: tcp
    address: 192.0.2.100
    port: 443
    real_server: 192.0.2.21
    state: absent
"""

RETURN = r"""
commands:
  description:
    - The command that was executed, or in check mode would be.
    - After a failure, those that the kernel has accepted.
  returned: always
  type: list
  elements: str
  sample:
    - ipvsadm -e -t 192.0.2.100:443 -r 192.0.2.21:443 -g -w 0
diff:
  description: The service with its real servers, if they changed, as lines of C(ipvsadm -Sn) with thresholds.
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
    - "weight=70000: must be from 0 to 65535"
applied:
  description: The commands that the kernel has accepted.
  returned: failure of C(ipvsadm) during the change, if the table could be read again
  type: list
  elements: str
not_applied:
  description: The commands that it has not accepted.
  returned: failure of C(ipvsadm) during the change, if the table could be read again
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.glue import run_real_server


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "protocol": {"type": "str"},
            "address": {"type": "str"},
            # Raw: AnsibleModule would stop at the first value that is no number.
            "port": {"type": "raw"},
            "fwmark": {"type": "raw"},
            "family": {"type": "str"},
            "real_server": {"type": "str", "required": True},
            "real_server_port": {"type": "raw"},
            "method": {"type": "str"},
            "weight": {"type": "raw"},
            "tunnel_type": {"type": "str"},
            "tunnel_port": {"type": "raw"},
            "tunnel_checksum": {"type": "str"},
            "upper_threshold": {"type": "raw"},
            "lower_threshold": {"type": "raw"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        supports_check_mode=True,
    )
    run_real_server(module)


if __name__ == "__main__":
    main()
