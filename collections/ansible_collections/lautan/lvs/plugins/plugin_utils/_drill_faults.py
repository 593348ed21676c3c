# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""What can be broken on a host of the cluster by the host itself, and how it is made good again.

All of it is gone after a reboot, in case a host does not live until it would make it good.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

DIRECTOR: Final = "director"
REAL_SERVER: Final = "real server"

_TABLE: Final = "lautan_drill"


@dataclass(frozen=True)
class Fault:
    """One thing that happens to a host.

    ``do``, ``undo`` and ``possible`` are for sh on the host, without single quotes. ``$INTERFACE`` is its network
    card on the LAN segment.
    """

    of: tuple[str, ...]  # the kinds of hosts that it happens to; the first one unless a host is named
    what: str  # of the host, in words
    undone: str  # how it is made good, in words
    do: str
    undo: str = "true"
    lasts: bool = True  # until it is made good; otherwise it has an end of its own
    reboots: bool = False
    possible: str = ""  # fails where it is not possible, and says why
    conference: bool = False  # whether there must be a conference


def lose_adverts(percent: int) -> str:
    """Have the host lose so many of the VRRP packets between directors, both ways."""
    # nft takes no comparison that is always true.
    drop = "counter drop" if percent == 100 else f"numgen random mod 100 < {percent} counter drop"
    rules = "; ".join(
        f"add chain inet {_TABLE} {hook} {{ type filter hook {hook} priority -300; }}; "
        f"add rule inet {_TABLE} {hook} ip protocol 112 {drop}"
        for hook in ("input", "output")
    )
    return f'nft "add table inet {_TABLE}; {rules}"'


HEAR_ADVERTS: Final = f"nft delete table inet {_TABLE}"

# The link stays up, so that addresses and routes stay, whatever manages them: nobody has to set them anew.
_DEAF_AND_DUMB: Final = (
    f'nft "add table netdev {_TABLE}; '
    f"add chain netdev {_TABLE} in {{ type filter hook ingress device $INTERFACE priority -500; policy drop; }}; "
    f'add chain netdev {_TABLE} out {{ type filter hook egress device $INTERFACE priority 500; policy drop; }}"'
)

# A container has its host's kernel.
_OWN_KERNEL: Final = (
    "! systemd-detect-virt --container --quiet || { echo it is a container, and has no kernel; false; }"
)

_KEEPALIVED: Final = "systemctl start keepalived.service"

FAULTS: Final = {
    "keepalived-stopped": Fault(
        of=(DIRECTOR,),
        what="keepalived is stopped",
        undone="keepalived is started",
        do="systemctl stop keepalived.service",
        undo=_KEEPALIVED,
    ),
    "keepalived-killed": Fault(
        of=(DIRECTOR,),
        what="keepalived is killed",
        undone="systemd starts it at once",
        lasts=False,
        do="systemctl kill --signal=KILL keepalived.service",
        undo=_KEEPALIVED,
    ),
    "adverts-lost": Fault(
        of=(DIRECTOR,),
        what="VRRP packets to and from it are lost, so that two directors hold the VIPs",
        undone="they are let through",
        do=lose_adverts(100),
        undo=HEAR_ADVERTS,
    ),
    "nginx-stopped": Fault(
        of=(REAL_SERVER,),
        what="nginx is stopped",
        undone="nginx is started",
        do="systemctl stop nginx.service",
        undo="systemctl start nginx.service",
    ),
    "frozen": Fault(
        of=(REAL_SERVER,),
        what="nginx stands still, and takes connections all the same",
        undone="nginx goes on",
        do="systemctl kill --signal=STOP nginx.service",
        undo="systemctl kill --signal=CONT nginx.service",
    ),
    "janus-killed": Fault(
        of=(REAL_SERVER,),
        what="Janus is killed",
        undone="systemd starts it at once",
        lasts=False,
        do="systemctl kill --signal=KILL janus.service",
        undo="systemctl start janus.service",
        conference=True,
    ),
    "cable": Fault(
        of=(DIRECTOR, REAL_SERVER),
        what="its network card sends and receives nothing",
        undone="it sends and receives again",
        do=_DEAF_AND_DUMB,
        undo=f"nft delete table netdev {_TABLE}",
    ),
    "reboot": Fault(
        of=(DIRECTOR, REAL_SERVER),
        what="it reboots",
        undone="it boots by itself",
        do="systemctl reboot",
        lasts=False,
        reboots=True,
    ),
    "crash": Fault(
        of=(DIRECTOR, REAL_SERVER),
        what="its kernel panics",
        undone="it boots by itself",
        # 0 would wait for somebody to come. What is set here is gone with the kernel.
        do="grep -qvx 0 /proc/sys/kernel/panic || echo 5 > /proc/sys/kernel/panic; sync; echo c > /proc/sysrq-trigger",
        lasts=False,
        reboots=True,
        possible=_OWN_KERNEL,
    ),
}
