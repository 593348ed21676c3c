# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter lautan.lvs.cluster_state."""

from __future__ import annotations

DOCUMENTATION = r"""
name: cluster_state
short_description: Compare what was seen on the hosts of a cluster with its plan
version_added: 0.1.0
author: lautan.lvs contributors
description:
  - Takes a plan of P(lautan.lvs.cluster_plan#filter) and what the roles' C(observe) tasks saw.
  - Says every difference.
  - Meant for C(playbooks/verify.yml).
positional: directors, real_servers, served, firewalls, conferences, closed, metrics
options:
  _input:
    description: The plan.
    type: dict
    required: true
  directors:
    description: By host name, what the C(observe) tasks of P(lautan.lvs.director#role) left in C(director_seen).
    type: dict
    required: true
  real_servers:
    description:
      - By host name, what the C(observe) tasks of P(lautan.lvs.real_server#role) left in C(real_server_seen).
    type: dict
    required: true
  served:
    description: Requests that the controller sent to VIPs, each with C(vip), C(status), C(server) and C(error).
    type: list
    elements: dict
    required: true
  firewalls:
    description: By host name, what the C(observe) tasks of P(lautan.lvs.firewall#role) left in C(firewall_seen).
    type: dict
    required: true
  conferences:
    description:
      - By host name, what the C(observe) tasks of P(lautan.lvs.webrtc#role) and P(lautan.lvs.turn#role) left in
        C(webrtc_seen) and C(turn_seen), together.
    type: dict
    required: true
  closed:
    description:
      - The names of the real servers that take no rooms. For those, the C(observe) tasks of P(lautan.lvs.webrtc#role)
        left V(true) in C(webrtc_closed).
    type: list
    elements: str
    required: true
  metrics:
    description:
      - By host name, what the C(observe) tasks of P(lautan.lvs.monitoring#role) left in C(monitoring_seen).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Say what is wrong
  ansible.builtin.debug:
    msg: "{{ state.faults }}"
  vars:
    state: >-
      {{ lvs_plan
         | lautan.lvs.cluster_state(directors, real_servers, served, firewalls, conferences, closed, metrics) }}
"""

RETURN = r"""
_value:
  description: What was found.
  type: dict
  contains:
    faults:
      description: One line for each difference; empty when the cluster is as planned and serves.
      type: list
      elements: str
    summary:
      description:
        - Who holds the VIPs and who answered, in a few lines.
        - If the VIPs have more than one home, also which of them are not at home. That is not a fault.
      type: list
      elements: str
"""

from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_state import compare


class FilterModule:
    """Jinja2 filters of the collection."""

    def filters(self):
        return {"cluster_state": compare}
