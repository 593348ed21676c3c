# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Ask the host this runs on, through the code of the modules. What is not needed here is not imported."""

from __future__ import annotations

import json
import shutil
import time
from typing import Any, Callable, Dict, Mapping

from ansible_collections.lautan.lvs.plugins.module_utils._metrics import director, real_server
from ansible_collections.lautan.lvs.plugins.module_utils._metrics.model import Samples
from ansible_collections.lautan.lvs.plugins.module_utils._runner import check, module_runner

# By name what collects a part. One that fails raises whatever it likes.
Collectors = Dict[str, Callable[[], Samples]]

KEEPALIVED = "/etc/keepalived/keepalived.conf"


class Programs:
    """What the modules' access to their host wants of a module."""

    tmpdir = "/tmp"

    def get_bin_path(self, name: str) -> str | None:
        return shutil.which(name)


def of_director(settings: Mapping[str, Any]) -> Collectors:
    """:param settings: ``services`` and ``pool_minimum``, as in the options of the role monitoring."""
    from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.host import LocalHost as IpvsHost
    from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.info import gather
    from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.parse import parse
    from ansible_collections.lautan.lvs.plugins.module_utils._keepalived_table.ensure import Outcome, Wanted, ensure
    from ansible_collections.lautan.lvs.plugins.module_utils._keepalived_table.glue import LocalHost
    from ansible_collections.lautan.lvs.plugins.module_utils._real_server_drain.plan import DRAINED, track_file_path
    from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_info.gather import vrrp
    from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_switchover.track_file import value_of

    host = LocalHost(Programs())

    def document() -> Mapping[str, Any]:
        file = host.read(KEEPALIVED)
        return {} if file is None else parse(file.text).document

    def ask_vrrp() -> Samples:
        service, instances = vrrp(host, document(), time.sleep)
        return director.vrrp(service.is_running, instances)

    def ask_ipvs() -> Samples:
        found = gather(IpvsHost(Programs()), {"connections": False})
        return director.ipvs(found, settings["services"], settings["pool_minimum"])

    def ask_drift() -> Samples:
        outcome = Outcome()
        ensure(host, Wanted(KEEPALIVED, purge=True), True, outcome, time.sleep)
        return director.drift(outcome.differences)

    def ask_drained() -> Samples:
        configured, since = document(), {}
        names = {real["name"]: None for service in settings["services"] for real in service["real_servers"]}
        for name in names:
            mistakes: list[str] = []
            path = track_file_path(configured, f"lvs_drain_{name}", KEEPALIVED, mistakes)
            if mistakes:
                raise ValueError("; ".join(mistakes))
            file, identity = host.read(path), host.identity(path)
            is_drained = file is not None and identity is not None and value_of(file.text) == DRAINED
            since[name] = identity[1] / 1e9 if is_drained else None
        return director.drained(since)

    return {"vrrp": ask_vrrp, "ipvs": ask_ipvs, "drift": ask_drift, "drained": ask_drained}


def of_real_server(settings: Mapping[str, Any]) -> Collectors:
    """:param settings: ``client_addresses``, ``client_ports``, ``not_clients``, ``certificate``, and for the conference
    ``media_ports`` and ``janus``, the file that says where Janus' admin API is and what it asks for.
    """
    from ssl import cert_time_to_seconds

    from ansible_collections.lautan.lvs.plugins.module_utils._janus.api import Api
    from ansible_collections.lautan.lvs.plugins.module_utils._janus.glue import asker
    from ansible_collections.lautan.lvs.plugins.module_utils._janus.info import gather
    from ansible_collections.lautan.lvs.plugins.module_utils._real_server_info.connections import (
        COMMAND,
        SIGNALLING_PORT,
        TURN_PORTS,
        count,
        sockets,
    )

    run = module_runner(Programs())

    def ask_connections() -> Samples:
        found = sockets(check(run, COMMAND))
        addresses, ports, others = settings["client_addresses"], settings["client_ports"], settings["not_clients"]
        return real_server.connections(count(found, addresses, SIGNALLING_PORT, TURN_PORTS, ports, others))

    def ask_certificate() -> Samples:
        said = check(run, ("openssl", "x509", "-noout", "-enddate", "-in", settings["certificate"]))
        return real_server.certificate(cert_time_to_seconds(said.strip().partition("=")[2]))

    def ask_media_ports() -> Samples:
        ports = settings["media_ports"]
        return real_server.media_ports(check(run, real_server.PORTS_COMMAND), ports["first"], ports["last"])

    def ask_janus() -> Samples:
        with open(settings["janus"], encoding="utf-8") as file:
            known = json.load(file)
        return real_server.janus(gather(Api(asker(known["admin_url"]), known["admin_secret"])))

    collectors: Collectors = {"connections": ask_connections, "certificate": ask_certificate}
    return {**collectors, "media_ports": ask_media_ports, "janus": ask_janus} if settings["janus"] else collectors
