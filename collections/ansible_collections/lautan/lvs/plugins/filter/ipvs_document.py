# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter lautan.lvs.ipvs_document."""

from __future__ import annotations

DOCUMENTATION = r"""
name: ipvs_document
short_description: Make a document for ipvs_table of lines of ipvsadm
version_added: 0.1.0
author: lautan.lvs contributors
description:
  - Takes what C(ipvsadm -Sn) prints, rules for C(ipvsadm -R), or a shell script of C(ipvsadm) lines.
  - Gives the virtual services with their real servers as O(lautan.lvs.ipvs_table#module:services) takes them,
    in the state in which the last line leaves them.
  - Lines may begin with C(ipvsadm) or a path to it, may have long or short options, quotes and comments,
    and may be continued with a backslash at their end. C(ipvsadm -C) clears the table;
    lines that only list or reset counters are left out.
  - Every line that cannot be represented is an error, with its number and its text. These are other commands,
    variables of the shell, names of hosts, timeouts, sync daemons, and everything that C(ipvsadm) would refuse.
    Names of ports are looked up on the controller.
  - With direct routing and tunnels C(ipvsadm) takes the port of the service whatever port the real server is given,
    and so does the filter.
  - Thresholds are not in what C(ipvsadm -Sn) prints. M(lautan.lvs.ipvs_info) gives them as well.
options:
  _input:
    description: The lines.
    type: str
    required: true
seealso:
  - module: lautan.lvs.ipvs_table
  - module: lautan.lvs.ipvs_info
"""

EXAMPLES = r"""
# lvs.sh:
#   #!/bin/sh
#   ipvsadm -C
#   ipvsadm -A -t 192.0.2.100:https -s wlc -p 300
#   ipvsadm -a -t 192.0.2.100:https -r 192.0.2.21 -g -w 2
- name: Replace a shell script
  lautan.lvs.ipvs_table:
    services: "{{ lookup('ansible.builtin.file', 'lvs.sh') | lautan.lvs.ipvs_document }}"
    purge: table

- name: Show the table of a director as a document
  ansible.builtin.debug:
    msg: "{{ lookup('ansible.builtin.file', 'saved.rules') | lautan.lvs.ipvs_document | to_nice_yaml }}"
"""

RETURN = r"""
_value:
  description: The virtual services with their real servers.
  type: list
  elements: dict
  sample:
    - protocol: tcp
      address: 192.0.2.100
      port: 443
      scheduler: wlc
      persistence_timeout: 300
      real_servers:
        - address: 192.0.2.21
          port: 443
          method: dr
          weight: 2
"""

from ansible.errors import AnsibleFilterError

from ansible_collections.lautan.lvs.plugins.plugin_utils._ipvs_document import LinesError, document_of


def ipvs_document(text):
    if not isinstance(text, str):
        raise AnsibleFilterError(f"lautan.lvs.ipvs_document takes a string, not {type(text).__name__}")
    try:
        return document_of(text)
    except LinesError as exc:
        raise AnsibleFilterError(f"lautan.lvs.ipvs_document: {exc}") from exc


class FilterModule:
    """Jinja2 filters of the collection."""

    def filters(self):
        return {"ipvs_document": ipvs_document}
