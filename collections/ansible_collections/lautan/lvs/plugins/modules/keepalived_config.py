#!/usr/bin/python
# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: keepalived_config
short_description: Write keepalived's configuration and have keepalived run with it
version_added: 0.1.0
author:
  - lautan.lvs contributors (@lautan)
description:
  - Manages the whole of keepalived.conf(5) as typed data.
    Keywords, values, ranges, what refers to what, and what the installed version of keepalived knows
    are checked before anything is touched, and everything that is wrong is named at once, with its path and value.
  - C(keepalived --config-test) then tries the text. Its messages are related to the options that they are about.
  - The file is replaced in one step, so that keepalived never reads half of it.
    The file before it is kept as C(keepalived.conf.last-good), or as C(keepalived.conf.replaced) if somebody else
    wrote it and it cannot be gone back to.
  - If keepalived runs, it is reloaded, never restarted, and then looked at.
    The main process must be the same, the VRRP process must say that the instances run as asked and none of them
    is in FAULT that was not before, and the kernel must have the virtual servers.
    If that is not so within ten seconds, the last good file is put back, keepalived is reloaded with it,
    and the module fails with what differed.
  - If keepalived does not run, the file is only checked and written. The module neither starts nor stops it,
    unless keepalived has died of a reload that is being taken back.
