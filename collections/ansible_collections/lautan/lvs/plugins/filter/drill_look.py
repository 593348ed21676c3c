# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter lautan.lvs.drill_look."""

from __future__ import annotations

DOCUMENTATION = r"""
name: drill_look
short_description: Say how directors are, whether the cluster is whole, and who is to be broken
version_added: 0.1.0
author: lautan.lvs contributors
description:
  - Meant for role P(lautan.lvs.drill#role).
positional: said, step, before
options:
  _input:
    description:
      - The cluster. C(directors) and C(real_servers) are lists of its hosts with C(name) and C(address), and C(vips) is
        the list of its virtual IPs.
    type: dict
    required: true
  said:
    description:
      - By director, what its shell printed, which is systemd's word for keepalived, its addresses, C(--), and the
        sorted output of C(ipvsadm --save --numeric). V(null) for a director that did not answer.
    type: dict
    required: true
  step:
    description: One of the steps of P(lautan.lvs.drill_plan#filter), to know whom it is to happen to.
    type: dict
  before:
    description: What this filter returned before the fault, to know whether the cluster is whole again.
    type: dict
"""

EXAMPLES = r"""
- name: Say what is not whole
  ansible.builtin.debug:
    msg: "{{ (cluster | lautan.lvs.drill_look(said, before=before)).left }}"
"""

RETURN = r"""
_value:
  description: What there is.
  type: dict
  contains:
    holders:
      description: By virtual IP, the directors that have it.
      type: dict
      sample: {192.0.2.100: [director1]}
    sums:
      description: By director, the checksum of its table.
      type: dict
    in_service:
      description: The real servers that every director sends something to.
      type: list
      elements: str
    left:
      description: What is not whole, one line for each.
      type: list
      elements: str
    victim:
      description: Who is to be broken. Empty without O(step).
      type: str
    refusal:
      description: Why it must not be. Empty if it may be.
      type: str
"""

from ansible_collections.lautan.lvs.plugins.plugin_utils._drill_look import drill_look


class FilterModule:
    """Jinja2 filters of the collection."""

    def filters(self):
        return {"drill_look": drill_look}
