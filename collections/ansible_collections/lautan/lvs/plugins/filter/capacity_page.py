# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter lautan.lvs.capacity_page."""

from __future__ import annotations

DOCUMENTATION = r"""
name: capacity_page
short_description: Draw a capacity plan for a page
version_added: 0.1.0
author: lautan.lvs contributors
description:
  - Meant for the page of C(playbooks/capacity.yml).
options:
  _input:
    description: The plan, as P(lautan.lvs.capacity_plan#filter) returned it, without mistakes.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Draw it
  ansible.builtin.set_fact:
    plots: "{{ (capacity_schools | lautan.lvs.capacity_plan | lautan.lvs.capacity_page).plots }}"
"""

RETURN = r"""
_value:
  description: The parts of a page.
  type: dict
  contains:
    style:
      description: The CSS that the plots need.
      type: str
    plots:
      description: The plots as SVG.
      type: list
      elements: str
    heads:
      description: The heads of the table of links.
      type: list
      elements: str
    rows:
      description: Its rows, as text. V(null) is nothing.
      type: list
      elements: list
    verdict:
      description: What follows from it, in sentences.
      type: list
      elements: str
"""

from ansible_collections.lautan.lvs.plugins.plugin_utils._capacity_report import capacity_page


class FilterModule:
    """Jinja2 filters of the collection."""

    def filters(self):
        return {"capacity_page": capacity_page}
