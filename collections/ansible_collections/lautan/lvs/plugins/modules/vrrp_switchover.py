#!/usr/bin/python
# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: vrrp_switchover
short_description: Have another director take over the VIPs, as planned
version_added: 0.1.0
author:
  - lautan.lvs contributors (@lautan)
description:
  - Run on the director that is master, it moves VRRP instances with their addresses to another director.
    Run on any other director, it changes nothing and says so.
  - keepalived must track a file with weight 0. While the file says anything but 0, the instances that track it
    are in FAULT. The module writes 1 into it, keepalived tells the other directors with an advert of priority 0 and
    removes the addresses, and the director with the highest priority takes over after its skew time.
  - Instances that are to move on their own have a file each. Those that track the same file move together.
  - As soon as the instances have left MASTER, the files say 0 again, whatever happens.
    From then on this director is a backup, and becomes master again by itself if nobody takes over.
  - keepalived is neither stopped nor reloaded, and the IPVS table stays as it is.
  - Before anything is moved, the directors are compared. It is refused, with every reason at once, if the target
    is not able to take over.
  - The module waits until the addresses are gone from here and an advert of the new master was received.
options:
  to:
    description:
      - The address of the director that is to take over, as it is in C(unicast_peer) of the instances.
      - If this director has that address, there is nothing to move.
      - Without it nothing is moved. What an interrupted run has left behind is repaired in either case.
    type: str
  peers:
    description:
      - What the other directors say of themselves. Every director in C(unicast_peer) of the instances must be there.
        Others may be.
      - The target must run keepalived, with the same virtual router as BACKUP and with all of its addresses.
        It must have all virtual services that this director has, and all real servers that have a weight here,
        with a weight.
      - If there are further directors, their priorities must be lower than that of the target, or they would take over.
      - Required with O(to).
    type: list
    elements: dict
    default: []
    suboptions:
      address:
        description: The address of the director, as it is in C(unicast_peer).
        type: str
        required: true
      vrrp:
        description: What M(lautan.lvs.vrrp_info) returned there.
        type: dict
        required: true
      table:
        description: What C(ipvsadm --save --numeric) printed there.
        type: str
        required: true
  instances:
    description:
      - The names of the VRRP instances to move. By default, all that track one of the files.
      - An instance that tracks the file of another one and is master moves with it, so it must be among them.
      - An instance whose C(vrrp_sync_group) tracks a file counts, and so do all members of a group of which
        one tracks it.
    type: list
    elements: str
  track_file:
    description:
      - The name of the C(track_file) in keepalived's configuration.
        If there are several, a pattern for their names as in a shell, in which V(*) stands for any characters.
      - Files that no VRRP instance tracks are left alone.
    type: str
    default: lvs_switchover*
  path:
    description:
      - keepalived's configuration. It is read only.
    type: path
    default: /etc/keepalived/keepalived.conf
  timeout:
    description:
      - How many seconds to wait at most until the instances have left MASTER,
        and then again until the addresses are gone and the new master was heard.
      - At least four times C(advert_int).
    type: float
    default: 5
  force:
    description:
      - Move the instances even if connections would be lost.
      - Without it this is refused if connections are synchronised, and the sync daemons do not fit together, or the
        target knows less than half as many connections in use as this director. Less than 20 are not looked at.
      - No other reason is overruled.
    type: bool
    default: false
  connections:
    description:
      - What RV(lautan.lvs.vrrp_info#module:connections) was on this director when the others in O(peers) were asked.
        It is compared with theirs.
      - By default they are counted now, which is more than then where many begin.
    type: int
extends_documentation_fragment:
  - lautan.lvs._attributes
  - lautan.lvs._attributes.actiongroup_lvs
attributes:
  check_mode:
    details:
      - All is checked in check mode, too.
      - What an interrupted run has left behind is not repaired in check mode,
        so that an instance that is in FAULT because of it is told as that.
requirements:
  - keepalived 2.2.7 or later, with JSON as Debian builds it, run by systemd as C(keepalived.service)
  - iproute2
  - ipvsadm, if the kernel has IPVS
notes:
  - The files belong to the module. A number in one of them is taken for what an interrupted run has left behind,
    and is reset to 0, also if its instances are not those that are to be moved.
  - With V(init_file 0 overwrite) keepalived itself resets it when it starts, after a power cut in the wrong moment.
  - Set C(nopreempt), or the director with the higher priority takes the addresses back. The module refuses that case.
  - Two runs at once on one director are kept apart; the second one fails.
  - keepalived writes C(keepalived.json), and a line in its log, each time that the module looks at it.
    It does so about every 20 milliseconds, for some tenths of a second.
seealso:
  - module: lautan.lvs.vrrp_info
  - module: lautan.lvs.keepalived_config
  - name: keepalived.conf(5)
    description: The keywords C(track_file), C(nopreempt) and C(unicast_peer).
    link: https://manpages.debian.org/stable/keepalived/keepalived.conf.5.en.html
  - name: RFC 5798
    description: The advert of priority 0, and the skew time.
    link: https://www.rfc-editor.org/rfc/rfc5798
"""

EXAMPLES = r"""
# On both directors, keepalived.conf has this, and `track_file { lvs_switchover }` in its vrrp_instance:
#   track_file lvs_switchover {
#       file /etc/keepalived/switchover
#       weight 0
#       init_file 0 overwrite
#   }
# With several VRRP instances, `track_file lvs_switchover_51` and so on, one for each.

- name: Have director2 take over from director1
  hosts: directors
  gather_facts: false
  any_errors_fatal: true
  tasks:
    - name: Repair what an interrupted switchover has left behind
      lautan.lvs.vrrp_switchover:

    - name: Ask keepalived
      lautan.lvs.vrrp_info:
      register: vrrp

    - name: Ask for the IPVS table
      ansible.builtin.command:
        argv: [ipvsadm, --save, --numeric]
      register: table
      changed_when: false

    - name: Move the VIPs, on the director that has them
      lautan.lvs.vrrp_switchover:
        to: 192.0.2.12
        peers:
          - address: 192.0.2.12
            vrrp: "{{ hostvars.director2.vrrp }}"
            table: "{{ hostvars.director2.table.stdout }}"
        connections: "{{ vrrp.connections }}"

    - name: Move one of several VRRP instances, and leave the others where they are
      lautan.lvs.vrrp_switchover:
        to: 192.0.2.12
        instances: [lvs_52]
        peers:
          - address: 192.0.2.12
            vrrp: "{{ hostvars.director2.vrrp }}"
            table: "{{ hostvars.director2.table.stdout }}"
"""

RETURN = r"""
msg:
  description: What was moved, or why there was nothing to move.
  returned: success
  type: str
  sample: "lvs_51: moved to 192.0.2.12"
repaired:
  description: Whether an interrupted run had left a number in one of the files.
  returned: always
  type: bool
  sample: false
commands:
  description: What was written into the files, or in check mode would be, as commands of a shell.
  returned: always
  type: list
  elements: str
  sample:
    - echo 1 > /etc/keepalived/switchover
    - echo 0 > /etc/keepalived/switchover
instances:
  description: The VRRP instances that were meant. Empty if the module ended before it looked at them.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: The name of the instance.
      type: str
      sample: lvs_51
    from:
      description: Its state on this director before, as in RV(lautan.lvs.vrrp_info#module:instances[].state).
      type: str
      sample: MASTER
    to:
      description: Its state on this director after that, or in check mode what it would be.
      type: str
      sample: BACKUP
seconds:
  description:
    - How long it took, in seconds from the writing of the first file. Null if nothing was moved.
    - Both are when the module saw it. It happened up to some hundredths of a second earlier.
  returned: success
  type: dict
  contains:
    released:
      description: Until no instance was MASTER and no address was left on this director.
      type: float
      sample: 0.062
    heard:
      description:
        - Until an advert of the new master was received by all instances.
        - A master takes over before it sends its first advert, and this director can only hear the next one,
          so C(advert_int) is part of it. Clients wait for much less than this.
      type: float
      sample: 0.143
diff:
  description: The states, if they changed, and each file in which an interrupted run had left a number.
  returned: in diff mode
  type: list
  elements: dict
  contains:
    before_header:
      description: V(VRRP), or the path of the file.
      type: str
    after_header:
      description: The same.
      type: str
    before:
      description: The states, or the text, before the change.
      type: str
    after:
      description: The same after the change.
      type: str
errors:
  description: Everything that speaks against it, or everything that is not as it should be after it.
  returned: failure because of the options, the directors, or because nobody took over
  type: list
  elements: str
  sample:
    - "192.0.2.12: VRRP instance lvs_51 is FAULT, not BACKUP"
    - "192.0.2.12: IPVS table: `-t 192.0.2.100:443 -r 192.0.2.22:443` is missing"
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_switchover.glue import run_module


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "to": {"type": "str"},
            "peers": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "address": {"type": "str", "required": True},
                    "vrrp": {"type": "dict", "required": True},
                    "table": {"type": "str", "required": True},
                },
            },
            "instances": {"type": "list", "elements": "str"},
            "track_file": {"type": "str", "default": "lvs_switchover*"},
            "path": {"type": "path", "default": "/etc/keepalived/keepalived.conf"},
            "timeout": {"type": "float", "default": 5},
            "force": {"type": "bool", "default": False},
            "connections": {"type": "int"},
        },
        supports_check_mode=True,
    )
    run_module(module)


if __name__ == "__main__":
    main()
