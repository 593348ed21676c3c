# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # What all modules for the IPVS table have in common
    DOCUMENTATION = r"""
options: {}
requirements:
  - ipvsadm 1.31
  - a kernel with IPVS, the module C(ip_vs)
notes:
  - Must run as root.
  - A table has one owner. Where keepalived has C(virtual_server) blocks, it owns the table,
    and takes what this module changed for its own work, or undoes it.
seealso:
  - module: lautan.lvs.ipvs_table
  - module: lautan.lvs.ipvs_service
  - module: lautan.lvs.ipvs_real_server
  - module: lautan.lvs.ipvs_info
  - name: ipvsadm(8)
    description: The program that reads and changes the table, and the meaning of its options.
    link: https://manpages.debian.org/stable/ipvsadm/ipvsadm.8.en.html
"""

    # For modules that change the table
    WRITER = r"""
options: {}
notes:
  - Wherever a number is wanted, a string of digits will do, since templates give strings.
    Addresses and ports are compared as what they are, not as they are written,
    so V(2001:DB8:0::1) is V(2001:db8::1), and V(https) is V(443).
  - Names of hosts are refused. A name may have several addresses of both families,
    and the table would depend on what a resolver says at the moment.
  - Before anything is changed, all faults of all options are reported in one message, with their values.
    Whether the kernel has the scheduler and the persistence engine is checked as well, in check mode too.
  - After a change the table is read again, and the module fails if the kernel does not hold what it was given.
  - The table does not outlive a reboot. See M(lautan.lvs.ipvs_boot).
"""

    # Which virtual service
    KEY = r"""
options:
  protocol:
    description:
      - The protocol of the virtual service, V(tcp), V(udp) or V(sctp).
      - Either O(protocol), O(address) and O(port) are needed, or O(fwmark).
    type: str
  address:
    description: The address of the virtual service, IPv4 or IPv6, without brackets and prefix length.
    type: str
  port:
    description:
      - The port of the virtual service, from V(0) to V(65535),
        or its name in the host's C(/etc/services) for O(protocol).
      - V(0) is all ports that no other service has. It needs persistence.
    type: raw
  fwmark:
    description: The firewall mark of the packets that are for this service, from V(1) to V(4294967295).
    type: raw
  family:
    description:
      - The address family of the packets with O(fwmark), V(ipv4) or V(ipv6). Left out, it is V(ipv4).
      - The same mark may have a service of each family.
    type: str
"""

    # What ipvsadm -A and -E set
    SCHEDULING = r"""
options:
  scheduler:
    description:
      - The scheduler, one of V(rr), V(wrr), V(lc), V(wlc), V(lblc), V(lblcr), V(dh), V(sh), V(mh), V(sed), V(nq),
        V(fo), V(ovf) and V(twos). Left out, it is V(wlc).
      - The kernel has it in a module of its own, C(ip_vs_wlc) for V(wlc), and loads that by itself.
    type: str
  scheduler_flags:
    description:
      - Flags of the scheduler. For V(sh) they are V(sh-port) and V(sh-fallback),
        for V(mh) they are V(mh-port) and V(mh-fallback), for others V(flag-1), V(flag-2) and V(flag-3).
    type: list
    elements: str
  persistence_timeout:
    description:
      - Seconds, from V(1) to V(2678400), for which a client is sent to the same real server as before.
      - Left out, the service is not persistent.
    type: raw
  persistence_netmask:
    description:
      - Which clients count as one. For IPv4 a prefix length from V(0) to V(32) or a netmask such as V(255.255.255.0),
        for IPv6 a prefix length from V(1) to V(128). Left out, it is the whole address.
      - Needs O(persistence_timeout).
    type: raw
  persistence_engine:
    description: The persistence engine, V(sip). Left out, persistence goes by the client's address.
    type: str
  one_packet:
    description:
      - Whether each packet is scheduled by itself, without an entry in the table of connections.
      - For V(udp) and O(fwmark) only. Left out, it is V(false).
    type: raw
"""

    # What ipvsadm -a and -e set
    FORWARDING = r"""
options:
  method:
    description:
      - How packets get to the real server. V(dr) is direct routing, V(nat) masquerading, V(tun) a tunnel.
        Left out, it is V(dr).
      - Only V(nat) can change the port, and only V(tun) can reach a real server of the other address family.
    type: str
  weight:
    description:
      - The weight, from V(0) to V(65535). Left out, it is V(1).
      - With V(0) the real server gets no new connections and keeps those that it has.
    type: raw
  tunnel_type:
    description: The kind of tunnel with O(method=tun), V(ipip), V(gue) or V(gre). Left out, it is V(ipip).
    type: str
  tunnel_port:
    description: The UDP port of the tunnel, from V(1) to V(65535). Needed with O(tunnel_type=gue), and only there.
    type: raw
  tunnel_checksum:
    description:
      - The checksum of the tunnel, V(none), V(csum), or with O(tunnel_type=gue) V(remcsum), the remote checksum.
        Left out, it is V(none). O(tunnel_type=ipip) has none.
    type: str
  upper_threshold:
    description:
      - The number of connections, from V(0) to V(2147483647), at which the real server gets no new ones.
      - V(0), and so when left out, is no limit.
    type: raw
  lower_threshold:
    description:
      - The number of connections below which a real server gets new ones again after it reached O(upper_threshold),
        which it must not exceed.
      - V(0), and so when left out, is three quarters of O(upper_threshold).
    type: raw
"""
