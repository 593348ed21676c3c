#!/usr/bin/python
# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_timeouts
short_description: Set the timeouts of IPVS connections
version_added: 0.1.0
author:
  - lautan.lvs contributors (@lautan)
description:
  - Sets how long the kernel remembers an idle connection of IPVS, as C(ipvsadm --set) does.
    Connections that were there before keep the timeout they have until their next packet.
  - The kernel has three timeouts for all virtual services together. Those that are left out stay as they are.
  - The kernel starts with 900, 120 and 300 seconds. M(lautan.lvs.ipvs_boot) brings other values back after a reboot.
options:
  tcp:
    description:
      - Seconds after which an idle TCP connection is forgotten, from V(1) to V(2678400), which is 31 days.
      - Clients that are silent for longer, on a WebSocket for instance, may be sent to another real server.
    type: raw
  tcpfin:
    description: Seconds after which a TCP connection is forgotten that a FIN packet has begun to end.
    type: raw
  udp:
    description:
      - Seconds after the last packet until a flow of UDP packets is forgotten.
      - A flow sticks to its real server for as long.
    type: raw
extends_documentation_fragment:
  - lautan.lvs._attributes
  - lautan.lvs._attributes.actiongroup_lvs
requirements:
  - ipvsadm 1.31
  - a kernel with IPVS, the module C(ip_vs)
notes:
  - At least one of O(tcp), O(tcpfin) and O(udp) is needed. Each is a whole number, which may be a string of digits.
  - Do not use it beside C(lvs_timeouts) in the configuration of keepalived, which sets the same values when it starts.
  - Must run as root.
seealso:
  - module: lautan.lvs.ipvs_boot
  - name: ipvsadm(8)
    description: The program that reads and sets the timeouts.
    link: https://manpages.debian.org/stable/ipvsadm/ipvsadm.8.en.html
"""

EXAMPLES = r"""
# Signalling over WebSockets is silent for minutes; media never is for seconds.
- name: Values for a video conference
  lautan.lvs.ipvs_timeouts:
    tcp: 900
    tcpfin: 60
    udp: 60

- name: Forget UDP flows earlier, and leave TCP alone
  lautan.lvs.ipvs_timeouts:
    udp: 30

- name: Keep them over a reboot
  lautan.lvs.ipvs_boot:
"""

RETURN = r"""
commands:
  description:
    - The commands that were executed, or in check mode would be.
    - V(0) keeps the value that is there. It stands for each timeout that does not change.
  returned: always
  type: list
  elements: str
  sample:
    - ipvsadm --set 0 60 60
diff:
  description: All three timeouts, before and after.
  returned: in diff mode
  type: list
  elements: dict
  contains:
    before_header:
      description: C(IPVS timeouts)
      type: str
    after_header:
      description: The same.
      type: str
    before:
      description: The timeouts before the change.
      type: str
    after:
      description: The timeouts after the change.
      type: str
errors:
  description: Everything that is wrong with the options, or everything that differs after the change.
  returned: failure, unless a command failed
  type: list
  elements: str
  sample:
    - "udp='1m': must be a whole number from 1 to 2678400"
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.settings_glue import run_module
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.timeouts import ensure_timeouts
from ansible_collections.lautan.lvs.plugins.module_utils._runner import module_runner


def main() -> None:
    module = AnsibleModule(
        # raw: a wrong number is reported together with all the others.
        argument_spec={name: {"type": "raw"} for name in ("tcp", "tcpfin", "udp")},
        supports_check_mode=True,
    )
    run = module_runner(module)
    run_module(module, lambda progress: ensure_timeouts(run, module.params, module.check_mode, progress))


if __name__ == "__main__":
    main()
