# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter lautan.lvs.benchmark_runs."""

from __future__ import annotations

DOCUMENTATION = r"""
name: benchmark_runs
short_description: Say which runs a round of a benchmark has, in which order
version_added: 0.1.0
author: lautan.lvs contributors
description:
  - Meant for role P(lautan.lvs.benchmark#role).
  - The order is that of chance, another one in each round, and the same one whenever the seed is the same.
positional: kind, number, done, asked
options:
  _input:
    description: What P(lautan.lvs.benchmark_plan#filter) returned.
    type: dict
    required: true
  kind:
    description: Those that show the throughput, or those that show the response time.
    type: str
    choices: [closed, open]
    required: true
  number:
    description: The number of the round, from 1.
    type: int
    required: true
  done:
    description:
      - What one load host has done so far. Each has C(runs), which this filter returned, and C(results), which
        M(lautan.lvs.benchmark_load) returned. The loads that are offered follow from what LVS-DR with all real servers
        could do in the first round.
    type: list
    elements: dict
    required: true
  asked:
    description:
      - C(director) is the address of the active director, C(seed) a number, and C(load_hosts) says how many load hosts
        share what is offered.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Measure the throughput
  lautan.lvs.benchmark_load:
    runs: "{{ benchmark_planned | lautan.lvs.benchmark_runs('closed', 1, [], asked) | map(attribute='run') }}"
"""

RETURN = r"""
_value:
  description: The runs.
  type: list
  elements: dict
  contains:
    run:
      description: One of the O(lautan.lvs.benchmark_load#module:runs) of the module.
      type: dict
    about:
      description:
        - What it measures. C(workload), C(path), C(scheduler), C(servers) (how many), C(round) and C(offered) (requests
          in a second by all load hosts, V(null) for as many as are answered).
      type: dict
    group:
      description: How profiles call the way.
      type: str
"""

from ansible_collections.lautan.lvs.plugins.plugin_utils._benchmark_plan import benchmark_runs


class FilterModule:
    """Jinja2 filters of the collection."""

    def filters(self):
        return {"benchmark_runs": benchmark_runs}
