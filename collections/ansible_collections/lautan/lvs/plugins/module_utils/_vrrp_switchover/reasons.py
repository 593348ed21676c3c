# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Why the VIPs must stay where they are: everything about the other directors that speaks against moving them.

Pure functions of what the directors said of themselves.
"""

from __future__ import annotations

from typing import Iterator, Mapping, Sequence

from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_info.model import Instance
from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_switchover.model import (
    BACKUP,
    MASTER,
    Forwarding,
    Peer,
    PeerInstance,
)

# Synchronisation is never complete: a connection is sent after some packets, and short ones are not worth it. Less
# than this share of the established connections, of at least so many, is more than that.
SHARE = 0.5
ENOUGH = 20


def reasons(moving: Sequence[Instance], to: str, peers: Mapping[str, Peer], here: Forwarding, force: bool) -> list[str]:
    """One line for each.

    :param moving: the instances that are MASTER here and are to be moved.
    :param to: the address of the director that is to take over.
    :param peers: what is known of the other directors, by address.
    :param force: leaves out that connections would be lost.
    """
    lines = [line for instance in moving for line in _about_this_director(instance, to)]
    peer = peers.get(to)
    if peer is None:
        return [*lines, f"peers: nothing is known of {to}"]
    if not peer.running:
        lines.append(f"{to}: keepalived does not run")
    for instance in moving:
        lines += _about_instance(instance, peer)
        lines += _about_others(instance, to, peers)
    lines += [f"{to}: IPVS table: {line}" for line in _table_differences(here, peer)]
    if not force:
        lines += _unsynchronised(here, peer)
    # What speaks against each of several instances alike is said once.
    return list(dict.fromkeys(lines))


def _about_this_director(instance: Instance, to: str) -> Iterator[str]:
    if not instance.peers:
        yield f"VRRP instance {instance.name}: has no unicast_peer, so that nobody knows who takes over"
    elif to not in instance.peers:
        yield f"to={to!r}: is no unicast_peer of VRRP instance {instance.name}; those are {', '.join(instance.peers)}"


def _about_instance(instance: Instance, peer: Peer) -> Iterator[str]:
    twin = counterpart(instance, peer)
    if twin is None:
        yield f"{peer.address}: has no VRRP instance with the VRID {instance.virtual_router_id}"
        return
    name = f"VRRP instance {twin.name}"
    if peer.running and twin.state != BACKUP:
        yield f"{peer.address}: {name} is {twin.state}, not {BACKUP}"
    lacking = [ip for ip in instance.addresses + instance.addresses_excluded if ip not in twin.addresses]
    if lacking:
        yield f"{peer.address}: {name} does not have {', '.join(lacking)}"
    own = instance.effective_priority or 0
    if peer.running and not instance.nopreempt and own > twin.effective_priority:
        yield (
            f"VRRP instance {instance.name}: would take its addresses back at once, because it does not have nopreempt "
            f"and its priority {own} is higher than {twin.effective_priority}, which is that of {peer.address}"
        )


def _about_others(instance: Instance, to: str, peers: Mapping[str, Peer]) -> Iterator[str]:
    """Of several candidates, the one with the highest priority takes over: it must be the one that is meant."""
    target = counterpart(instance, peers[to])
    for address in instance.peers or ():
        if address == to:
            continue
        if address not in peers:
            yield f"peers: nothing is known of {address}, which could take over VRRP instance {instance.name} as well"
            continue
        twin = counterpart(instance, peers[address])
        if twin is None or not peers[address].running:
            continue
        if twin.state == MASTER:
            yield f"{address}: VRRP instance {twin.name} is {MASTER} there, too"
        elif target is not None and twin.state == BACKUP and twin.effective_priority >= target.effective_priority:
            yield (
                f"{address}: would take over VRRP instance {twin.name} itself: its priority {twin.effective_priority} "
                f"is not lower than {target.effective_priority}, which is that of {to}"
            )


def counterpart(instance: Instance, peer: Peer) -> PeerInstance | None:
    """The same virtual router on another director. Names are local; a VRID may be there once on each interface."""
    same = [twin for twin in peer.instances if twin.virtual_router_id == instance.virtual_router_id]
    by_name = [twin for twin in same if twin.name == instance.name]
    return next(iter(by_name or same), None)


def _table_differences(here: Forwarding, peer: Peer) -> Iterator[str]:
    """What this director forwards to and the other one would not. What is drained here need not be there."""
    for service, servers in here.table.items():
        if service not in peer.table:
            yield f"`{service}` is missing"
            continue
        for server, weight in servers.items():
            there = peer.table[service].get(server)
            if weight > 0 and not there:
                what = "is missing" if there is None else f"has weight 0, here {weight}"
                yield f"`{service} -r {server}` {what}"


def _unsynchronised(here: Forwarding, peer: Peer) -> Iterator[str]:
    """Whether the connections in this director's table would be lost, although they are meant to be kept."""
    if not (here.synchronised or peer.sync_daemons):
        return
    sending = [daemon for daemon in here.sync_daemons if daemon.role == "master"]
    taking = [daemon for daemon in peer.sync_daemons if daemon.role == "backup"]
    if not sending:
        yield "connections: no master sync daemon runs here"
    # A backup daemon with syncid 0 takes everything.
    elif not any(daemon.syncid in (0, sending[0].syncid) for daemon in taking):
        yield f"connections: no backup sync daemon with syncid {sending[0].syncid} runs on {peer.address}"
    if here.connections >= ENOUGH and peer.connections < here.connections * SHARE:
        yield (
            f"connections: {peer.address} knows {peer.connections} that are in use, and this director has "
            f"{here.connections}"
        )
