# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter lautan.lvs.status_lines."""

from __future__ import annotations

DOCUMENTATION = r"""
name: status_lines
short_description: Write the status of a cluster for a terminal
version_added: 0.1.0
author: lautan.lvs contributors
description:
  - Takes what P(lautan.lvs.cluster_status#filter) returned.
options:
  _input:
    description: The status.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show it
  ansible.builtin.debug:
    msg: "{{ lvs_status | lautan.lvs.status_lines }}"
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
"""

from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_status import status_lines


class FilterModule:
    """Jinja2 filters of the collection."""

    def filters(self):
        return {"status_lines": status_lines}
