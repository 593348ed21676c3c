#!/usr/bin/python
# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: real_server_vip
short_description: Hold the virtual IPs on a real server without answering for them
version_added: 0.1.0
author:
  - lautan.lvs contributors (@lautan)
description:
  - Makes a host a real server of an LVS cluster with direct routing.
    The host holds the virtual IPs (VIPs) on its interface to the LAN, now and after a reboot,
    and never tells anybody on the LAN that it does.
  - The VIPs are on the LAN interface and not on C(lo) or a C(dummy) interface.
    Programs that send through the interface which has their address, WebRTC servers that use libnice among them,
    do not work with a VIP anywhere else.
  - IPv4 VIPs are added as C(/32) with C(scope host), which C(arp_ignore=3) makes the kernel keep silent about.
    C(arp_announce=2) keeps them from being the source of ARP requests.
  - IPv6 has nothing of the kind. IPv6 VIPs are added as C(/128) with C(nodad) and a preferred lifetime of V(0),
    and the table C(ip6 lvs_real_server) of nftables drops neighbour solicitations for them,
    gives those that the host sends from them the host's own address as their source,
    and drops advertisements of them.
  - What protects a VIP is in place before the VIP is, and stays until the VIP is gone.
    At boot it is in place before the network is configured.
options:
  interface:
    description:
      - The interface to the LAN that the real server shares with the directors.
      - It must be managed by C(systemd-networkd) or C(ifupdown),
        and must have an address of its own for each address family of O(addresses).
    type: str
    required: true
  addresses:
    description:
      - All VIPs of the host, IPv4 and IPv6, without a prefix length. Their order has no meaning.
      - A VIP that the module added earlier and that is not listed any more is removed.
        With an empty list the host is no real server any more.
      - A VIP that is found on another interface, or in another form, is moved to where it belongs.
    type: list
    elements: str
    required: true
extends_documentation_fragment:
  - lautan.lvs._attributes
  - lautan.lvs._attributes.actiongroup_lvs
requirements:
  - iproute2, procps
  - nftables and systemd, for IPv6 VIPs
notes:
  - The kernel goes by the maximum of the C(arp_ignore) settings for all interfaces and for the one concerned,
    and so it does for C(arp_announce) and C(arp_notify).
    The module fails if a setting of the interface, or a file in C(sysctl.d), defeats its own.
    It never changes settings of the interface, nor files that it did not write.
  - With an empty list the kernel keeps C(arp_ignore) and C(arp_announce) as they are until the next reboot.
    What they were before is not known, and they do no harm.
  - New VIPs do not make C(systemd-networkd) reread its files. There is no need to, and its version 252
    takes the host's own address and default route away for some milliseconds when it does.
    When VIPs are removed C(networkctl reload) is necessary,
    because C(systemd-networkd) adds those that it knows of again when a lost carrier returns.
  - C(networkctl reconfigure) removes VIPs that were added since C(systemd-networkd) last read its files.
    C(networkctl reload) before it avoids that.
  - C(nftables.service) flushes all tables when it starts, reloads or stops. The VIPs' table is loaded again each time.
    After any other flush, such as C(nft -f /etc/nftables.conf) by hand, IPv6 VIPs are unprotected
    until C(systemctl restart lvs-real-server.service) or the next run of the module.
  - Before a virtual machine is moved to another host, take it out of service.
    After the move the kernel announces all IPv4 addresses of the machine, VIPs included, whatever the ARP settings are.
    The same happens when a bonding interface fails over.
seealso:
  - name: ip-sysctl
    description: The kernel's documentation of C(arp_ignore), C(arp_announce) and C(arp_notify).
    link: https://docs.kernel.org/networking/ip-sysctl.html
  - name: systemd.network(5)
    description: The drop-in files that are written for C(systemd-networkd).
    link: https://manpages.debian.org/stable/systemd/systemd.network.5.en.html
  - name: interfaces(5)
    description: The hook that is written for C(ifupdown).
    link: https://manpages.debian.org/stable/ifupdown/interfaces.5.en.html
"""

EXAMPLES = r"""
- name: Hold both VIPs of the cluster
  lautan.lvs.real_server_vip:
    interface: eth0
    addresses:
      - 198.18.0.100
      - 2001:db8::100

- name: Be a real server no longer
  lautan.lvs.real_server_vip:
    interface: eth0
    addresses: []
"""

RETURN = r"""
commands:
  description:
    - The commands that were executed, or in check mode would be, in their order.
    - Files are written and removed between them. RV(diff) shows how.
  returned: always
  type: list
  elements: str
  sample:
    - sysctl -w net.ipv4.conf.all.arp_ignore=3
    - sysctl -w net.ipv4.conf.all.arp_announce=2
    - ip address add 198.18.0.100/32 dev eth0 scope host
manager:
  description:
    - Who configures the interface at boot, V(networkd) or V(ifupdown).
    - Null if it is neither, which only an empty O(addresses) allows.
  returned: success
  type: str
  sample: networkd
files:
  description: The files that bring everything back after a reboot.
  returned: success
  type: list
  elements: str
  sample:
    - /etc/sysctl.d/60-lvs-real-server.conf
    - /etc/systemd/network/10-lan.network.d/60-lvs-vip.conf
diff:
  description: Each file that changed and the live state, before and after.
  returned: in diff mode
  type: list
  elements: dict
  contains:
    before_header:
      description: The path of the file, or C(live state).
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
  description: Everything that is wrong with the options and the host, or everything that differs after the change.
  returned: failure, unless a command failed or a file could not be accessed
  type: list
  elements: str
  sample:
    - "addresses[0]='198.18.0.100/32': must not have a prefix length; a VIP is always one address"
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.lautan.lvs.plugins.module_utils._real_server_vip.glue import run_module


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "interface": {"type": "str", "required": True},
            "addresses": {"type": "list", "elements": "str", "required": True},
        },
        supports_check_mode=True,
    )
    run_module(module)


if __name__ == "__main__":
    main()
