# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Whether the kernel has the schedulers and persistence engines that are asked for. It loads their modules itself."""

from __future__ import annotations

from typing import Mapping, Sequence

from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.host import HostAccess
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.model import SCHEDULERS, Table

_KNOWN = frozenset(f"ip_vs_{scheduler}" for scheduler in SCHEDULERS)


def modules_in_use(table: Table) -> set[str]:
    """Give the modules that the kernel has, because it uses them for this table."""
    schedulings = {service.scheduling for service in table.values()}
    engines = {f"ip_vs_pe_{scheduling.engine}" for scheduling in schedulings if scheduling.engine}
    return engines | {f"ip_vs_{scheduling.scheduler}" for scheduling in schedulings}


def module_faults(host: HostAccess, modules: Mapping[str, Sequence[str]]) -> list[str]:
    """Say which modules the kernel can not have.

    Where the kernel's modules are not to be seen, as in a container, only names that nobody knows are refused.

    :param modules: where each module is asked for: paths in the document with their values.
    """
    if not modules:
        return []
    loaded = {line.partition(" ")[0] for line in (host.read("/proc/modules") or "").splitlines()}
    missing = [name for name in modules if name not in loaded and not host.exists(f"/sys/module/{name}")]
    if not missing:
        return []
    directory = f"/lib/modules/{host.release}"
    lists = [host.read(f"{directory}/{name}") for name in ("modules.dep", "modules.builtin")]
    listed = "".join(f"\n{text}" for text in lists if text is not None)
    faults = []
    for name in missing:
        if listed and (f"/{name}.ko" in listed or f"\n{name}.ko" in listed):
            continue
        known = name in _KNOWN or name.startswith("ip_vs_pe_")
        if not known:
            reason = f"is no scheduler that the kernel has; known are {', '.join(SCHEDULERS)}"
        elif listed:
            reason = f"the kernel {host.release} has no module {name}"
        else:
            continue
        faults += [f"{where}: {reason}" for where in modules[name]]
    return faults
