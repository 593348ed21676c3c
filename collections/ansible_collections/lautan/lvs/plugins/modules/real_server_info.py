#!/usr/bin/python
# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: real_server_info
short_description: Tell what a real server is busy with
version_added: 0.1.0
author:
  - lautan.lvs contributors (@lautan)
description:
  - Counts the TCP connections that clients have to the virtual IPs on this host, and the people in its rooms.
  - It is the real server that knows. With direct routing a director sees one direction only, and takes a connection
    for alive for many minutes after the client has vanished.
options:
  vips:
    description: The virtual IPs. With NAT, where real servers have none, the addresses of the host itself.
    type: list
    elements: str
    required: true
  ports:
    description: The ports that clients come to. Any port if there are none here.
    type: list
    elements: int
    default: []
  not_clients:
    description: Addresses from which others come to the same ports, such as the directors with their health checks.
    type: list
    elements: str
    default: []
  signalling_port:
    description: The port on which Janus takes WebSockets. The web server has one connection there for each of its own.
    type: int
    default: 8188
  turn_ports:
    description: The ports on which coturn takes TCP.
    type: list
    elements: int
    default: [3478, 5349]
  janus_url:
    description: Janus' admin API, as this host reaches it.
    type: str
    default: http://127.0.0.1:7088/admin
  janus_admin_secret:
    description: What the admin API asks for. Without it nobody is looked for in rooms.
    type: str
extends_documentation_fragment:
  - lautan.lvs._attributes
  - lautan.lvs._attributes.info_module
  - lautan.lvs._attributes.actiongroup_lvs
requirements:
  - iproute2
notes:
  - A Janus that does not run has no people in its rooms.
  - Media come over UDP, which has no connections. Who sends any is in a room.
seealso:
  - module: lautan.lvs.real_server_drain
  - module: lautan.lvs.janus_info
  - name: ss(8)
    description: How connections are counted.
    link: https://manpages.debian.org/stable/iproute2/ss.8.en.html
"""

EXAMPLES = r"""
- name: Wait until a drained real server is idle, a minute at most, and show how far it is
  lautan.lvs.real_server_info:
    vips: [192.0.2.100]
    janus_admin_secret: "{{ webrtc_admin_secret }}"
  loop: "{{ range(60, 0, -2) | list }}"
  loop_control:
    pause: 2
    label: "{{ busy.people }} people, {{ busy.connections.total }} connections; {{ item }} s left"
    break_when: busy.idle
  register: busy
"""

RETURN = r"""
idle:
  description: Whether there is neither a connection nor anybody in a room.
  returned: success
  type: bool
  sample: false
connections:
  description: The TCP connections of clients.
  returned: success
  type: dict
  contains:
    total:
      description: How many there are.
      type: int
      sample: 7
    websockets:
      description: Those of pages in rooms, on this real server or on another one.
      type: int
      sample: 4
    turn:
      description: Those that carry media, by TURN.
      type: int
      sample: 1
    other:
      description: The rest, which are requests under way and connections that browsers keep for the next one.
      type: int
      sample: 2
people:
  description: How many people are in rooms here.
  returned: success
  type: int
  sample: 3
rooms:
  description: The rooms with people in them, and how many these are.
  returned: success
  type: dict
  sample: {"blue": 2, "red": 1}
errors:
  description: The options that are wrong.
  returned: failure because of the options
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.lautan.lvs.plugins.module_utils._real_server_info.connections import (
    SIGNALLING_PORT,
    TURN_PORTS,
)
from ansible_collections.lautan.lvs.plugins.module_utils._real_server_info.glue import run_module


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "vips": {"type": "list", "elements": "str", "required": True},
            "ports": {"type": "list", "elements": "int", "default": []},
            "not_clients": {"type": "list", "elements": "str", "default": []},
            "signalling_port": {"type": "int", "default": SIGNALLING_PORT},
            "turn_ports": {"type": "list", "elements": "int", "default": list(TURN_PORTS)},
            "janus_url": {"type": "str", "default": "http://127.0.0.1:7088/admin"},
            "janus_admin_secret": {"type": "str", "no_log": True},
        },
        supports_check_mode=True,
    )
    run_module(module)


if __name__ == "__main__":
    main()
