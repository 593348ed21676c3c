# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter lautan.lvs.drill_plan."""

from __future__ import annotations

DOCUMENTATION = r"""
name: drill_plan
short_description: Say what a drill breaks, and whether it may
version_added: 0.1.0
author: lautan.lvs contributors
description:
  - Meant for role P(lautan.lvs.drill#role).
positional: asked, rules, now
options:
  _input:
    description:
      - The cluster. C(domain) is its name, C(directors) and C(real_servers) are lists of its hosts with C(name) and
        C(address), and C(conference) tells whether there is one.
    type: dict
    required: true
  asked:
    description:
      - What the operator asked for. C(fault) is the name of a fault, several with commas in between, or V(all).
        C(host) is the host that it happens to, or empty. C(confirm) must be the name of the cluster.
        C(force) tells whether the hours do not matter.
    type: dict
    required: true
  rules:
    description:
      - What the inventory says. C(window), C(timezone), C(seconds) and C(limits), as the options of the role.
    type: dict
    required: true
  now:
    description: The time, in seconds since 1970.
    type: float
    required: true
"""

EXAMPLES = r"""
- name: Say what would be broken
  ansible.builtin.debug:
    msg: "{{ cluster | lautan.lvs.drill_plan(asked, rules, now().timestamp()) }}"
  vars:
    cluster:
      domain: conference.example.org
      directors: [{name: director1, address: 192.0.2.11}, {name: director2, address: 192.0.2.12}]
      real_servers: [{name: rs1, address: 192.0.2.21}, {name: rs2, address: 192.0.2.22}]
      conference: true
    asked: {fault: keepalived-stopped, host: "", confirm: conference.example.org, force: false}
    rules: {window: ["Sat 06:00-12:00"], timezone: "", seconds: 20, limits: {}}
"""

RETURN = r"""
_value:
  description: What is to be done.
  type: dict
  contains:
    mistakes:
      description: Why nothing may be broken, one line for each reason.
      type: list
      elements: str
    steps:
      description: What is broken, one after the other.
      type: list
      elements: dict
      contains:
        fault:
          description: The name of the fault.
          type: str
        kind:
          description: The kind of host that it happens to.
          type: str
          choices: [director, real server]
        host:
          description: The host. If empty, the director that holds the virtual IPs, or the first real server.
          type: str
        what:
          description: What happens to it, in words.
          type: str
        undone:
          description: How it is made good, in words.
          type: str
        do:
          description: The same for C(sh) on the host.
          type: str
        undo:
          description: The same for C(sh) on the host.
          type: str
        possible:
          description: A command for C(sh) that fails where it is not possible. None if empty.
          type: str
        reboots:
          description: Whether the host boots.
          type: bool
        optional:
          description: Whether it may be left out where it is not possible.
          type: bool
        limits:
          description: What clients may notice of it.
          type: dict
          sample: {gap: 2, failed: 0, hurt: 10, whole: 300}
"""

from ansible_collections.lautan.lvs.plugins.plugin_utils._drill_plan import drill_plan


class FilterModule:
    """Jinja2 filters of the collection."""

    def filters(self):
        return {"drill_plan": drill_plan}
