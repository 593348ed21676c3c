# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Every metric that is exported: its type, and what it means."""

from __future__ import annotations

from types import MappingProxyType
from typing import Iterable, Mapping, NamedTuple

# "instance" and "role" are what Prometheus itself calls the host, and what it is: no metric has labels of these names.
Labels = Mapping[str, str]


class Sample(NamedTuple):
    """One value of a metric."""

    name: str
    value: float
    labels: Labels = MappingProxyType({})


Samples = Iterable[Sample]

FAMILIES: Mapping[str, tuple[str, str]] = {
    "lautan_metrics_timestamp_seconds": ("gauge", "When these metrics were collected, in seconds since 1970."),
    "lautan_collector_success": ("gauge", "Whether this part of the metrics could be collected."),
    # Directors
    "lautan_keepalived_up": ("gauge", "Whether keepalived runs."),
    "lautan_vrrp_master": ("gauge", "Whether this director is master of the VRRP instance."),
    "lautan_vrrp_ready": ("gauge", "Whether this director is master of the VRRP instance, or could become it."),
    "lautan_vrrp_last_transition_timestamp_seconds": ("gauge", "When the VRRP instance last changed its state here."),
    "lautan_vip_held": ("gauge", "Whether this director has the virtual IP on one of its interfaces."),
    "lautan_sync_daemon_up": ("gauge", "Whether the kernel's daemon that shares connections runs."),
    "lautan_ipvs_drift": ("gauge", "How many differences there are between keepalived and the kernel's IPVS table."),
    "lautan_service_connections_total": ("counter", "Connections to the virtual service, through this director."),
    "lautan_service_bytes_in_total": (
        "counter",
        "Bytes from clients to the virtual service, through this director.",
    ),
    "lautan_pool_size": ("gauge", "How many real servers of the virtual service take new connections."),
    "lautan_pool_minimum": ("gauge", "How many should do so at least."),
    "lautan_real_server_up": ("gauge", "Whether the health checks have the real server in the virtual service."),
    "lautan_real_server_weight": ("gauge", "The real server's weight in the virtual service, 0 if it is not there."),
    "lautan_real_server_connections": (
        "gauge",
        "Established connections to the real server, as far as IPVS knows.",
    ),
    "lautan_real_server_drained": ("gauge", "Whether the real server is drained on this director."),
    "lautan_real_server_drained_timestamp_seconds": ("gauge", "When it was drained."),
    # Real servers
    "lautan_client_connections": ("gauge", "TCP connections of clients: WebSockets, TURN, and other ones."),
    "lautan_certificate_not_after_timestamp_seconds": ("gauge", "When the certificate of the web server expires."),
    "lautan_janus_up": ("gauge", "Whether Janus answers."),
    "lautan_people": ("gauge", "People in the rooms of this real server."),
    "lautan_room_people": ("gauge", "People in the room, on this real server."),
    "lautan_media_ports": ("gauge", "UDP ports for media that this real server has on each virtual IP."),
    "lautan_media_ports_used": ("gauge", "Those of them that are in use, on the virtual IP where most are."),
}
