#!/usr/bin/python
# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: keepalived_table
short_description: Find and repair differences between keepalived and the kernel's IPVS table
version_added: 0.1.0
author:
  - lautan.lvs contributors (@lautan)
description:
  - Makes the kernel's IPVS table what the running keepalived means it to be.
    What somebody changed behind its back with ipvsadm(8) stays otherwise,
    because keepalived never looks at the table again, not even when it is reloaded.
  - Compared are the virtual services with scheduler, flags, persistence and one-packet scheduling,
    and the real servers with forwarding method, weight and thresholds.
    That is done for every C(virtual_server), by address, firewall mark or group.
  - keepalived itself is asked which real servers it has in service and with what weight.
    A real server that it has taken out because its health check fails is not put back,
    and a weight that a health check has set stays.
    Where there is a C(sorry_server), C(quorum) decides who is meant to be there, and so does C(inhibit_on_failure).
  - In check mode the differences are told. Otherwise they are repaired by the smallest change in place,
    and both keepalived and the table are looked at again, until a look finds no difference.
    Services and real servers that are as they should be, and their connections, are not touched.
  - keepalived is neither reloaded nor restarted.
options:
  path:
    description:
      - keepalived's configuration, an absolute path.
      - It is compared with what keepalived runs with. Only the persistence engine is taken from it,
        which keepalived does not tell.
    type: path
    default: /etc/keepalived/keepalived.conf
  purge:
    description:
      - Whether virtual services of the kernel are removed that keepalived does not have.
      - They are in RV(differences) in either case. keepalived is the one owner of the table where it runs,
        so such a service is a difference as well. It stays by default because nothing says who added it, and what for.
      - Real servers that keepalived does not have in service are always removed from its own virtual services.
        Nothing checks the health of the ones, and the others failed.
    type: bool
    default: false
extends_documentation_fragment:
  - lautan.lvs._attributes
  - lautan.lvs._attributes.actiongroup_lvs
requirements:
  - keepalived 2.2.7 or later, run by systemd as C(keepalived.service)
  - ipvsadm 1.31
notes:
  - Must run as root.
  - keepalived's checker process gets the signal C(SIGUSR1), twice for each look at the table, and writes its state to
    C(/tmp/keepalived_check.data), in its own C(/tmp) if it has one, or in its C(TMPDIR). Its log says that it did.
    A file that is older than the signal, that keepalived has not finished, that root does not own,
    or that is no regular file is not taken for it.
  - If script security is enabled, keepalived looks up its script user when it is asked. If there is none it takes that
    for a mistake in its configuration, and ends at its next reload.
    So it is not asked, and the module fails, unless O(path) has C(script_user) or there is a user C(keepalived_script).
    P(lautan.lvs.director#role) makes that user.
  - What was written is understood in the form that releases from 2.2.7 to 2.4.3 have.
    If there is nothing to understand within ten seconds, nothing is changed and the module fails.
    RV(differences) then has what can be said without it, from O(path) alone. It lacks missing real servers and weights.
    That is so with C(state_dump_file), with C(data_use_instance), and where keepalived has no virtual server.
  - A health check may fail at any moment. keepalived is asked before and after the table is read,
    and if the answers differ, all of it is done again, at most five times.
  - O(path) must be a file that M(lautan.lvs.keepalived_config) could have written. C(include) is not followed.
    The module fails if keepalived runs in another network namespace (C(net_namespace), C(net_namespace_ipvs)),
    and if C(nftables_ipvs) has it choose the firewall marks of groups.
  - keepalived does not tell the kernel of thresholds that a reload has changed
    until the real server has failed and recovered. That is a difference, and is repaired.
seealso:
  - module: lautan.lvs.keepalived_config
  - module: lautan.lvs.ipvs_table
  - plugin: lautan.lvs.cluster_state
    plugin_type: filter
  - name: ipvsadm(8)
    description: The words that RV(differences) and RV(commands) are made of.
    link: https://manpages.debian.org/stable/ipvsadm/ipvsadm.8.en.html
  - name: keepalived.conf(5)
    description: The meaning of C(virtual_server) and all that is in it.
    link: https://manpages.debian.org/stable/keepalived/keepalived.conf.5.en.html
"""

EXAMPLES = r"""
- name: Tell what somebody changed by hand
  lautan.lvs.keepalived_table:
  check_mode: true
  register: found

- name: Show it
  ansible.builtin.debug:
    var: found.differences

- name: Repair everything but services that keepalived does not have
  lautan.lvs.keepalived_table:

- name: Have nothing in the table that is not keepalived's
  lautan.lvs.keepalived_table:
    purge: true
"""

RETURN = r"""
differences:
  description:
    - Every difference that was found in the beginning, whether it was repaired or not. Empty if there is none.
    - Each begins with the virtual service, and the real server if it is about one, in the words of C(ipvsadm).
    - Those about services that keepalived does not have stay unless O(purge=true).
  returned: always
  type: list
  elements: str
  sample:
    - "-t 192.0.2.100:443 -r 192.0.2.21:443: `-g -w 7` instead of `-g -w 1`"
    - "-t 192.0.2.100:443 -r 192.0.2.22:443: is missing, but keepalived has it in service"
    - "-u 192.0.2.100:53: is there, but keepalived has no such virtual server"
commands:
  description:
    - The commands that were executed, or in check mode would be, in their order.
    - C(ipvsadm) gets them through C(ipvsadm -R), all at once.
    - After a failure, those that the kernel has accepted.
  returned: always
  type: list
  elements: str
  sample:
    - ipvsadm -e -t 192.0.2.100:443 -r 192.0.2.21:443 -g -w 1
unread:
  description:
    - The virtual servers that are others in O(path) than keepalived runs with. The table is compared with the latter.
    - keepalived has not read the file since it was changed, or has refused it. A reload brings them together.
  returned: always
  type: list
  elements: str
  sample:
    - "virtual server -t 192.0.2.100:443: is another one in the file"
expected:
  description: The table that keepalived means, as lines of C(ipvsadm -Sn). Those that have thresholds end with them.
  returned: success
  type: list
  elements: str
  sample:
    - -A -t 192.0.2.100:443 -s mh -b mh-fallback,mh-port
    - -a -t 192.0.2.100:443 -r 192.0.2.21:443 -g -w 1
diff:
  description: The services that changed, with their real servers, as lines of C(ipvsadm -Sn) with thresholds.
  returned: in diff mode
  type: dict
  contains:
    before:
      description: The lines before the change.
      type: str
    after:
      description: The lines after the change.
      type: str
    before_header:
      description: Where they are from.
      type: str
    after_header:
      description: The same.
      type: str
errors:
  description: Everything that is wrong with the file and the host, or everything that differs after the change.
  returned: failure, unless a command failed, or keepalived did not tell its state
  type: list
  elements: str
  sample:
    - "keepalived.service is inactive, so there is nothing that the table could be compared with"
not_applied:
  description: The commands that the kernel has not accepted. Null if that could not be found out.
  returned: failure of C(ipvsadm) during the change
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived_table.glue import run_module


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "default": "/etc/keepalived/keepalived.conf"},
            "purge": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    run_module(module)


if __name__ == "__main__":
    main()
