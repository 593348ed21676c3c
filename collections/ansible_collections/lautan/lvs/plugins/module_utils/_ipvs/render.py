# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Commands of ipvsadm: exactly as ``ipvsadm -Sn`` prints them, with the thresholds that it leaves out."""

from __future__ import annotations

from typing import Iterable, Iterator

from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.address import joined
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.model import (
    Forwarding,
    RealKey,
    Scheduling,
    Service,
    ServiceKey,
    Step,
    Table,
)

_SERVICE_OPTIONS = {"tcp": "-t", "udp": "-u", "sctp": "--sctp-service"}
_METHOD_OPTIONS = {"dr": "-g", "nat": "-m", "tun": "-i"}
_CHECKSUM_OPTIONS = {"none": " --tun-nocsum", "csum": " --tun-csum", "remcsum": " --tun-remcsum"}


def service_words(key: ServiceKey) -> str:
    if key.fwmark:
        return f"-f {key.fwmark} -6" if key.family == 6 else f"-f {key.fwmark}"
    return f"{_SERVICE_OPTIONS[key.protocol]} {joined(key.address, key.port)}"


def scheduling_words(scheduling: Scheduling) -> str:
    """Everything that can be said, always: what ``-E`` is not told goes back to its default."""
    words = f"-s {scheduling.scheduler}"
    if scheduling.timeout:
        words += f" -p {scheduling.timeout}"
    if scheduling.netmask:
        words += f" -M {scheduling.netmask}"
    if scheduling.engine:
        words += f" --pe {scheduling.engine}"
    if scheduling.one_packet:
        words += " -o"
    if scheduling.flags:
        words += f" -b {','.join(scheduling.flags)}"
    return words


def forwarding_words(forwarding: Forwarding) -> str:
    """Everything that can be said, always: what ``-e`` is not told goes back to its default, thresholds among it."""
    method, weight, tunnel_type, tunnel_port, checksum, upper, lower = forwarding
    words = f"{_METHOD_OPTIONS[method]} -w {weight}"
    if method == "tun":
        words += f" --tun-type {tunnel_type}"
        if tunnel_port:
            words += f" --tun-port {tunnel_port}"
        words += _CHECKSUM_OPTIONS.get(checksum, "")
    if upper or lower:
        words += f" -x {upper} -y {lower}"
    return words


def step_lines(steps: Iterable[Step]) -> list[str]:
    """The lines of ``ipvsadm -R`` for these steps."""
    lines = []
    # Neighbours mostly are about the same service, and forward in the same way.
    known_key, known_words = None, ""
    options: dict[Forwarding, str] = {}
    for verb, key, scheduling, real, forwarding in steps:
        if key is not known_key:
            known_key, known_words = key, service_words(key)
        line = f"-{verb} {known_words}"
        if real is not None:
            line += f" -r {joined(*real)}"
        if forwarding is not None:
            words = options.get(forwarding)
            if words is None:
                words = options[forwarding] = forwarding_words(forwarding)
            line += f" {words}"
        elif scheduling is not None:
            line += f" {scheduling_words(scheduling)}"
        lines.append(line)
    return lines


def commands(steps: Iterable[Step]) -> list[str]:
    """The command lines for these steps, as a person would type them."""
    return as_typed(step_lines(steps))


def as_typed(lines: Iterable[str]) -> list[str]:
    return [f"ipvsadm {line}" for line in lines]


def service_steps(key: ServiceKey, service: Service) -> Iterator[Step]:
    """The steps that add a service with its real servers."""
    yield Step("A", key, service.scheduling)
    for real, forwarding in service.real_servers.items():
        yield Step("a", key, None, real, forwarding)


def table_lines(table: Table) -> list[str]:
    """The lines of ``ipvsadm -R`` that make this table from an empty one."""
    return step_lines(step for key, service in table.items() for step in service_steps(key, service))


def sorted_lines(keys: Iterable[ServiceKey], table: Table) -> list[str]:
    """The lines for some services, those that there are, in an order that depends on nothing else."""
    lines = []
    for key in sorted({key for key in keys if key in table}):
        scheduling, real_servers = table[key]
        in_order = Service(scheduling, {real: real_servers[real] for real in sorted(real_servers)})
        lines += step_lines(service_steps(key, in_order))
    return lines


def real_words(key: ServiceKey, real: RealKey) -> str:
    return f"{service_words(key)} -r {joined(*real)}"
