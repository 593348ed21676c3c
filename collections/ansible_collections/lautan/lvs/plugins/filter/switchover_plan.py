# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter lautan.lvs.switchover_plan."""

from __future__ import annotations

DOCUMENTATION = r"""
name: switchover_plan
short_description: Say which director is to take over what from which
version_added: 0.1.0
author: lautan.lvs contributors
description:
  - Takes a plan of P(lautan.lvs.cluster_plan#filter) and what the directors said of themselves.
  - Says who is master of which VRRP instance, who is to take over, and what M(lautan.lvs.vrrp_switchover) needs for
    that. Afterwards it says whether it is done.
  - Meant for C(playbooks/switchover.yml).
positional: directors, to
options:
  _input:
    description: The plan.
    type: dict
    required: true
  directors:
    description:
      - By host name, a dictionary, or V(null) for a director that does not answer.
      - Its C(vrrp) is what M(lautan.lvs.vrrp_info) returned. Its C(table) is that of
        O(lautan.lvs.vrrp_switchover#module:peers), and is needed before the switchover only.
    type: dict
    required: true
  to:
    description:
      - The name of the director that is to take over all VRRP instances.
        By default the one that is master of none, if there is only one.
      - With V(home), each VRRP instance goes to the director that is its home in the plan.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Say what is to be done
  ansible.builtin.debug:
    msg: "{{ lvs_plan | lautan.lvs.switchover_plan(directors, to='director2') }}"
"""

RETURN = r"""
_value:
  description: What is to be done, or what is not right.
  type: dict
  contains:
    to:
      description: The name of the director that is to take over, or V(home). Empty if that cannot be said.
      type: str
    faults:
      description: Why there can be no switchover, one line for each reason.
      type: list
      elements: str
    moves:
      description:
        - What is to be done, one entry for each pair of directors. They do not depend on each other.
        - Empty if there are faults, or if every VRRP instance is where it is to be, and nowhere else.
      type: list
      elements: dict
      contains:
        from:
          description: The name of the director that is master.
          type: str
        to:
          description: The name of the director that is to take over.
          type: str
        address:
          description: Its address.
          type: str
        instances:
          description: The names of the VRRP instances.
          type: list
          elements: str
      sample: [{from: director1, to: director2, address: 198.18.0.12, instances: [lvs_51]}]
    unsettled:
      description:
        - What is not as it must be when the switchover is done, one line for each.
        - The director to which a VRRP instance goes must be master and hold all of its addresses, and no other
          director may be or do so.
      type: list
      elements: str
    peers:
      description: The directors that answer, for O(lautan.lvs.vrrp_switchover#module:peers).
      type: list
      elements: dict
"""

from ansible_collections.lautan.lvs.plugins.plugin_utils._switchover_plan import switchover_plan


class FilterModule:
    """Jinja2 filters of the collection."""

    def filters(self):
        return {"switchover_plan": switchover_plan}
