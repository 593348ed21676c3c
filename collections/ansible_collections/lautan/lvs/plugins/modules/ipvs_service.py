#!/usr/bin/python
# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_service
short_description: Add, edit or remove one virtual service of IPVS
version_added: 0.1.0
author:
  - lautan.lvs contributors (@lautan)
description:
  - Makes one virtual service of the kernel's IPVS table what the options say.
    A service that is there is edited in place. Its real servers and its connections stay.
  - An option that is left out has the default of ipvsadm(8). It does not mean that the kernel's value is kept.
  - For a service with its real servers, and for more than a few services, M(lautan.lvs.ipvs_table) is faster,
    and keeps an order in which every service is served.
options:
  state:
    description:
      - V(present) adds or edits the service.
      - V(absent) removes it together with its real servers, which RV(removed_real_servers) tells.
        Only O(protocol), O(address), O(port), O(fwmark) and O(family) count then.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - lautan.lvs._ipvs
  - lautan.lvs._ipvs.writer
  - lautan.lvs._ipvs.key
  - lautan.lvs._ipvs.scheduling
  - lautan.lvs._attributes
  - lautan.lvs._attributes.actiongroup_lvs
"""

EXAMPLES = r"""
- name: A web service, each client on the same real server for five minutes
  lautan.lvs.ipvs_service:
    protocol: tcp
    address: 192.0.2.100
    port: https
    scheduler: wlc
    persistence_timeout: 300

- name: DNS, each packet scheduled by itself
  lautan.lvs.ipvs_service:
    protocol: udp
    address: 2001:db8::100
    port: 53
    scheduler: rr
    one_packet: true

- name: Connections that survive a failover, because both directors choose the same real server
  lautan.lvs.ipvs_service:
    protocol: tcp
    address: 192.0.2.100
    port: 443
    scheduler: mh
    scheduler_flags: [mh-port]

- name: A range of media ports, by firewall mark
  lautan.lvs.ipvs_service:
    fwmark: 21
    scheduler: rr
    one_packet: true

- name: Remove a service with its real servers
  lautan.lvs.ipvs_service:
    protocol: tcp
    address: 192.0.2.100
    port: 8080
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
    - ipvsadm -E -t 192.0.2.100:443 -s wlc -p 300
removed_real_servers:
  description: The real servers that went with the service, with their ports.
  returned: success
  type: list
  elements: str
  sample:
    - 192.0.2.21:443
diff:
  description: The service with its real servers, if it changed, as lines of C(ipvsadm -Sn) with thresholds.
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
    - "port=0: all ports; that needs persistence_timeout, from 1 to 2678400 seconds"
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

from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.glue import run_service


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "protocol": {"type": "str"},
            "address": {"type": "str"},
            # Raw: AnsibleModule would stop at the first value that is no number.
            "port": {"type": "raw"},
            "fwmark": {"type": "raw"},
            "family": {"type": "str"},
            "scheduler": {"type": "str"},
            "scheduler_flags": {"type": "list", "elements": "str"},
            "persistence_timeout": {"type": "raw"},
            "persistence_netmask": {"type": "raw"},
            "persistence_engine": {"type": "str"},
            "one_packet": {"type": "raw"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        supports_check_mode=True,
    )
    run_service(module)


if __name__ == "__main__":
    main()
