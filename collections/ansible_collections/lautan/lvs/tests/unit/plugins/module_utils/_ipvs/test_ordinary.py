# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is read fast is what is read with care."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.document import Reader
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.model import Forwarding, RealKey
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.ordinary import Ordinary
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._ipvs.strategies import documents, port_of

REAL = {"address": "192.0.2.21"}
# Equal to each other, or to what is the default, and yet not the same: 1, True and 1.0; 80 and "80".
_ADDRESSES = ["192.0.2.21", " 192.0.2.21", "192.0.2.22", "2001:db8::21", "2001:DB8:0::21", "::ffff:192.0.2.21"]
_ADDRESSES += ["224.0.0.1", "0.0.0.0", "fe80::1", "x", "", None, 5, [], True]
_PORTS = [0, 1, True, 1.0, False, 80, "80", 81, "https", -1, 65535, 65536, None, {}]
_METHODS = ["dr", "nat", "tun", "DR", None, 1, ["dr"]]
_WEIGHTS = [0, 1, True, 1.0, False, "1", 65535, 65536, -1, 10**30, None, [], "x"]
_entries = st.fixed_dictionaries(
    {"address": st.sampled_from(_ADDRESSES)},
    optional={
        "port": st.sampled_from(_PORTS),
        "method": st.sampled_from(_METHODS),
        "weight": st.sampled_from(_WEIGHTS),
        "lower_threshold": st.sampled_from([0, 1, None]),
        "wieght": st.just(1),
    },
)
_SERVICES = [
    {"protocol": "tcp", "address": "192.0.2.100", "port": 80},
    {"protocol": "tcp", "address": "192.0.2.100", "port": 1},
    {"protocol": "udp", "address": "192.0.2.100", "port": 0, "persistence_timeout": 5},
    {"protocol": "tcp", "address": "2001:db8::100", "port": 80},
    {"protocol": "tcp", "address": "2001:db8::100", "port": 81},
    {"fwmark": 7},
    {"fwmark": 7, "family": "ipv6"},
    {"protocol": "tcp", "address": "x", "port": 80},
]


def both_ways(document):
    """Read a document as it is, and with an option that means nothing and is not ordinary."""
    slow = [
        {**service, "real_servers": [{"tunnel_type": None, **real} for real in service["real_servers"]]}
        for service in document
    ]
    for entries in (document, slow):
        reader = Reader(port_of)
        yield reader.table(entries), reader.faults


@given(st.lists(st.tuples(st.sampled_from(_SERVICES), st.lists(_entries, max_size=4)), max_size=3))
def test_fast_and_careful_reading_are_the_same(services):
    fast, slow = both_ways([{**service, "real_servers": entries} for service, entries in services])
    assert fast == slow


@pytest.mark.parametrize("address", ["192.0.2.21", "2001:DB8::21"])
@pytest.mark.parametrize("method", ["dr", "nat"])
def test_no_service_gets_anything_from_the_one_before(address, method):
    for pair in itertools.permutations(_SERVICES, 2):
        document = [{**service, "real_servers": [{"address": address, "method": method}]} for service in pair]
        fast, slow = both_ways(document)
        assert fast == slow


@given(documents)
def test_fast_and_careful_reading_of_what_is_right(document):
    (fast, faults), slow = both_ways(document)
    assert (fast, faults) == slow
    assert faults == []


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, (RealKey("192.0.2.21", 80), Forwarding("dr", 1))),
        ({"port": 80, "method": "dr", "weight": 0}, (RealKey("192.0.2.21", 80), Forwarding("dr", 0))),
        ({"method": "nat", "weight": 65535}, (RealKey("192.0.2.21", 80), Forwarding("nat", 65535))),
        ({"method": "nat", "port": 8080}, (RealKey("192.0.2.21", 8080), Forwarding("nat", 1))),
    ],
)
def test_what_is_ordinary(options, expected):
    reader = Ordinary(4, 80)
    for _again in range(2):
        assert reader.read({**REAL, **options}) == expected


@pytest.mark.parametrize(
    "options",
    [
        {"address": "2001:db8::1"},
        {"address": "224.0.0.1"},
        {"address": "x"},
        {"address": None},
        {"port": 81},
        {"port": "80"},
        {"port": True},
        {"method": "nat", "port": 65536},
        {"method": "tun"},
        {"method": []},
        {"weight": True},
        {"weight": 1.0},
        {"weight": -1},
        {"weight": 65536},
        {"upper_threshold": 0},
        {"wieght": 1},
    ],
)
def test_what_is_not_ordinary(options):
    reader = Ordinary(4, 80)
    assert reader.read(REAL)
    assert reader.read({**REAL, **options}) is None
    # A port of 1 is not a port of True.
    assert Ordinary(4, 1).read({**REAL, "port": 1, **options}) is None


def test_nothing_is_ordinary_without_an_address():
    assert Ordinary(4, 80).read({"weight": 1}) is None


def test_the_first_of_two_is_named():
    service = {"protocol": "tcp", "address": "192.0.2.100", "port": 80}
    reader = Reader(port_of)
    reader.table([{**service, "real_servers": [5, {"address": "192.0.2.22"}, {"address": "?"}, REAL, {}, REAL]}])
    assert reader.faults[-1] == (
        "services[0].real_servers[5]=192.0.2.21:80: is the same real server as services[0].real_servers[3]"
    )
