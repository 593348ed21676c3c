#!/usr/bin/python
# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_boot
short_description: Keep the IPVS table over a reboot
version_added: 0.1.0
author:
  - lautan.lvs contributors (@lautan)
description:
  - Makes the next boot bring back what the kernel holds now, with all virtual services and real servers,
    the timeouts and the sync daemons. It is for directors on which the modules of this collection, or an operator
    with C(ipvsadm), own the table, and not keepalived.
  - The start of ipvsadm that Debian has is used, the script C(/etc/init.d/ipvsadm) of Debian 12 and the unit
    C(ipvsadm.service) of Debian 13. Both load C(/etc/ipvsadm.rules) if C(AUTO) is C(true) in C(/etc/default/ipvsadm).
  - The module writes the rules, sets C(AUTO), sets C(DAEMON) to C(none) because the rules start the daemons,
    with all their options, and enables the service. Other lines of C(/etc/default/ipvsadm) stay as they are.
  - Nothing in the kernel is changed, and the service is not started. Its start would flush the table.
  - Unlike C(ipvsadm-save), it keeps the thresholds of real servers, the timeouts and the sync daemons,
    and firewall marks above 2147483647 can be read again.
options:
  state:
    description: What a reboot brings back.
    type: str
    default: present
    choices:
      present: All that the kernel holds when the module runs. If that is nothing, nothing will be brought back.
      absent:
        Nothing. C(AUTO) becomes C(false), the service is disabled, and C(/etc/ipvsadm.rules) has no rules any more.
        What the kernel holds stays until the reboot.
extends_documentation_fragment:
  - lautan.lvs._attributes
  - lautan.lvs._attributes.actiongroup_lvs
requirements:
  - ipvsadm 1.31
  - systemd
notes:
  - Use it after all other tasks that change IPVS. What is changed later is lost at a reboot until it is used again.
    Whether something has changed is decided by what the rules mean, not by their text or order.
  - The module fails if C(/etc/keepalived/keepalived.conf), or a file that it includes, has a C(virtual_server) and
    C(keepalived.service) is active or enabled. There can be one owner of the table only.
    With nothing but C(lvs_sync_daemon) there, keepalived starts the daemons, and the rules leave them out.
    Another configuration that keepalived is told to use on its command line is not looked at.
  - With C(AUTO=true), each stop of the service flushes the table, and each start or reload flushes it and loads the
    rules. A restart when the package is upgraded does the same.
    Sync daemons that run are not touched then; ipvsadm says C(Daemon has already run) and goes on.
  - The interface of a sync daemon must be there when the service starts. On Debian 13 that is after
    C(network.target), which does not wait for bonds or VLANs. A drop-in with C(After=network-online.target) and
    C(Wants=network-online.target) makes it wait.
  - Without the package ipvsadm O(state=absent) has nothing to do.
  - Must run as root.
seealso:
  - module: lautan.lvs.ipvs_table
  - module: lautan.lvs.ipvs_timeouts
  - module: lautan.lvs.ipvs_sync_daemon
  - name: ipvsadm(8)
    description: The program that loads the rules.
    link: https://manpages.debian.org/stable/ipvsadm/ipvsadm.8.en.html
"""

EXAMPLES = r"""
- name: Run both sync daemons
  lautan.lvs.ipvs_sync_daemon:
    role: "{{ item }}"
    interface: eth1
  loop:
    - master
    - backup

- name: Set the timeouts
  lautan.lvs.ipvs_timeouts:
    tcp: 900
    tcpfin: 60
    udp: 60

- name: Make the table
  lautan.lvs.ipvs_table:
    services:
      - protocol: tcp
        address: 192.0.2.100
        port: 443
        real_servers:
          - address: 192.0.2.21
          - address: 192.0.2.22
    purge: table

- name: Bring all of this back after a reboot
  lautan.lvs.ipvs_boot:

- name: Let keepalived fill the table from the next boot on
  lautan.lvs.ipvs_boot:
    state: absent
"""

RETURN = r"""
commands:
  description:
    - The commands that were executed, or in check mode would be.
    - Files are written before them. RV(diff) shows how.
  returned: always
  type: list
  elements: str
  sample:
    - systemctl enable ipvsadm.service
diff:
  description: Each file that changed, and whether the service is enabled, before and after.
  returned: in diff mode
  type: list
  elements: dict
  contains:
    before_header:
      description: The path of the file, or C(ipvsadm.service).
      type: str
    after_header:
      description: The same.
      type: str
    before:
      description: The text before the change.
      type: str
    after:
      description: The text after the change.
      type: str
errors:
  description: Everything that forbids it, or everything that differs after the change.
  returned: failure, unless a command failed or a file could not be accessed
  type: list
  elements: str
  sample:
    - "there is no ipvsadm.service: install the package ipvsadm"
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.boot import ensure_boot
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.boot_host import LocalHost
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.settings_glue import run_module


def main() -> None:
    module = AnsibleModule(
        argument_spec={"state": {"type": "str", "default": "present", "choices": ["present", "absent"]}},
        supports_check_mode=True,
    )
    host, present = LocalHost(module), module.params["state"] == "present"
    run_module(module, lambda progress: ensure_boot(host, present, module.check_mode, progress))


if __name__ == "__main__":
    main()
