#!/usr/bin/python
# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: janus_info
short_description: Tell what goes on in the Janus of a host
version_added: 0.1.0
author:
  - lautan.lvs contributors (@lautan)
description:
  - Asks Janus' admin API for its sessions, its video rooms and the people in them.
options:
  url:
    description: The admin API, as this host reaches it.
    type: str
    default: http://127.0.0.1:7088/admin
  admin_secret:
    description: What the admin API asks for.
    type: str
    required: true
extends_documentation_fragment:
  - lautan.lvs._attributes
  - lautan.lvs._attributes.info_module
  - lautan.lvs._attributes.actiongroup_lvs
requirements:
  - Janus 1.1.2 with string names for rooms, as M(lautan.lvs.janus_room) configures it
notes:
  - A Janus that does not run is told of by RV(running), not by a failure.
seealso:
  - module: lautan.lvs.janus_room
  - name: Janus' admin API
    description: What is asked there.
    link: https://janus.conf.meetecho.com/docs/admin.html
"""

EXAMPLES = r"""
- name: Ask Janus
  lautan.lvs.janus_info:
    admin_secret: "{{ webrtc_admin_secret }}"
  register: janus

- name: Wait until nobody is in a conference on this host
  lautan.lvs.janus_info:
    admin_secret: "{{ webrtc_admin_secret }}"
  register: janus
  until: janus.people == 0
  retries: 60
  delay: 10
"""

RETURN = r"""
running:
  description: Whether Janus runs. If not, the rest is null, zero or empty.
  returned: success
  type: bool
  sample: true
name:
  description: What it calls itself.
  returned: success
  type: str
  sample: rs1
version:
  description: Its version.
  returned: success
  type: str
  sample: 1.1.2
accepting:
  description: Whether it accepts new sessions.
  returned: success
  type: bool
  sample: true
sessions:
  description: The sessions, by number. Each page has one, whether it has joined a room yet or not.
  returned: success
  type: list
  elements: int
  sample: [250326829998686]
people:
  description: How many people are in rooms.
  returned: success
  type: int
  sample: 1
rooms:
  description: The video rooms.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name.
      type: str
      sample: blue
    title:
      description: What people see.
      type: str
      sample: The blue room
    pin:
      description: Whether a PIN is asked for.
      type: bool
      sample: true
    publishers:
      description: How many may send at the same time.
      type: int
      sample: 12
    bitrate:
      description: What each may send, in bits per second.
      type: int
      sample: 600000
    participants:
      description: Who is there.
      type: list
      elements: dict
      contains:
        id:
          description: The id in the room.
          type: str
          sample: 1981b094-e6c5-473a-951b-1662975323b3
        name:
          description: The name that was given. Null if none was.
          type: str
          sample: Siti
        sending:
          description: Whether media comes from there.
          type: bool
          sample: true
        speaking:
          description: Whether something is heard from there.
          type: bool
          sample: false
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.lautan.lvs.plugins.module_utils._janus.glue import run_info


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "url": {"type": "str", "default": "http://127.0.0.1:7088/admin"},
            "admin_secret": {"type": "str", "required": True, "no_log": True},
        },
        supports_check_mode=True,
    )
    run_info(module)


if __name__ == "__main__":
    main()
