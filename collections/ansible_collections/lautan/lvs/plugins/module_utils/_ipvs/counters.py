# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Counters, rates and numbers of connections, by service and real server."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Sequence, Tuple

from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.describe import key_document
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.listing import listings
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.model import RealKey, ServiceKey, Table

# In the order in which ipvsadm prints them, as counters and as rates.
_COUNTED = ("connections", "packets_in", "packets_out", "bytes_in", "bytes_out")

_Numbers = Dict[Tuple[ServiceKey, "RealKey | None"], Sequence[int]]


def counters(table: Table, stats: str, rates: str, persistent: str) -> list[dict[str, Any]]:
    """Give the counters of all services of the table, with those of their real servers.

    :param stats: what ``ipvsadm -Ln --stats --exact`` prints; likewise ``--rate --exact`` and ``--persistent-conn``.
    """
    counted, per_second, now = _numbers(stats), _numbers(rates), _numbers(persistent)

    def numbers(key: ServiceKey, real: RealKey | None) -> dict[str, Any]:
        return {**_named(counted, key, real), "rates": _named(per_second, key, real)}

    def real_server(key: ServiceKey, real: RealKey) -> dict[str, Any]:
        # The list begins with the weight.
        persistent_connections, active, inactive = now.get((key, real), (0, 0, 0, 0))[1:]
        return {
            "address": real.address,
            "port": real.port,
            "active_connections": active,
            "inactive_connections": inactive,
            "persistent_connections": persistent_connections,
            **numbers(key, real),
        }

    return [
        {
            **key_document(key),
            **numbers(key, None),
            "real_servers": [real_server(key, real) for real in service.real_servers],
        }
        for key, service in table.items()
    ]


def _numbers(section: str) -> _Numbers:
    """Read the numbers of a list. A service may have none: then the words are its scheduler and flags."""
    return {
        (key, real): tuple(map(int, words)) if all(map(str.isdigit, words)) else ()
        for key, real, words in listings(section)
    }


def _named(numbers: Mapping[Any, Sequence[int]], key: ServiceKey, real: RealKey | None) -> dict[str, int]:
    # What came into being between two lists has none.
    return dict(zip(_COUNTED, numbers.get((key, real), (0,) * len(_COUNTED))))
