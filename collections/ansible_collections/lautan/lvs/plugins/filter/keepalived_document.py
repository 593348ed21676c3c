# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter lautan.lvs.keepalived_document."""

from __future__ import annotations

DOCUMENTATION = r"""
name: keepalived_document
short_description: Read a keepalived.conf as typed data
version_added: 0.1.0
author: lautan.lvs contributors
description:
  - Takes the text of a keepalived.conf(5) and gives the data that M(lautan.lvs.keepalived_config) takes.
  - Names everything that is not in the data, each with its line.
  - Definitions such as C($VIP=192.0.2.100) are replaced by what they stand for.
    C(include), C(~SEQ), C(~LST) and definitions of several lines are not followed.
  - The data has the secrets that the text has.
options:
  _input:
    description: The text.
    type: str
    required: true
  config_id:
    description:
      - What keepalived is given as C(--config-id). Lines such as C(@other priority 100) are then read or left out
        as keepalived does. Without it, they are named.
    type: str
"""

EXAMPLES = r"""
- name: See what could not be read
  ansible.builtin.debug:
    msg: "{{ (lookup('ansible.builtin.file', 'keepalived.conf') | lautan.lvs.keepalived_document).unrepresented }}"
"""

RETURN = r"""
_value:
  description: What was read.
  type: dict
  contains:
    config:
      description: The data, for O(lautan.lvs.keepalived_config#module:config).
      type: dict
    unrepresented:
      description: One line for each construct that is not in the data; empty if everything is.
      type: list
      elements: str
"""

from ansible.errors import AnsibleFilterError

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.parse import parse


def keepalived_document(text, config_id=None):
    """Read a file. :raises AnsibleFilterError: if it is not text."""
    if not isinstance(text, str):
        raise AnsibleFilterError(f"keepalived_document: the text of a file is needed, not {type(text).__name__}")
    imported = parse(text, config_id)
    return {"config": imported.document, "unrepresented": [str(problem) for problem in imported.problems]}


class FilterModule:
    """Jinja2 filters of the collection."""

    def filters(self):
        return {"keepalived_document": keepalived_document}
