# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Ask a host for all of it. Nothing here changes anything."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.timeouts import parse_timeouts
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived import daemon, trial
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.access import HostAccess
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.model import version_text
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.parse import parse as parse_configuration
from ansible_collections.lautan.lvs.plugins.module_utils._runner import check
from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_info import parse
from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_info.model import Info, Instance, SyncDaemon

_ADDRESSES = ("ip", "-json", "address")
_DAEMONS = ("ipvsadm", "--list", "--daemon")
_TIMEOUTS = ("ipvsadm", "--list", "--timeout")
_IPVS = "/proc/net/ip_vs"

# An entry expires a timeout after its last packet. Entries without one for longer than this are not counted: a director
# that forwards directly does not see a real server's reset, and keeps what is over until then; and one that has just
# come back is told of a connection when that has its next packet.
_IN_USE_SECONDS = 60
# Columns of the kernel's list. There may be millions of lines.
_COUNT = '$8 == "ESTABLISHED" && $9 > least { count++ } END { print count + 0 }'


def gather(access: HostAccess, path: str, pause: daemon.Pause) -> Info:
    """Give the state of VRRP and of the sync daemons.

    :param path: keepalived's configuration.
    :raises CommandError: if a program fails.
    :raises NoDump: if keepalived runs with VRRP instances, but does not tell its state.
    """
    warnings: list[str] = []
    document = _configuration(access, path, warnings)
    service, instances = vrrp(access, document, pause)
    return Info(
        running=service.is_running,
        state=service.state,
        main_pid=service.main_pid if service.is_running else None,
        version=version_text(trial.installed_version(access)) if access.has_program("keepalived") else None,
        instances=instances,
        sync_daemons=_sync_daemons(access, warnings),
        connections=_connections(access),
        warnings=warnings,
    )


def vrrp(access: HostAccess, document: Mapping[str, Any], pause: daemon.Pause) -> tuple[daemon.Service, list[Instance]]:
    """Give what systemd says of keepalived, and its VRRP instances.

    :param document: keepalived's configuration; empty if there is none.
    :raises CommandError: if a program fails.
    :raises NoDump: if keepalived runs with VRRP instances, but does not tell its state.
    """
    service = daemon.service(access) if access.has_program("systemctl") else daemon.Service("unknown", 0, None)
    held = parse.host_addresses(check(access.run, _ADDRESSES))
    return service, _instances(access, service, document, held, pause)


def _configuration(access: HostAccess, path: str, warnings: list[str]) -> Mapping[str, Any]:
    file = access.read(path)
    if file is None:
        warnings.append(f"{path} does not exist, so peers are not known")
        return {}
    imported = parse_configuration(file.text)
    warnings += [f"{path}, {problem}" for problem in imported.problems]
    return imported.document


def _instances(
    access: HostAccess, service: daemon.Service, document: Mapping[str, Any], held: set[str], pause: daemon.Pause
) -> list[Instance]:
    configured = {item["name"]: item for item in document.get("vrrp_instances", [])}
    if not service.is_running:
        defaults = document.get("global_defs", {})
        return [parse.stopped_instance(item, defaults, held) for item in configured.values()]
    # Without instances there is no VRRP process, and no dump.
    if document and not configured:
        return []
    dump = daemon.dump_instances(access, service.main_pid, pause)
    return [parse.running_instance(entry, configured.get(entry["data"]["iname"]), held) for entry in dump]


def _sync_daemons(access: HostAccess, warnings: list[str]) -> list[SyncDaemon]:
    # Where the kernel has no IPVS there is none, and ipvsadm would load it.
    if access.identity(_IPVS) is None:
        return []
    if not access.has_program("ipvsadm"):
        warnings.append("ipvsadm is not installed, so sync daemons are not known")
        return []
    return parse.sync_daemons(check(access.run, _DAEMONS))


def _connections(access: HostAccess) -> int:
    if access.identity(_IPVS) is None or not access.has_program("ipvsadm"):
        return 0
    least = parse_timeouts(check(access.run, _TIMEOUTS)).tcp - _IN_USE_SECONDS
    return int(check(access.run, ("awk", "-v", f"least={least}", _COUNT, "/proc/net/ip_vs_conn")))
