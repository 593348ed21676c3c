#!/usr/bin/python
# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: janus_room
short_description: Manage the video rooms of the Janus of a host
version_added: 0.1.0
author:
  - lautan.lvs contributors (@lautan)
description:
  - Sees to it that Janus has rooms, both the one that runs and the file that it reads when it starts.
  - Where it can, it changes rooms without disturbing the people in them. Janus can change the O(rooms[].title),
    O(rooms[].publishers), O(rooms[].bitrate) and O(rooms[].secret) of a room that is there, and set or change its
    O(rooms[].pin). Who is in the room stays there; a new limit holds for those who come or begin to send afterwards.
  - To take a O(rooms[].pin) away, a room has to be made anew. Whoever is in it is sent out, so that is done only to
    empty rooms unless O(force=true). Rooms that were made by other means may have to be made anew as well.
  - If Janus does not run, only the file is written.
options:
  rooms:
    description: The rooms.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - The name, which identifies the room.
          - Up to 63 small letters, digits and hyphens; the first is no hyphen.
        type: str
        required: true
      title:
        description: What people see. O(rooms[].name) if it is empty.
        type: str
      pin:
        description: What people must know to come in. If it is empty, nothing is asked for.
        type: str
      secret:
        description:
          - What a moderator must know to mute or remove somebody.
          - If it is empty, nobody can moderate the room, because it gets a secret that nobody is told.
        type: str
      publishers:
        description: How many people may be seen and heard at the same time.
        type: int
        default: 12
      bitrate:
        description: What each of them may send at most, in bits per second of video.
        type: int
        default: 600000
  purge:
    description: Whether to remove the rooms that are not in O(rooms).
    type: bool
    default: false
  force:
    description:
      - Whether to remove rooms, or make them anew, with people in them. They are sent out.
      - If not, the module fails before it has changed anything, and names the rooms.
    type: bool
    default: false
  live:
    description:
      - Whether to see to the rooms of a Janus that runs.
      - If not, only the file is written, for a Janus that is to be restarted.
    type: bool
    default: true
  admin_key:
    description:
      - What Janus wants to see before it makes a room. The module puts it into the file.
      - A Janus that runs with another one cannot be changed. See RV(restart_required).
    type: str
    required: true
  admin_secret:
    description: What the admin API asks for.
    type: str
    required: true
  url:
    description: The admin API, as this host reaches it.
    type: str
    default: http://127.0.0.1:7088/admin
  path:
    description: The file that the video room plugin reads when Janus starts. It is written whole.
    type: path
    default: /etc/janus/janus.plugin.videoroom.jcfg
  group:
    description: The group that may read O(path). The file belongs to root, and nobody else may read it.
    type: str
    default: janus
extends_documentation_fragment:
  - lautan.lvs._attributes
  - lautan.lvs._attributes.actiongroup_lvs
requirements:
  - Janus 1.1.2, as the role P(lautan.lvs.webrtc#role) configures it
notes:
  - All rooms accept only people with a signed token, and what they send is VP8 and Opus.
  - Janus does not tell secrets and PINs. Those in O(path) are taken for those that Janus has. A moderator who changes
    one by Janus' API is not noticed; when Janus is started again, it is as it is here.
  - In a cluster of P(lautan.lvs.webrtc#role), nginx leads people only to the rooms of the inventory. So a room that is
    to last is made there; what this module alone makes is undone by the next deployment.
  - PINs can be tried here as fast as Janus answers. The roles give it keys in their place.
  - Rooms in O(path) that are kept, because O(purge=false), keep all their settings.
seealso:
  - module: lautan.lvs.janus_info
  - name: Janus' video room plugin
    description: What rooms can do.
    link: https://janus.conf.meetecho.com/docs/videoroom.html
"""

EXAMPLES = r"""
- name: Have these rooms and no others
  lautan.lvs.janus_room:
    rooms:
      - name: blue
        title: The blue room
        pin: "1234"
        secret: "{{ vault_blue_moderator }}"
      - name: assembly
        publishers: 4
        bitrate: 1200000
    purge: true
    admin_key: "{{ webrtc_room_admin_key }}"
    admin_secret: "{{ webrtc_admin_secret }}"

- name: Add a room
  lautan.lvs.janus_room:
    rooms: [{name: green}]
    admin_key: "{{ webrtc_room_admin_key }}"
    admin_secret: "{{ webrtc_admin_secret }}"
"""

RETURN = r"""
commands:
  description:
    - What was done in the running Janus, or in check mode would be, without secrets.
    - C(edit) disturbs nobody; C(destroy) followed by C(create) is a room that is made anew.
  returned: always
  type: list
  elements: str
  sample: [create green, edit blue bitrate=500000 pin]
live:
  description: Whether the rooms of a running Janus were seen to. If not, they are there when it is started.
  returned: success
  type: bool
  sample: true
restart_required:
  description: Whether Janus runs with another O(admin_key), or with numbers for names, and has to be restarted.
  returned: success
  type: bool
  sample: false
errors:
  description: Each mistake, or each difference that was left, on its own.
  returned: when there are any
  type: list
  elements: str
  sample: ["room blue would be removed with 3 people in it: wait until they have left, or force it"]
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.lautan.lvs.plugins.module_utils._janus.glue import run_room


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "rooms": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "name": {"type": "str", "required": True},
                    "title": {"type": "str"},
                    "pin": {"type": "str", "no_log": True},
                    "secret": {"type": "str", "no_log": True},
                    "publishers": {"type": "int", "default": 12},
                    "bitrate": {"type": "int", "default": 600000},
                },
            },
            "purge": {"type": "bool", "default": False},
            "force": {"type": "bool", "default": False},
            "live": {"type": "bool", "default": True},
            "admin_key": {"type": "str", "required": True, "no_log": True},
            "admin_secret": {"type": "str", "required": True, "no_log": True},
            "url": {"type": "str", "default": "http://127.0.0.1:7088/admin"},
            "path": {"type": "path", "default": "/etc/janus/janus.plugin.videoroom.jcfg"},
            "group": {"type": "str", "default": "janus"},
        },
        supports_check_mode=True,
    )
    run_room(module)


if __name__ == "__main__":
    main()
