# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter lautan.lvs.benchmark_samples."""

from __future__ import annotations

DOCUMENTATION = r"""
name: benchmark_samples
short_description: Put together what load hosts measured, and what hosts did meanwhile
version_added: 0.1.0
author: lautan.lvs contributors
description:
  - Meant for role P(lautan.lvs.benchmark#role).
positional: told, roles
options:
  _input:
    description:
      - By the name of a load host, a list of what it did. Each has C(runs) of P(lautan.lvs.benchmark_runs#filter) and
        their C(results). All load hosts did the same runs.
    type: dict
    required: true
  told:
    description: By the name of a host, what its witness wrote, compressed by gzip and in base64.
    type: dict
    required: true
  roles:
    description: The name of the active C(director), and those of the C(real_servers).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Put it together
  ansible.builtin.set_fact:
    samples: "{{ done | lautan.lvs.benchmark_samples(told, roles) }}"
"""

RETURN = r"""
_value:
  description: The C(samples) of C(results.json), one for each run. See C(docs/benchmark.md).
  type: list
  elements: dict
"""

from ansible_collections.lautan.lvs.plugins.plugin_utils._benchmark_samples import benchmark_samples


class FilterModule:
    """Jinja2 filters of the collection."""

    def filters(self):
        return {"benchmark_samples": benchmark_samples}
