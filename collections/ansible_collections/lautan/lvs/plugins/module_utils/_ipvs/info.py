# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Everything that the kernel says of IPVS, through one process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Mapping

from ansible_collections.lautan.lvs.plugins.module_utils._failures import Mistakes
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.connections import (
    PATH,
    describe_connection,
    parse_connections,
    read_filter,
)
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.counters import counters
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.daemon import parse_daemons
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.describe import to_document
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.listing import sections, title
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.read import (
    DAEMON_QUERY,
    PROGRAM,
    TABLE_QUERY,
    parse_table,
)
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.timeouts import parse_timeouts
from ansible_collections.lautan.lvs.plugins.module_utils._runner import check

if TYPE_CHECKING:
    from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.host import HostAccess

_COUNTERS_QUERY = "-L -n --stats --exact\n-L -n --rate --exact\n-L -n --persistent-conn\n"


def gather(host: HostAccess, options: Mapping[str, Any]) -> dict[str, Any]:
    """Give what the module returns.

    :raises Mistakes: if an option is wrong.
    :raises CommandError: if ipvsadm fails or complains.
    :raises ValueError: if what is read is not what is expected.
    """
    mistakes: list[str] = []
    wanted = read_filter(options, mistakes)
    if any(wanted) and not options["connections"]:
        mistakes.append("connections=False: must be true for service, client and real_server to have a meaning")
    if mistakes:
        raise Mistakes(mistakes)
    text = check(host.run, PROGRAM, f"{TABLE_QUERY}{_COUNTERS_QUERY}-L --timeout\n{DAEMON_QUERY}")
    table = parse_table(text)
    version, size = title(text)
    _rules, _thresholds, stats, rates, persistent = sections(text)
    found: dict[str, Any] = {
        "services": to_document(table),
        "counters": counters(table, stats, rates, persistent),
        "timeouts": parse_timeouts(text)._asdict(),
        "sync_daemons": [daemon._asdict() for daemon in parse_daemons(text)],
        "version": version,
        "table_size": size,
        "kernel": host.release,
    }
    if options["connections"]:
        connections = parse_connections(host.read(PATH) or "")
        found["connections"] = [describe_connection(entry) for entry in connections if wanted.wants(entry)]
    return found
