# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter lautan.lvs.capacity_lines."""

from __future__ import annotations

DOCUMENTATION = r"""
name: capacity_lines
short_description: Write a capacity plan for a terminal
version_added: 0.1.0
author: lautan.lvs contributors
description:
  - Two tables, and what follows from them.
options:
  _input:
    description: The plan, as P(lautan.lvs.capacity_plan#filter) returned it, without mistakes.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show it
  ansible.builtin.debug:
    msg: "{{ capacity_schools | lautan.lvs.capacity_plan | lautan.lvs.capacity_lines }}"
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
"""

from ansible_collections.lautan.lvs.plugins.plugin_utils._capacity_report import capacity_lines


class FilterModule:
    """Jinja2 filters of the collection."""

    def filters(self):
        return {"capacity_lines": capacity_lines}