options:
  config:
    description:
      - The configuration. Keys are the keywords of keepalived.conf(5); those of blocks that may appear several times
        are in the plural, and have a list of dictionaries.
      - >-
        At the top: V(global_defs), V(vrrp_instances), V(vrrp_sync_groups), V(vrrp_scripts), V(track_files),
        V(vrrp_track_processes), V(bfd_instances), V(track_groups), V(garp_groups), V(static_ipaddress),
        V(static_routes), V(static_rules), V(interface_up_down_delays), V(linkbeat_interfaces),
        V(virtual_servers), V(virtual_server_groups), V(SSL), V(net_namespace), V(net_namespace_ipvs),
        V(namespace_with_ipsets), V(instance), V(use_pid_dir), V(child_wait_time), V(linkbeat_use_polling).
      - What stands behind a block's keyword is a key of its dictionary.
        That is C(name) in general, C(ip) and C(port) of a real server,
        and C(ip) and C(port), or C(fwmark), or C(group) of a virtual server.
        The lines of a group of virtual servers are its C(members).
      - >-
        Checkers are the list C(checks) of a real server. C(type) of each is V(HTTP_GET), V(SSL_GET), V(TCP_CHECK),
        V(UDP_CHECK), V(DNS_CHECK), V(PING_CHECK), V(SMTP_CHECK), V(MISC_CHECK), V(FILE_CHECK) or V(BFD_CHECK).
        The C(type) that a V(DNS_CHECK) asks for is C(dns_type).
      - A keyword without a value is V(true), and V(false) leaves it out.
        Keywords that keepalived itself gives true or false are written with that.
        What is null, or an empty list, is left out.
      - A keyword with several words, or with options, is a dictionary of them;
        when only the first is needed, it may be given alone.
        So are addresses, which have the options of keepalived.conf(5) as keys, such as C(dev);
        tracked things, with C(name), C(weight) and C(reverse);
        commands, with C(command), C(user) and C(group);
        C(lvs_method), with C(method), C(type) and C(port);
        and C(lvs_sync_daemon), with C(interface), C(inst), C(id) and so on.
      - Routes and rules are strings, as keepalived takes them.
      - Times are in seconds, but those of C(bfd_instances) in milliseconds.
      - P(lautan.lvs.keepalived_document#filter) gives this for an existing file.
      - C(auth_pass) and the C(password) of C(SSL) never appear in output, differences or error messages.
      - The following is refused, although keepalived would start with it and then do something else.
        VRRP on C(lo); C(nopreempt) or C(preempt_delay) with C(state=MASTER);
        C(auth_pass) of more than 8 bytes; authentication with VRRP version 3;
        fractions of a second with VRRP version 2; IPv6 with VRRP version 2;
        an instance with addresses of both families in C(virtual_ipaddress); two instances that would hear each other;
        port ranges; port 0 without persistence; a firewall mark with an address, a port or a protocol;
        another port on a real server unless with NAT; another address family unless with a tunnel;
        a quorum greater than all weights together; programs without C(enable_script_security).
      - Warned of is C(lvs_method) left to its default NAT, C(delay_loop) left to its default of 60 seconds,
        a virtual server all of whose weights are 0, C(lvs_sync_daemon) without C(inst),
        C(unicast_src_ip) without C(unicast_peer), a V(UDP_CHECK) that requires no reply,
        C(virtual_server_groups) with keepalived before 2.3.0, where reloads make mistakes with them,
        and V(FILE_CHECK) with keepalived from 2.2.8 to 2.3.2, which may crash of it.
    type: dict
    required: true
  path:
    description:
      - The file, an absolute path. keepalived must have been told if it is not the default.
    type: path
    default: /etc/keepalived/keepalived.conf
  on_foreign_change:
    description:
      - What to do if the file was edited by somebody else since this module wrote it.
      - V(fail) names the lines that would be lost, and changes nothing.
      - V(replace) replaces the file.
      - A file that this module has never written is replaced in either case.
    type: str
    choices: [fail, replace]
    default: fail
extends_documentation_fragment:
  - lautan.lvs._attributes
  - lautan.lvs._attributes.actiongroup_lvs
attributes:
  check_mode:
    details:
      - The candidate is tried by keepalived in check mode, too, from Ansible's temporary directory.
      - Where keepalived is not installed yet, the candidate is checked for 2.2.7, and there is a warning.
requirements:
  - keepalived 2.2.7 or later, run by systemd as C(keepalived.service)
  - ipvsadm, to look for virtual servers in the kernel; without it there is a warning
notes:
  - Set C(reload_check_config) in C(global_defs).
    A keepalived that has it survives a bad file, whoever writes it.
  - The file has the mode C(0640) and belongs to root.
  - A run that was interrupted between writing and reloading is made up for by the next one.
    It compares the file's time with the time of the last reload.
  - Real servers are not looked for in the kernel. keepalived adds those that it finds healthy.
  - A VRRP or checker process that dies of a reload is a failure, too, though keepalived starts it anew.
  - A reload that keepalived refuses is noticed by instances or virtual servers that are not as asked.
    If only checkers or real servers differ, neither tells.
  - C(keepalived.data) and C(keepalived.json) of keepalived show passwords; the module reads the second
    and returns nothing of it.
seealso:
  - module: lautan.lvs.vrrp_info
  - plugin: lautan.lvs.keepalived_document
    plugin_type: filter
  - name: keepalived.conf(5)
    description: All keywords and their meaning.
    link: https://manpages.debian.org/stable/keepalived/keepalived.conf.5.en.html
"""

EXAMPLES = r"""
- name: Hold a VIP and spread HTTPS over two real servers
  lautan.lvs.keepalived_config:
    config:
      global_defs:
        router_id: director1
        vrrp_version: 3
        reload_check_config: true
        lvs_sync_daemon: {interface: eth0, inst: lvs_51, id: 51}
      vrrp_instances:
        - name: lvs_51
          state: BACKUP
          nopreempt: true
          interface: eth0
          virtual_router_id: 51
          priority: 254
          advert_int: 0.1
          unicast_src_ip: 192.0.2.11
          unicast_peer: [192.0.2.12]
          virtual_ipaddress:
            - {ip: 192.0.2.100/24, dev: eth0}
          virtual_ipaddress_excluded:
            - 2001:db8::100/64
      virtual_servers:
        - ip: 192.0.2.100
          port: 443
          protocol: TCP
          lvs_sched: mh
          mh-port: true
          lvs_method: DR
          delay_loop: 1
          connect_timeout: 0.5
          real_servers:
            - ip: 192.0.2.21
              port: 443
              checks: &checks
                - type: SSL_GET
                  enable_sni: true
                  url: [{path: /lb-ok, virtualhost: conf.example.org, status_code: 200}]
            - {ip: 192.0.2.22, port: 443, checks: *checks}

- name: Send packets with a firewall mark to one media server, and ask its STUN server whether it is well
  lautan.lvs.keepalived_config:
    config:
      virtual_servers:
        - fwmark: 1021
          lvs_sched: rr
          lvs_method: DR
          ops: true
          delay_loop: 1
          real_servers:
            - ip: 192.0.2.21
              checks:
                - type: UDP_CHECK
                  connect_port: 3478
                  payload: "000100002112a442000102030405060708090a0b"
                  require_reply: "0101"

- name: Take over a file that was written by hand
  lautan.lvs.keepalived_config:
    config: "{{ (lookup('ansible.builtin.file', 'keepalived.conf') | lautan.lvs.keepalived_document).config }}"
"""

RETURN = r"""
commands:
  description:
    - The commands that were executed, or in check mode would be, to have keepalived read the file.
    - Empty if the file is as it should be, or keepalived does not run.
  returned: always
  type: list
  elements: str
  sample:
    - systemctl reload keepalived.service
running:
  description: Whether keepalived runs.
  returned: success
  type: bool
  sample: true
version:
  description: The version of keepalived. Null if it is not installed, or if the module ended before it looked.
  returned: always
  type: str
  sample: 2.2.7
diff:
  description: The change, without secrets.
  returned: in diff mode
  type: list
  elements: dict
  contains:
    before_header:
      description: The path of the file, or C(keepalived) when it has not read the file yet.
      type: str
    after_header:
      description: The same.
      type: str
    before:
      description: The text before the change.
      type: str
    after:
      description: The text after the change.
      type: str
errors:
  description:
    - Everything that is wrong with the options, the host or the candidate,
      or everything in which keepalived differs from what was wanted.
  returned: failure, unless a command failed or a file could not be accessed
  type: list
  elements: str
  sample:
    - "virtual_servers[0].real_servers[2].checks[0].url[0].status_code[0]=99: must be a status from 100 to 599,
      or two with - between"
rolled_back:
  description: What became of the last good file.
  returned: when keepalived did not come to run with the new file
  type: str
  sample: The last good file is back in place, and keepalived runs with it
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.glue import run_module


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "config": {"type": "dict", "required": True},
            "path": {"type": "path", "default": "/etc/keepalived/keepalived.conf"},
            "on_foreign_change": {"type": "str", "choices": ["fail", "replace"], "default": "fail"},
        },
        supports_check_mode=True,
        # The arguments are not logged on the host: passwords are in them, and nothing says where before they are read.
        no_log=True,
    )
    run_module(module)


if __name__ == "__main__":
    main()
