# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter lautan.lvs.benchmark_plan."""

from __future__ import annotations

DOCUMENTATION = r"""
name: benchmark_plan
short_description: Say which ways to the real servers a benchmark compares, and whether it can
version_added: 0.1.0
author: lautan.lvs contributors
description:
  - Meant for role P(lautan.lvs.benchmark#role).
positional: asked
options:
  _input:
    description:
      - The cluster. C(domain) is its name, C(vip) its first IPv4 virtual IP, C(forwarding) its forwarding method,
        C(conference) tells whether there is one. C(real_servers) is a list of C(name) and C(address), C(hosts) of the
        names of all its hosts, and C(ports) of those that its services have.
    type: dict
    required: true
  asked:
    description:
      - What is to be measured. C(profile), C(profiles), C(port), C(leave_out), C(uplink_mbit) and C(load_hosts)
        (names), as the options of the role.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Say which ways there are
  ansible.builtin.debug:
    msg: "{{ (cluster | lautan.lvs.benchmark_plan(asked)).paths }}"
"""

RETURN = r"""
_value:
  description: What is to be measured.
  type: dict
  contains:
    mistakes:
      description: Why it cannot be, one line for each reason.
      type: list
      elements: str
    paths:
      description:
        - The ways. C(path) is V(direct), V(dr), V(nat), V(haproxy) or V(nginx), C(scheduler) that of the director,
          C(servers) a list of real servers, C(port) the port of HTTP and the one before that of HTTPS, and C(group) how
          profiles call it.
      type: list
      elements: dict
    ports:
      description: The C(first) and the C(last) port.
      type: dict
    profile:
      description: The profile, without what the cluster does not have.
      type: dict
    vip:
      description: The virtual IP.
      type: str
    domain:
      description: The name of the cluster.
      type: str
"""

from ansible_collections.lautan.lvs.plugins.plugin_utils._benchmark_plan import benchmark_plan


class FilterModule:
    """Jinja2 filters of the collection."""

    def filters(self):
        return {"benchmark_plan": benchmark_plan}
