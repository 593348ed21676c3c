# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter lautan.lvs.benchmark_timeline."""

from __future__ import annotations

DOCUMENTATION = r"""
name: benchmark_timeline
short_description: Put together what clients noticed over time while something happened
version_added: 0.1.0
author: lautan.lvs contributors
description:
  - Meant for C(playbooks/timelines.yml).
positional: about
options:
  _input:
    description:
      - What clients noticed. C(history), and C(failed), C(gap) and C(gap_at) of C(noticed), as
        M(lautan.lvs.service_probe) returns them.
    type: dict
    required: true
  about:
    description:
      - What happened. C(event) is its name. C(at) says when it began, in seconds since 1970; by default when clients
        noticed it first. C(until) says when it ended, or C(whole) how many seconds later. C(frames) is text in which
        each line is a JSON object with C(at) and C(fps) (frames a second). C(note) is for readers.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Keep it
  ansible.builtin.set_fact:
    timeline: "{{ load | lautan.lvs.benchmark_timeline({'event': 'drain', 'at': began, 'until': ended}) }}"
"""

RETURN = r"""
_value:
  description: One of the C(timelines) of C(results.json). See C(docs/benchmark.md).
  type: dict
"""

from ansible_collections.lautan.lvs.plugins.plugin_utils._benchmark_timeline import benchmark_timeline


class FilterModule:
    """Jinja2 filters of the collection."""

    def filters(self):
        return {"benchmark_timeline": benchmark_timeline}
