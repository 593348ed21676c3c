# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter lautan.lvs.benchmark_report."""

from __future__ import annotations

DOCUMENTATION = r"""
name: benchmark_report
short_description: Write the report of a benchmark
version_added: 0.1.0
author: lautan.lvs contributors
description:
  - Makes a page with plots and tables, the figures as CSV, and a summary in words from what was measured.
  - A figure is the median of rounds with a bootstrap interval of 95 %. Where rounds lie too far apart, or something
    else makes a figure not to be believed, there are words instead that say why.
options:
  _input:
    description:
      - The results, as role P(lautan.lvs.benchmark#role) keeps them in C(results.json).
      - C(format) is V(1). C(made) tells how they came about. C(samples) is a list with what was measured in each round.
        C(timelines) is a list of what clients noticed while something failed, and C(rooms) is one of what people in
        rooms saw.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Write the report once more
  ansible.builtin.copy:
    content: "{{ item.value }}"
    dest: "benchmark/{{ item.key }}"
    mode: "0644"
  loop: "{{ results | lautan.lvs.benchmark_report | dict2items }}"
  loop_control:
    label: "{{ item.key }}"
  vars:
    results: "{{ lookup('ansible.builtin.file', 'benchmark/results.json') | from_json }}"
"""

RETURN = r"""
_value:
  description: The texts of the files.
  type: dict
  contains:
    index.html:
      description: A page that loads nothing and runs nothing.
      type: str
    results.csv:
      description: All figures, one in each line. One that is too noisy has no number.
      type: str
    summary.txt:
      description: What was measured on what, what came out, and what to be careful about.
      type: str
"""

from ansible.errors import AnsibleFilterError

from ansible_collections.lautan.lvs.plugins.plugin_utils._benchmark_report import benchmark_report as report
from ansible_collections.lautan.lvs.plugins.plugin_utils._benchmark_results import ResultsError


def benchmark_report(results):
    try:
        return report(results)
    except ResultsError as exc:
        raise AnsibleFilterError(f"lautan.lvs.benchmark_report: {exc}") from exc


class FilterModule:
    """Jinja2 filters of the collection."""

    def filters(self):
        return {"benchmark_report": benchmark_report}
