# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""How packets get from directors to real servers (``lvs_forwarding``), and what each way asks of the description.

As in _cluster_checks, what is wrong is reported to the common list of mistakes and left out of the result. The methods
are those of ipvsadm(8): ``--gatewaying``, ``--masquerading``, ``--ipip``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_checks import Networks, Vip, read_addresses
from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_facts import FAMILIES, Facts, Unusable, hosts_shown

if TYPE_CHECKING:
    from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_services import Service
    from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_vrrp import Instance

DR: Final = "dr"
NAT: Final = "nat"
TUN: Final = "tun"
METHODS: Final = (DR, NAT, TUN)


def read_forwarding(cluster: Facts) -> str | None:
    value = cluster.value("lvs_forwarding")
    if isinstance(value, Unusable):
        return None
    if isinstance(value, str) and value in METHODS:
        return value
    cluster.wrong("lvs_forwarding", value, f"must be one of {' '.join(METHODS)}: direct routing, NAT, tunnels")
    return None


def reachable_networks(networks: Networks, forwarding: str | None) -> Networks:
    """Where real servers may be: a tunnel ends wherever packets can be routed to, anything else on the segment."""
    return replace(networks, anywhere=forwarding == TUN)


def read_gateways(
    cluster: Facts,
    forwarding: str | None,
    networks: Networks,
    vips: Sequence[Vip],
    services: Sequence[Service],
    instances: Sequence[Instance],
) -> list[Vip]:
    """The addresses of the active director through which real servers answer.

    Only NAT needs them. They are checked whatever the method is, so that they can stay in the description while it
    changes. Collisions with hosts are found elsewhere, with those of virtual IPs.
    """
    given = cluster.elements("lvs_nat_gateways", "['198.18.0.99']")
    gateways = read_addresses(cluster, given or [], networks)
    owners = {vip.address: f"{vip.label}, a virtual IP" for vip in vips}
    owners |= {sorry.address: sorry.label for service in services for sorry in service.sorry_servers}
    first: dict[int, Vip] = {}
    for gateway in gateways:
        version = gateway.address.version
        if first.setdefault(version, gateway) is not gateway:
            what = f"is a second {FAMILIES[version][1]} gateway beside {first[version].text}; one at most"
            cluster.wrong(gateway.label, gateway.text, what)
        elif gateway.address in owners:
            what = f"is {owners[gateway.address]}, as well; a gateway needs an address of its own"
            cluster.wrong(gateway.label, gateway.text, what)
    if forwarding != NAT:
        return gateways
    lacking = [FAMILIES[version][1] for version in sorted({vip.address.version for vip in vips} - first.keys())]
    what = f"{' and an '.join(lacking)} address of the active director: real servers answer through it (NAT)"
    if lacking and cluster.value("lvs_nat_gateways") is None:
        cluster.missing("lvs_nat_gateways", f"it needs an {what}")
    elif lacking and given is not None and len(given) == len(gateways):
        # One that could not be read may be the one of the family that seems to have none.
        cluster.wrong("lvs_nat_gateways", [value for _label, value in given], f"has no {what}")
    if len(instances) > 1:
        homes = hosts_shown([instance.home for instance in instances])
        what = f"needs all virtual IPs at home on one director, the one that is the gateway, not on {homes}"
        cluster.wrong("lvs_forwarding", forwarding, f"{what} (lvs_home_vips)")
    return gateways
