# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter lautan.lvs.cluster_status."""

from __future__ import annotations

DOCUMENTATION = r"""
name: cluster_status
short_description: Tell how a cluster is, for people and for programs
version_added: 0.1.0
author: lautan.lvs contributors
description:
  - Takes a plan of P(lautan.lvs.cluster_plan#filter), the verdict of P(lautan.lvs.cluster_state#filter), and figures
    from the hosts.
  - Meant for C(playbooks/status.yml). Virtual services are as the director has them that holds the virtual IPs.
positional: state, directors, real_servers, now
options:
  _input:
    description: The plan.
    type: dict
    required: true
  state:
    description: What P(lautan.lvs.cluster_state#filter) returned.
    type: dict
    required: true
  directors:
    description:
      - By host name, C(seen) (what the C(observe) tasks of P(lautan.lvs.director#role) left in C(director_seen)),
        C(ipvs) (what M(lautan.lvs.ipvs_info) returned) and C(updates) (how many packages have a newer version).
      - Null for one that did not answer.
    type: dict
    required: true
  real_servers:
    description:
      - By host name, C(info) (what M(lautan.lvs.real_server_info) returned), C(updates), and C(certificate_expires) in
        seconds since 1970.
      - Null for one that did not answer.
    type: dict
    required: true
  now:
    description: The time, in seconds since 1970.
    type: float
    required: true
"""

EXAMPLES = r"""
- name: Show it
  ansible.builtin.debug:
    msg: "{{ status | lautan.lvs.status_lines }}"
  vars:
    status: "{{ lvs_plan | lautan.lvs.cluster_status(lvs_state, directors, real_servers, now().timestamp()) }}"
"""

RETURN = r"""
_value:
  description: How the cluster is. Times are in UTC (ISO 8601), or null.
  type: dict
  contains:
    time:
      description: When it was looked at.
      type: str
    ok:
      description: Whether there is no fault.
      type: bool
    faults:
      description: What P(lautan.lvs.cluster_state#filter) found.
      type: list
      elements: str
    domain:
      description: The host name that browsers use.
      type: str
    vips:
      description: The virtual IPs, each with C(address), C(holders) (directors), and C(since).
      type: list
      elements: dict
    directors:
      description: The directors, each with C(name), C(state), C(since), C(connections), C(kernel) and C(updates).
      type: list
      elements: dict
    services:
      description:
        - The virtual services, each with C(name), C(vip), C(protocol), C(port), C(scheduler), C(known) (whether a
          director holds the virtual IP and told), C(connections_per_second), C(bytes_in_per_second),
          C(active_connections), and C(real_servers).
        - The C(weight) of a real server is null where it was taken out.
      type: list
      elements: dict
    real_servers:
      description:
        - The real servers, each with C(name), C(state) (V(in service), V(drained), V(down) or V(silent)), C(reason) and
          C(since) of a drain, C(down_in) (in how many virtual services it was taken out), C(connections), C(people),
          C(rooms), C(certificate_expires), C(certificate_days) and C(updates).
      type: list
      elements: dict
    rooms:
      description: The rooms, each with C(name), C(title), C(people), and C(real_servers) that these are on.
      type: list
      elements: dict
    people:
      description: How many people are in rooms.
      type: int
"""

from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_status import cluster_status


class FilterModule:
    """Jinja2 filters of the collection."""

    def filters(self):
        return {"cluster_status": cluster_status}
