# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: metrics_program
author:
  - lautan.lvs contributors (@lautan)
version_added: 0.1.0
short_description: The program that tells Prometheus how a host of the cluster is
description:
  - Gives the text of one Python file that holds the code of this collection's modules for VRRP, IPVS, keepalived,
    Janus and connections, and what makes metrics of it. A host with Python needs nothing else.
  - C(python3 FILE DIRECTORY) unpacks it, so that Python compiles it once and not each time. Then the module
    C(ansible_collections.lautan.lvs.plugins.module_utils._metrics.program) in that directory writes the metrics.
  - It is the same text as long as the code is the same. The role P(lautan.lvs.monitoring#role) installs it.
options:
  _terms:
    description: None.
"""

EXAMPLES = r"""
- name: Write the program
  ansible.builtin.copy:
    content: "{{ lookup('lautan.lvs.metrics_program') }}"
    dest: /usr/local/lib/lautan-metrics.py
    mode: "0644"
"""

RETURN = r"""
_raw:
  description: The text, as the only element.
  type: list
  elements: str
"""

from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ansible_collections.lautan.lvs.plugins.plugin_utils._metrics_program import program


class LookupModule(LookupBase):
    """Ansible's entry point."""

    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        if terms or kwargs:
            raise AnsibleLookupError("lautan.lvs.metrics_program takes no arguments")
        return [program()]
