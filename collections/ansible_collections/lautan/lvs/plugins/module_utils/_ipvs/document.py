# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""A table as a document: lists and dictionaries as they come from a playbook, and so anything at all.

A value of null means that the option was left out.
"""

from __future__ import annotations

import re
from typing import Any, Callable, Iterable, Mapping, NamedTuple

from ansible_collections.lautan.lvs.plugins.module_utils._ipvs import fields
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.address import joined
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.fields import RefusedError, shown
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.model import (
    CHECKSUMS,
    DEFAULT_SCHEDULER,
    MAX_TIMEOUT,
    Forwarding,
    RealKey,
    Scheduling,
    Service,
    ServiceKey,
    Table,
    family_of,
)
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.ordinary import Ordinary
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.parse import WHOLE_ADDRESS, ParseError, flag_names

Fields = Mapping[str, Callable[[Any], Any]]

KEY_FIELDS: Fields = {
    "protocol": fields.protocol,
    "address": fields.address,
    "port": fields.port,
    "fwmark": fields.fwmark,
    "family": fields.family,
}
SCHEDULING_FIELDS: Fields = {
    "scheduler": fields.scheduler,
    "scheduler_flags": fields.flags,
    "persistence_timeout": fields.timeout,
    "persistence_netmask": fields.netmask,
    "persistence_engine": fields.engine,
    "one_packet": fields.boolean,
}
FORWARDING_FIELDS: Fields = {
    "method": fields.method,
    "weight": fields.weight,
    "tunnel_type": fields.tunnel_type,
    "tunnel_port": fields.tunnel_port,
    "tunnel_checksum": fields.checksum,
    "upper_threshold": fields.threshold,
    "lower_threshold": fields.threshold,
}
SERVICE_FIELDS: Fields = {**KEY_FIELDS, **SCHEDULING_FIELDS}
REAL_FIELDS: Fields = {"address": fields.address, "port": fields.port, **FORWARDING_FIELDS}

# port_of(name, protocol) -> number; ValueError if there is none
PortOf = Callable[[str, str], int]


class Values(NamedTuple):
    """The values of one dictionary that could be read, and the names of those that could not."""

    good: dict[str, Any]
    bad: set[str]


class Reader:
    """Reads documents, and collects everything that is wrong with them.

    :ivar faults: each with the path in the document and the value that it is about.
    :ivar modules: where a module of the kernel is asked for, by its name.
    """

    def __init__(self, port_of: PortOf) -> None:
        self.faults: list[str] = []
        self.modules: dict[str, list[str]] = {}
        self._port_of = port_of
        self._ordinary: dict[tuple[int, int], Ordinary] = {}

    # ---- whole documents

    def table(self, document: Any, path: str = "services") -> Table:
        """Read a list of services with their real servers. What comes out is of use only if there are no faults."""
        table: Table = {}
        seen: dict[ServiceKey, int] = {}
        if not isinstance(document, (list, tuple)):
            self._fault(path, document, "must be a list of services")
            return table
        for index, entry in enumerate(document):
            here = f"{path}[{index}]"
            if not isinstance(entry, dict):
                self._fault(here, entry, "must be a dictionary")
                continue
            inside = f"{here}."
            values = self.values(entry, _WHOLE_SERVICE_FIELDS, inside)
            key = self.key(values, inside, entry)
            scheduling = self.scheduling(values, key, inside, entry)
            real_servers = self._real_servers(values.good.get("real_servers"), f"{here}.real_servers", key)
            if key is None:
                continue
            if key in seen:
                self.faults.append(f"{here}={_key_text(key)}: is the same service as {path}[{seen[key]}]")
            seen.setdefault(key, index)
            table[key] = Service(scheduling, real_servers)
        return table

    def _real_servers(self, entries: Any, path: str, key: ServiceKey | None) -> dict[RealKey, Forwarding]:
        result: dict[RealKey, Forwarding] = {}
        if entries is None:
            return result
        if not isinstance(entries, (list, tuple)):
            self._fault(path, entries, "must be a list of real servers")
            return result
        # Of the real servers in the result, in the same order.
        places: list[int] = []
        read_ordinary = self._ordinary_of(key)
        for index, entry in enumerate(entries):
            if not isinstance(entry, dict):
                self._fault(f"{path}[{index}]", entry, "must be a dictionary")
                continue
            # The path is made when there is something to say.
            found = read_ordinary(entry) or self._real_server(entry, f"{path}[{index}]", key)
            if found is None:
                continue
            real, forwarding = found
            if real in result:
                text, first = joined(*real), places[list(result).index(real)]
                self.faults.append(f"{path}[{index}]={text}: is the same real server as {path}[{first}]")
                continue
            result[real] = forwarding
            places.append(index)
        return result

    def _ordinary_of(self, key: ServiceKey | None) -> Callable[[dict], tuple[RealKey, Forwarding] | None]:
        if key is None:
            return _nothing
        reader = self._ordinary.get((key.family, key.port))
        if reader is None:
            reader = self._ordinary[key.family, key.port] = Ordinary(key.family, key.port)
        return reader.read

    def _real_server(self, entry: dict, path: str, key: ServiceKey | None) -> tuple[RealKey, Forwarding] | None:
        values = self.values(entry, REAL_FIELDS, f"{path}.")
        return self.real_server(values, key, f"{path}.", entry, ("address", "port"))

    # ---- parts, which modules have as options

    def values(self, entry: Mapping[Any, Any], known: Fields, path: str) -> Values:
        """Read the values of a dictionary one by one."""
        good: dict[str, Any] = {}
        bad: set[str] = set()
        for name, value in entry.items():
            read = known.get(name) if isinstance(name, str) else None
            if read is None:
                self._unknown(name, known, path)
            elif value is not None:
                try:
                    good[name] = read(value)
                except RefusedError as exc:
                    bad.add(name)
                    self._fault(f"{path}{name}", value, exc)
        return Values(good, bad)

    def key(self, values: Values, path: str, entry: Mapping[str, Any]) -> ServiceKey | None:
        """Read which service it is. None if that cannot be told."""
        good, bad = values
        where = path[:-1] if path else "the service"
        if "fwmark" in good or "fwmark" in bad:
            for name in ("protocol", "address", "port"):
                if name in good or name in bad:
                    self._fault(f"{path}{name}", entry[name], "does not go with fwmark")
            if bad & {"fwmark", "family"}:
                return None
            return ServiceKey("", "", 0, good["fwmark"], 6 if good.get("family") == "ipv6" else 4)
        if "family" in good or "family" in bad:
            self._fault(f"{path}family", entry["family"], "goes with fwmark only; an address shows its family")
        missing = [name for name in ("protocol", "address", "port") if name not in good and name not in bad]
        if len(missing) == 3:
            self.faults.append(f"{where}: needs either protocol, address and port, or fwmark")
        elif missing:
            self.faults.append(f"{where}: needs {' and '.join(missing)}")
        port = self._port(values, "port", good.get("protocol"), path, entry)
        if missing or bad & {"protocol", "address", "port"} or port is None:
            return None
        return ServiceKey(good["protocol"], good["address"], port, 0, family_of(good["address"]))

    def scheduling(self, values: Values, key: ServiceKey | None, path: str, entry: Mapping[str, Any]) -> Scheduling:
        """Read what ``-A`` and ``-E`` set."""
        good, bad = values
        scheduler, flags = good.get("scheduler", DEFAULT_SCHEDULER), ()
        if "scheduler" not in bad:
            shown_scheduler = f"{path}scheduler={shown(scheduler)}"
            self.modules.setdefault(f"ip_vs_{scheduler}", []).append(shown_scheduler)
            try:
                flags = flag_names(scheduler, good["scheduler_flags"]) if "scheduler_flags" in good else ()
            except ParseError as exc:
                self._fault(f"{path}scheduler_flags", entry["scheduler_flags"], exc)
        engine = good.get("persistence_engine", "")
        if engine:
            self.modules.setdefault(f"ip_vs_pe_{engine}", []).append(f"{path}persistence_engine={shown(engine)}")
        timeout = good.get("persistence_timeout", 0)
        persistent = timeout or "persistence_timeout" in bad
        netmask = ""
        if "persistence_netmask" in good:
            if not persistent:
                self._fault(f"{path}persistence_netmask", entry["persistence_netmask"], "needs persistence_timeout")
            elif key is not None:
                netmask = self._netmask(good["persistence_netmask"], key.family, path, entry)
        if key is not None and not key.fwmark:
            if key.port == 0 and not persistent:
                reason = f"all ports; that needs persistence_timeout, from 1 to {MAX_TIMEOUT} seconds"
                self._fault(f"{path}port", entry["port"], reason)
            if good.get("one_packet") and key.protocol != "udp":
                self._fault(f"{path}one_packet", entry["one_packet"], "is for udp and fwmark only")
        return Scheduling(scheduler, flags, timeout, netmask, engine, good.get("one_packet", False))

    def _netmask(self, netmask: str, family: int, path: str, entry: Mapping[str, Any]) -> str:
        reason = ""
        if family == 4:
            if "." not in netmask:
                if int(netmask) <= 32:
                    netmask = fields.mask_of(int(netmask))
                else:
                    reason = "must be a netmask such as 255.255.255.0, or a prefix length from 0 to 32, for IPv4"
        elif "." in netmask or int(netmask) == 0:
            reason = "must be a prefix length from 1 to 128 for IPv6"
        if reason:
            self._fault(f"{path}persistence_netmask", entry["persistence_netmask"], reason)
        return "" if netmask == WHOLE_ADDRESS[family] else netmask

    def real_server(
        self,
        values: Values,
        key: ServiceKey | None,
        path: str,
        entry: Mapping[str, Any],
        names: tuple[str, str],
    ) -> tuple[RealKey, Forwarding] | None:
        """Read a real server of a service.

        :param names: what its address and its port are called.
        """
        good, bad = values
        address_name, port_name = names
        address, method = good.get(address_name), good.get("method", "dr")
        if address is None and address_name not in bad:
            self.faults.append(f"{path[:-1] if path else 'the real server'}: needs {address_name}")
        port: int | None = None
        if port_name not in bad:
            protocol = key.protocol if key is not None else None
            if port_name in good or key is None:
                port = self._port(values, port_name, protocol, path, entry)
            else:
                port = key.port
        forwarding = self._forwarding(good, bad, path, entry)
        if key is None:
            return None
        if address is not None:
            reason = fields.unreachable(address, key.family, method if "method" not in bad else "tun")
            if reason:
                self._fault(f"{path}{address_name}", entry[address_name], reason)
        if port is not None and port != key.port and not key.fwmark and method != "nat" and "method" not in bad:
            reason = f"must be the port of the service, {key.port}: {method} does not change ports, only nat does"
            self._fault(f"{path}{port_name}", entry[port_name], reason)
        return None if address is None or port is None else (RealKey(address, port), forwarding)

    def _forwarding(self, good: dict[str, Any], bad: set[str], path: str, entry: Mapping[str, Any]) -> Forwarding:
        method, weight = good.get("method", "dr"), good.get("weight", 1)
        upper, lower = good.get("upper_threshold", 0), good.get("lower_threshold", 0)
        if lower > upper and "upper_threshold" not in bad:
            self._fault(f"{path}lower_threshold", entry["lower_threshold"], f"is above the upper_threshold, {upper}")
        if method != "tun":
            for name in ("tunnel_type", "tunnel_port", "tunnel_checksum"):
                if name in good and "method" not in bad:
                    self._fault(f"{path}{name}", entry[name], f"is for the method tun only, and it is {method}")
            return Forwarding(method, weight, "", 0, "", upper, lower)
        kind, port = good.get("tunnel_type", "ipip"), good.get("tunnel_port", 0)
        checksum = good.get("tunnel_checksum", "none")
        if "tunnel_type" not in bad:
            if kind == "gue" and not port and "tunnel_port" not in bad:
                self.faults.append(f"{path[:-1] or 'the real server'}: needs tunnel_port, because tunnel_type is gue")
            if kind != "gue" and port:
                self._fault(
                    f"{path}tunnel_port", entry["tunnel_port"], f"is for tunnel_type gue only, and it is {kind}"
                )
            if checksum not in CHECKSUM_TYPES[kind]:
                allowed = ", ".join(CHECKSUM_TYPES[kind])
                self._fault(f"{path}tunnel_checksum", checksum, f"must be one of {allowed} for tunnel_type {kind}")
        return Forwarding(method, weight, kind, port, "" if kind == "ipip" else checksum, upper, lower)

    # ---- help

    def _port(self, values: Values, name: str, protocol: str | None, path: str, entry: Mapping[str, Any]) -> int | None:
        """Look up the port's name, if it is one. ``protocol`` is empty for a firewall mark, None if it is unknown."""
        port = values.good.get(name)
        if not isinstance(port, str):
            return port
        if protocol == "":
            self._fault(f"{path}{name}", entry[name], "must be a number: a firewall mark is of no protocol")
        elif protocol:
            try:
                return self._port_of(port, protocol)
            except ValueError:
                reason = f"is neither a port from 0 to 65535 nor one that this host knows by name for {protocol}"
                self._fault(f"{path}{name}", entry[name], reason)
        return None

    def _fault(self, path: str, value: Any, reason: object) -> None:
        self.faults.append(f"{path}={shown(value)}: {reason}")

    def _unknown(self, name: Any, known: Iterable[str], path: str) -> None:
        from difflib import get_close_matches

        close = get_close_matches(name, list(known), 1) if isinstance(name, str) else []
        text = name if isinstance(name, str) and _WORD.fullmatch(name) else shown(name)
        hint = f"; did you mean {close[0]}?" if close else f"; there are {', '.join(known)}"
        self.faults.append(f"{path}{text}: is no option{hint}")


CHECKSUM_TYPES = {"ipip": ("none",), "gre": ("none", "csum"), "gue": CHECKSUMS}
_WORD = re.compile("[A-Za-z0-9_-]{1,40}")


def _anything(value: Any) -> Any:
    return value


def _nothing(entry: dict) -> None:
    return None


_WHOLE_SERVICE_FIELDS: Fields = {**SERVICE_FIELDS, "real_servers": _anything}


def _key_text(key: ServiceKey) -> str:
    if key.fwmark:
        return f"fwmark {key.fwmark} {'ipv6' if key.family == 6 else 'ipv4'}"
    return f"{key.protocol} {joined(key.address, key.port)}"
