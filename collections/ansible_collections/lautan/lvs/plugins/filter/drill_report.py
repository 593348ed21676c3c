# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter lautan.lvs.drill_report."""

from __future__ import annotations

DOCUMENTATION = r"""
name: drill_report
short_description: Put together what a fault of a drill has shown, and judge it
version_added: 0.1.0
author: lautan.lvs contributors
description:
  - Meant for role P(lautan.lvs.drill#role).
positional: before, after, run
options:
  _input:
    description: One of the steps of P(lautan.lvs.drill_plan#filter).
    type: dict
    required: true
  before:
    description: What P(lautan.lvs.drill_look#filter) returned before the fault.
    type: dict
    required: true
  after:
    description: What it returned when the cluster was whole again, or at the end of patience.
    type: dict
    required: true
  run:
    description:
      - What was done. C(date), C(impossible) (why the host could not be broken, or nothing), C(happened) (whether it
        really was), C(whole) (after how many seconds the cluster was whole) and C(load) (what
        M(lautan.lvs.service_probe) returned).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Judge
  ansible.builtin.set_fact:
    report: "{{ step | lautan.lvs.drill_report(before, after, run) }}"
"""

RETURN = r"""
_value:
  description: The report. It is what C(drills.jsonl) has one of in each line.
  type: dict
  contains:
    date:
      description: When it began.
      type: str
    fault:
      description: The name of the fault.
      type: str
    victim:
      description: The host that was broken.
      type: str
    before:
      description: By virtual IP, the directors that had it before.
      type: dict
    after:
      description: By virtual IP, the directors that had it in the end.
      type: dict
    whole:
      description: After how many seconds the cluster was whole again. V(null) if it was not.
      type: float
    load:
      description:
        - What clients noticed. C(requests), C(failed), C(slow), C(gap), C(gap_at), C(held_gap), C(held_server),
          C(error) and C(seconds) are those of M(lautan.lvs.service_probe). C(hurt) is the number of seconds in which
          requests were sent that failed. C(held) tells in words what became of the held connection. C(history) is there
          if the module was asked for it.
        - V(null) if nothing was broken, or if it is not known.
      type: dict
    missed:
      description: What was not as it should be, such as limits, one line for each.
      type: list
      elements: str
    skipped:
      description: Why nothing was broken. Empty if it was.
      type: str
"""

from ansible_collections.lautan.lvs.plugins.plugin_utils._drill_report import drill_report


class FilterModule:
    """Jinja2 filters of the collection."""

    def filters(self):
        return {"drill_report": drill_report}
