#!/usr/bin/python
# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_sync_daemon
short_description: Run a sync daemon of IPVS
version_added: 0.1.0
author:
  - lautan.lvs contributors (@lautan)
description:
  - Starts and stops a connection synchronisation daemon of the kernel, as C(ipvsadm --start-daemon) does.
  - The master daemon of a director tells of its connections by multicast. The backup daemon of another director
    remembers them. When that one takes over, connections go on to the real servers that they began with.
  - The two are independent of each other. A director may run both, and has to if it may take over and give back.
    It does not listen to itself.
  - A daemon cannot be changed while it runs. Where it differs from the options it is stopped and started.
    If it does not start, the module starts the old one again, and fails.
options:
  role:
    description: Whether it sends, or listens.
    type: str
    required: true
    choices:
      master: Sends what happens to the connections of this director.
      backup: Remembers what the master daemon of another director sends.
  state:
    description: Whether the daemon of this role runs. All other options are for V(present).
    type: str
    default: present
    choices:
      present: It runs with exactly these options.
      absent: It does not run, whatever its options were.
  interface:
    description:
      - The network interface that multicasts are sent from or received on. Needed for O(state=present).
      - It should be one that only directors have. What is sent is neither encrypted nor authenticated.
    type: str
  syncid:
    description:
      - The number that a master daemon writes into each message, from V(0) to V(255).
      - A backup daemon takes messages of its own number only. If that is V(0) it takes all.
    type: raw
    default: 0
  group:
    description:
      - The multicast address, IPv4 or IPv6.
      - Connections of both families are told of, whatever the family of this address.
    type: str
    default: 224.0.0.81
  port:
    description:
      - The UDP port, from V(1) to V(65535).
      - If the sysctl C(net.ipv4.vs.sync_ports) is above 1, the ports that follow are used as well.
    type: raw
    default: 8848
  ttl:
    description: The time to live of the packets, from V(1) to V(255). With V(1) no router passes them on.
    type: raw
    default: 1
  maxlen:
    description:
      - The longest message in bytes, without the headers of IP and UDP,
        from V(1), or V(1024) for O(role=backup), to V(65507), or V(65487) if O(group) is an IPv6 address.
        The kernel would turn other values into the nearest of these, so they are refused.
      - If it is left out, the kernel chooses when the daemon starts, and a daemon that runs may have any.
        Its choice for a master daemon fits into 1500 bytes.
        For a backup daemon it is the same, or more if the MTU of the interface is.
      - A backup daemon needs at least what the master daemon has. It cuts off the rest of a longer message.
    type: raw
extends_documentation_fragment:
  - lautan.lvs._attributes
  - lautan.lvs._attributes.actiongroup_lvs
requirements:
  - ipvsadm 1.31
  - a kernel with IPVS, the module C(ip_vs)
notes:
  - What is left out is not taken from the daemon that runs. If that has another O(syncid), O(group), O(port) or O(ttl)
    than the default, it is started anew. O(maxlen) is the exception.
  - O(syncid), O(port), O(ttl) and O(maxlen) are whole numbers, which may be strings of digits.
  - While a real server of another address family than its virtual service is in the table, which only tunnels allow,
    the kernel starts no sync daemon. The module names such real servers, and changes nothing.
    While a daemon runs the kernel accepts no such real server.
  - The packet filter of the directors must let the multicasts pass.
  - Do not use it beside C(lvs_sync_daemon) in the configuration of keepalived, which starts and stops the same daemons.
  - The daemons are gone after a reboot. M(lautan.lvs.ipvs_boot) brings them back.
  - Must run as root.
seealso:
  - module: lautan.lvs.ipvs_boot
  - name: ipvsadm(8)
    description: The program that starts and stops the daemons.
    link: https://manpages.debian.org/stable/ipvsadm/ipvsadm.8.en.html
  - name: ipvs-sysctl
    description: The kernel's settings C(sync_threshold), C(sync_refresh_period) and others say what is told and when.
    link: https://docs.kernel.org/networking/ipvs-sysctl.html
"""

EXAMPLES = r"""
# Whichever of the two is active tells the other one.
- name: Run both daemons on both directors
  lautan.lvs.ipvs_sync_daemon:
    role: "{{ item }}"
    interface: eth1
    syncid: 7
  loop:
    - master
    - backup

- name: Use IPv6, and longer messages on a network with jumbo frames
  lautan.lvs.ipvs_sync_daemon:
    role: "{{ item }}"
    interface: eth1
    syncid: 7
    group: ff02::81
    maxlen: 8952
  loop:
    - backup
    - master

- name: Tell nobody any more
  lautan.lvs.ipvs_sync_daemon:
    role: master
    state: absent

- name: Start the same daemons after a reboot
  lautan.lvs.ipvs_boot:
"""

RETURN = r"""
commands:
  description: The commands that were executed, or in check mode would be, in their order.
  returned: always
  type: list
  elements: str
  sample:
    - ipvsadm --stop-daemon backup
    - ipvsadm --start-daemon backup --mcast-interface eth1 --syncid 7 --mcast-group 224.0.0.81 --mcast-port 8848
      --mcast-ttl 1
diff:
  description: The daemon of this role as ipvsadm prints it, before and after.
  returned: in diff mode
  type: list
  elements: dict
  contains:
    before_header:
      description: C(master sync daemon) or C(backup sync daemon)
      type: str
    after_header:
      description: The same.
      type: str
    before:
      description: The daemon before the change; empty if there was none.
      type: str
    after:
      description:
        - The daemon after the change; empty if there is none.
        - C(maxlen=default) stands for what the kernel chooses.
      type: str
errors:
  description: Everything that is wrong with the options and the host, or everything that differs after the change.
  returned: failure, unless a command failed
  type: list
  elements: str
  sample:
    - "interface='eth9': the host has no such interface; it has 'eth0', 'eth1', 'lo'"
    - "ttl=256: must be a whole number from 1 to 255"
"""

import os

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.daemon import GROUP, PORT, TTL
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.daemon_ensure import ensure_daemon
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.settings_glue import run_module
from ansible_collections.lautan.lvs.plugins.module_utils._runner import module_runner

INTERFACES = "/sys/class/net"


def interfaces() -> list[str]:
    # A file there, such as bonding_masters, is no interface.
    return [entry.name for entry in os.scandir(INTERFACES) if entry.is_dir()]


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "role": {"type": "str", "required": True, "choices": ["master", "backup"]},
            "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
            "interface": {"type": "str"},
            "group": {"type": "str", "default": GROUP},
            # raw: a wrong number is reported together with all other mistakes.
            "syncid": {"type": "raw", "default": 0},
            "port": {"type": "raw", "default": PORT},
            "ttl": {"type": "raw", "default": TTL},
            "maxlen": {"type": "raw"},
        },
        supports_check_mode=True,
    )
    run = module_runner(module)
    run_module(module, lambda progress: ensure_daemon(run, interfaces(), module.params, module.check_mode, progress))


if __name__ == "__main__":
    main()
