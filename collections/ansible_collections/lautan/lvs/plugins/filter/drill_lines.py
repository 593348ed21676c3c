# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter lautan.lvs.drill_lines."""

from __future__ import annotations

DOCUMENTATION = r"""
name: drill_lines
short_description: Write the reports of a drill for a terminal
version_added: 0.1.0
author: lautan.lvs contributors
description:
  - A table, and below it what was not as it should be.
options:
  _input:
    description: The reports, as P(lautan.lvs.drill_report#filter) returned them.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the drills of this term
  ansible.builtin.debug:
    msg: "{{ lookup('ansible.builtin.file', 'drills.jsonl').splitlines() | map('from_json') | lautan.lvs.drill_lines }}"
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
"""

from ansible_collections.lautan.lvs.plugins.plugin_utils._drill_report import drill_lines


class FilterModule:
    """Jinja2 filters of the collection."""

    def filters(self):
        return {"drill_lines": drill_lines}
