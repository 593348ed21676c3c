# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Real servers of a document that are like thousands of others, read fast."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Tuple

from ansible_collections.lautan.lvs.plugins.module_utils._ipvs import fields
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.address import canonical
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.model import MAX_PORT, Forwarding, RealKey

_FIELDS = frozenset({"address", "port", "method", "weight"})
# Of address, port, method and weight. To a dictionary True is 1: only these types, and none that is derived from them.
_TYPES = (str, int, str, int)
_METHODS = ("dr", "nat")


class Ordinary:
    """Reads what has no tunnel, no thresholds, no names and no faults, for services of one family and one port."""

    def __init__(self, family: int, port: int) -> None:
        self._port = port
        # The same addresses, and the same weights, appear again and again.
        self._real_servers = _RealServers(family, port)
        self._forwardings = _Forwardings()

    def read(self, entry: Mapping[str, Any]) -> tuple[RealKey, Forwarding] | None:
        """Give what the careful reading gives. None if that has to be done, be it for a fault."""
        address, port = entry.get("address"), entry.get("port", self._port)
        method, weight = entry.get("method", "dr"), entry.get("weight", 1)
        if (type(address), type(port), type(method), type(weight)) != _TYPES or not _FIELDS.issuperset(entry):
            return None
        try:
            real, forwarding = self._real_servers[address], self._forwardings[method, weight]
        except ValueError:
            return None
        if port == self._port:
            return real, forwarding
        return (RealKey(real.address, port), forwarding) if method == "nat" and 0 <= port <= MAX_PORT else None


class _RealServers(Dict[str, RealKey]):
    """By any text for their address. Looking one up raises ValueError if it cannot be."""

    def __init__(self, family: int, port: int) -> None:
        super().__init__()
        self._family = family
        self._port = port

    def __missing__(self, text: str) -> RealKey:
        address = canonical(text)
        if fields.unreachable(address, self._family, _METHODS[0]):
            raise ValueError(text)
        self[text] = real = RealKey(address, self._port)
        return real


class _Forwardings(Dict[Tuple[str, int], Forwarding]):
    """By method and weight. Looking one up raises ValueError if it cannot be."""

    def __missing__(self, given: tuple[str, int]) -> Forwarding:
        method, weight = given
        if method not in _METHODS:
            raise ValueError(method)
        self[given] = forwarding = Forwarding(method, fields.weight(weight))
        return forwarding
