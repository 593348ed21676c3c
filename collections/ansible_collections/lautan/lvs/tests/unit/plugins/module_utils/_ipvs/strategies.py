# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documents as an operator may write them, with few services and real servers: any two tables have some in common."""

from __future__ import annotations

from hypothesis import strategies as st

from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.document import Reader

ADDRESSES4 = ["192.0.2.100", "192.0.2.101"]
ADDRESSES6 = ["2001:db8::100", "2001:DB8:0:0::101"]
REALS4 = [f"192.0.2.{number}" for number in range(21, 26)]
REALS6 = [f"2001:db8::{number}" for number in range(21, 24)]
PORT_NAMES = {("https", "tcp"): 443, ("domain", "udp"): 53}


def port_of(name: str, protocol: str) -> int:
    try:
        return PORT_NAMES[name, protocol]
    except KeyError:
        raise ValueError(name) from None


def read(services) -> dict:
    """Read a document that is right."""
    reader = Reader(port_of)
    table = reader.table(services)
    assert reader.faults == []
    return table


def number(low: int, high: int):
    """A whole number, or its digits."""
    return st.one_of(st.integers(low, high), st.integers(low, high).map(str))


def _optional(**fields):
    return st.fixed_dictionaries({}, optional=fields)


@st.composite
def _real_server(draw, family: int, marked: bool):
    same = REALS4 if family == 4 else REALS6
    method = draw(st.sampled_from(["dr", "nat", "tun", None]))
    entry = {"address": draw(st.sampled_from(REALS4 + REALS6 if method == "tun" else same)), "method": method}
    entry |= draw(_optional(weight=number(0, 3), upper_threshold=number(0, 2**31 - 1)))
    upper = int(entry.get("upper_threshold", 0))
    entry |= draw(_optional(lower_threshold=number(0, upper)))
    if method == "nat" or marked:
        entry |= draw(_optional(port=number(0, 3)))
    if method == "tun":
        kind = draw(st.sampled_from(["ipip", "gue", "gre"]))
        entry["tunnel_type"] = kind
        if kind == "gue":
            entry["tunnel_port"] = draw(number(1, 65535))
        checksums = {"ipip": ["none"], "gue": ["none", "csum", "remcsum"], "gre": ["none", "csum"]}[kind]
        entry |= draw(_optional(tunnel_checksum=st.sampled_from(checksums)))
    return entry


@st.composite
def _service(draw):
    if draw(st.integers(0, 3)) == 0:
        entry = {"fwmark": draw(st.sampled_from([1, 2, 2**31, "4294967295"]))}
        entry |= draw(_optional(family=st.sampled_from(["ipv4", "ipv6"])))
        family, protocol, port = 6 if entry.get("family") == "ipv6" else 4, "", 1
    else:
        protocol = draw(st.sampled_from(["tcp", "udp", "sctp"]))
        family = draw(st.sampled_from([4, 6]))
        names = [name for name, of in PORT_NAMES if of == protocol]
        port = draw(st.sampled_from([0, 443, "53", *names]))
        entry = {"protocol": protocol, "port": port}
        entry["address"] = draw(st.sampled_from(ADDRESSES4 if family == 4 else ADDRESSES6))
    scheduler = draw(st.sampled_from(["rr", "wlc", "sh", "mh", None]))
    entry["scheduler"] = scheduler
    flags = {"sh": ["sh-port", "sh-fallback", "flag-1"], "mh": ["mh-port", "flag-2"]}
    choices = flags.get(scheduler, ["flag-1", "flag-2", "flag-3"])
    entry |= draw(_optional(scheduler_flags=st.lists(st.sampled_from(choices), max_size=2)))
    if port == 0 or draw(st.booleans()):
        entry["persistence_timeout"] = draw(number(1, 2678400))
        masks = st.one_of(number(0, 32), st.sampled_from(["255.255.255.0", "255.0.255.0", "0.0.0.0"]))
        entry |= draw(_optional(persistence_netmask=masks if family == 4 else number(1, 128)))
    entry |= draw(_optional(persistence_engine=st.just("sip")))
    if protocol in ("udp", ""):
        entry |= draw(_optional(one_packet=st.sampled_from([True, False, "yes", "False", None])))
    servers = draw(st.lists(_real_server(family, protocol == ""), max_size=5))
    entry["real_servers"] = _without_twins(servers, lambda server: read([{**entry, "real_servers": [server]}]))
    return entry


def _without_twins(entries: list, table_of) -> list:
    """Leave out entries that are the same service, or the same real server, as one before."""
    seen, kept = set(), []
    for entry in entries:
        ((key, service),) = table_of(entry).items()
        name = (key, *service.real_servers)
        if name not in seen:
            seen.add(name)
            kept.append(entry)
    return kept


# Valid documents
documents = st.lists(_service(), max_size=5).map(
    lambda entries: _without_twins(entries, lambda entry: read([{**entry, "real_servers": []}]))
)
