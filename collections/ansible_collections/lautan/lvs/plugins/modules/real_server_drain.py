#!/usr/bin/python
# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: real_server_drain
short_description: Take a real server out of service on a director, or back
version_added: 0.1.0
author:
  - lautan.lvs contributors (@lautan)
description:
  - A real server that is drained gets no new connections. Those that it has go on until they end.
  - In keepalived's configuration each entry of the real server must have a C(FILE_CHECK) of a C(track_file).
    The module writes V(-1) into that file, and keepalived takes the weight of the C(FILE_CHECK) from that of the real
    server, which becomes 0. V(0) gives it back.
  - keepalived is neither stopped nor reloaded. The file stays, so the real server is drained until it is taken back
    into service, whether keepalived is reloaded or the director reboots.
  - Health checks go on. A drained real server that fails is taken out like any other, and comes back drained.
  - The module waits until the kernel has the weights. It does not wait for connections to end.
options:
  name:
    description: The name of the real server, which is that of the C(track_file) after C(lvs_drain_).
    type: str
    required: true
  state:
    description: Whether the real server is to get new connections.
    type: str
    choices: [drained, in_service]
    default: drained
  minimum:
    description:
      - How many other real servers must take connections in each virtual service of this one, or it is not drained.
      - Nor is it if a virtual service would lose its C(quorum), with which keepalived takes out all its real servers.
      - Both are looked at on a director where keepalived runs, and if the real server takes connections itself.
    type: int
    default: 1
  force:
    description: Drain the real server even if fewer others take connections.
    type: bool
    default: false
  reason:
    description:
      - Why it is drained, and by whom, for others. Up to 100 characters.
      - Of a real server that is drained already it is not changed.
    type: str
  track_file:
    description: The name of the C(track_file) in keepalived's configuration, if it is not C(lvs_drain_) and O(name).
    type: str
  path:
    description: keepalived's configuration. It is read only.
    type: path
    default: /etc/keepalived/keepalived.conf
  timeout:
    description: How many seconds to wait at most until the kernel has the weights.
    type: float
    default: 5
extends_documentation_fragment:
  - lautan.lvs._attributes
  - lautan.lvs._attributes.actiongroup_lvs
requirements:
  - keepalived 2.2.7, or 2.3.3 and later. Those between may crash of a C(FILE_CHECK)
  - ipvsadm
notes:
  - Each director has to be told. Run it on all of them, in check mode first, so that one of them can object.
  - Scheduler V(mh) needs C(mh-fallback), or what the drained real server had in the table of hashes is refused.
  - With persistence, C(net.ipv4.vs.expire_quiescent_template=1) sends clients elsewhere that come again.
seealso:
  - module: lautan.lvs.real_server_info
  - module: lautan.lvs.keepalived_config
  - name: keepalived.conf(5)
    description: The keywords C(track_file) and C(FILE_CHECK).
    link: https://manpages.debian.org/stable/keepalived/keepalived.conf.5.en.html
  - name: ipvsadm(8)
    description: What the weight 0 means.
    link: https://manpages.debian.org/stable/ipvsadm/ipvsadm.8.en.html
"""

EXAMPLES = r"""
# On both directors, keepalived.conf has this:
#   track_file lvs_drain_rs1 {
#       file /etc/keepalived/drain_rs1
#       init_file 0
#   }
# and in each real_server block of rs1, which has the weight 1:
#   FILE_CHECK {
#       track_file lvs_drain_rs1
#       weight 1
#   }

- name: Take rs1 out of service, if at least two others serve
  hosts: directors
  gather_facts: false
  any_errors_fatal: true
  tasks:
    - name: Ask whether that is possible
      lautan.lvs.real_server_drain:
        name: rs1
        minimum: 2
      check_mode: true

    - name: Do it
      lautan.lvs.real_server_drain:
        name: rs1
        minimum: 2

- name: Take it back into service
  hosts: directors
  gather_facts: false
  tasks:
    - name: Give it its weight
      lautan.lvs.real_server_drain:
        name: rs1
        state: in_service
"""

RETURN = r"""
msg:
  description: How it is now, or in check mode would be.
  returned: success
  type: str
  sample: rs1 is drained
commands:
  description: What was written into the file, or in check mode would be, as a command of a shell.
  returned: always
  type: list
  elements: str
  sample: ["echo -1 > /etc/keepalived/drain_rs1"]
running:
  description: Whether keepalived runs. If not, weights are those of nobody.
  returned: always
  type: bool
  sample: true
reason:
  description: Why it is drained, as the first who did so said. Empty if nothing was said, or if it is in service.
  returned: always
  type: str
  sample: siti@desk, new disk
since:
  description: Since when it is drained, in UTC. Null if it is not.
  returned: always
  type: str
  sample: "2026-11-26T05:20:11Z"
services:
  description: The virtual services of the real server.
  returned: always
  type: list
  elements: dict
  contains:
    service:
      description: The virtual service, in the syntax of ipvsadm(8).
      type: str
      sample: "-t 192.0.2.100:443"
    weight:
      description:
        - The weight that the real server has there, or in check mode would have.
        - Null if it is not there, because keepalived has taken it out.
      type: int
      sample: 0
diff:
  description: The file before and after.
  returned: in diff mode
  type: dict
  contains:
    before_header:
      description: The path of the file.
      type: str
    after_header:
      description: The same.
      type: str
    before:
      description: What it said.
      type: str
    after:
      description: What it says, or in check mode would say.
      type: str
errors:
  description: Everything that speaks against it, or every weight that is not as it should be.
  returned: failure because of the options, the director, or keepalived
  type: list
  elements: str
  sample:
    - "virtual service -t 192.0.2.100:443: no other real servers in service, and minimum=1"
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.lautan.lvs.plugins.module_utils._real_server_drain.glue import run_module


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["drained", "in_service"], "default": "drained"},
            "minimum": {"type": "int", "default": 1},
            "force": {"type": "bool", "default": False},
            "reason": {"type": "str"},
            "track_file": {"type": "str"},
            "path": {"type": "path", "default": "/etc/keepalived/keepalived.conf"},
            "timeout": {"type": "float", "default": 5},
        },
        supports_check_mode=True,
    )
    run_module(module)


if __name__ == "__main__":
    main()
