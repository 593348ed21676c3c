# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documents: what they mean, and everything that may be wrong with them."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.document import REAL_FIELDS, SERVICE_FIELDS, Reader
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.model import (
    Forwarding,
    RealKey,
    Scheduling,
    Service,
    ServiceKey,
)
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.render import table_lines
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._ipvs.fake_ipvsadm import FakeIpvsadm
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._ipvs.strategies import documents, port_of, read

WEB = {"protocol": "tcp", "address": "192.0.2.100", "port": 443}
WEB6 = {"protocol": "tcp", "address": "2001:db8::100", "port": 443}
DNS = {"protocol": "udp", "address": "192.0.2.100", "port": 53}
MARK = {"fwmark": 21}
REAL = {"address": "192.0.2.21"}


def faults(document) -> list[str]:
    reader = Reader(port_of)
    reader.table(document)
    return reader.faults


def service_faults(options) -> list[str]:
    return [fault.removeprefix("services[0].") for fault in faults([{**WEB, **options}])]


def real_faults(service=None, **options) -> list[str]:
    found = faults([{**(service or WEB), "real_servers": [{**REAL, **options}]}])
    return [fault.removeprefix("services[0].real_servers[0].") for fault in found]


def test_what_is_left_out():
    table = read([{**WEB, "real_servers": [REAL]}, MARK])
    assert table == {
        ServiceKey("tcp", "192.0.2.100", 443, 0, 4): Service(
            Scheduling("wlc", (), 0, "", "", False),
            {RealKey("192.0.2.21", 443): Forwarding("dr", 1, "", 0, "", 0, 0)},
        ),
        ServiceKey("", "", 0, 21, 4): Service(Scheduling("wlc"), {}),
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({**WEB, "port": "https"}, WEB),
        ({**WEB, "port": "443"}, WEB),
        ({**WEB, "address": " 192.0.2.100 "}, WEB),
        ({**WEB, "scheduler": None, "real_servers": None}, {**WEB, "scheduler": "wlc", "real_servers": []}),
        ({**WEB6, "address": "2001:DB8:0:0::100"}, WEB6),
        ({**WEB, "address": "::ffff:c000:264"}, {**WEB, "address": "::FFFF:192.0.2.100"}),
        ({**WEB, "persistence_timeout": "300", "persistence_netmask": 24}, "255.255.255.0"),
        ({**WEB, "persistence_timeout": "300", "persistence_netmask": "/24"}, "255.255.255.0"),
        ({**WEB, "persistence_timeout": "300", "persistence_netmask": "24"}, "255.255.255.0"),
        ({**WEB, "persistence_timeout": 300, "persistence_netmask": 0}, "0.0.0.0"),
        ({**WEB, "persistence_timeout": 300}, "255.255.255.255"),
        ({**WEB, "persistence_timeout": 300, "persistence_netmask": 32}, "255.255.255.255"),
        ({**WEB6, "persistence_timeout": 300, "persistence_netmask": "128"}, {**WEB6, "persistence_timeout": 300}),
        ({**MARK, "fwmark": "21", "family": "ipv4"}, MARK),
        ({**WEB, "scheduler": "sh", "scheduler_flags": ["flag-1", "sh-port"]}, ["sh-port", "sh-fallback"]),
        ({**WEB, "scheduler": "sh", "scheduler_flags": "sh-port, sh-fallback"}, ["sh-port", "sh-fallback"]),
        ({**DNS, "one_packet": "yes"}, {**DNS, "one_packet": True}),
        ({**DNS, "one_packet": "False"}, DNS),
        ({**WEB, "real_servers": [{**REAL, "weight": "0"}]}, {**WEB, "real_servers": [{**REAL, "weight": 0}]}),
        ({**WEB, "real_servers": [{**REAL, "port": "https"}]}, {**WEB, "real_servers": [REAL]}),
        (
            {**WEB, "real_servers": [{**REAL, "method": "tun"}]},
            {**WEB, "real_servers": [{**REAL, "method": "tun", "tunnel_type": "ipip", "tunnel_checksum": "none"}]},
        ),
    ],
)
def test_different_words_for_the_same(one, other):
    if isinstance(other, str):
        other = {**WEB, "persistence_timeout": 300, "persistence_netmask": other}
    elif isinstance(other, list):
        other = {**WEB, "scheduler": "sh", "scheduler_flags": other}
    assert read([one]) == read([other])


@pytest.mark.parametrize("port", [0, 443, 65535])
@pytest.mark.parametrize("weight", [0, 1, 65535])
def test_limits_that_are_allowed(port, weight):
    service = {**WEB, "port": port, "persistence_timeout": 2678400}
    real = {**REAL, "weight": weight, "upper_threshold": 2**31 - 1, "lower_threshold": 2**31 - 1}
    assert faults([{**service, "real_servers": [real]}]) == []


def test_fast_and_slow_reading_are_the_same():
    for options in ({}, {"weight": 0}, {"port": 443}, {"method": "dr"}, {"method": "nat", "port": 0, "weight": 65535}):
        fast = read([{**WEB, "real_servers": [{**REAL, **options}]}])
        assert fast == read([{**WEB, "real_servers": [{**REAL, **options, "upper_threshold": 0}]}])
    bad = [{"weight": True}, {"weight": 65536}, {"weight": -1}, {"port": 444}, {"port": True}, {"method": []}]
    bad += [{"method": "nat", "port": 65536}, {"address": "2001:db8::1"}, {"address": "224.0.0.1"}, {"address": None}]
    for options in bad:
        found = real_faults(**options)
        assert len(found) == 1
        assert found == real_faults(**options, upper_threshold=0)


# ---- faults


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"port": 0}, "port=0: all ports; that needs persistence_timeout, from 1 to 2678400 seconds"),
        ({"port": 65536}, "port=65536: must be from 0 to 65535"),
        ({"port": -1}, "port=-1: must be from 0 to 65535"),
        ({"port": True}, "port=True: must be a whole number from 0 to 65535"),
        ({"port": 80.0}, "port=80.0: must be a whole number from 0 to 65535"),
        (
            {"port": "nosuch"},
            "port='nosuch': is neither a port from 0 to 65535 nor one that this host knows by name for tcp",
        ),
        (
            {"port": "domain"},
            "port='domain': is neither a port from 0 to 65535 nor one that this host knows by name for tcp",
        ),
        ({"port": ["http"]}, "port=['http']: must be a whole number from 0 to 65535"),
        ({"protocol": "icmp"}, "protocol='icmp': must be one of tcp, udp, sctp"),
        ({"protocol": {}}, "protocol=a dictionary: must be one of tcp, udp, sctp"),
        ({"address": "www.example.com"}, "address='www.example.com': must be an address; names of hosts are refused"),
        ({"address": "192.0.2.1/24"}, "address='192.0.2.1/24': must be an address without a prefix length"),
        ({"address": "192.0.2.1:80"}, "address='192.0.2.1:80': must be an address without a port"),
        ({"address": "[::1]"}, "address='[::1]': must be an address without brackets"),
        ({"address": "fe80::1%eth0"}, "address='fe80::1%eth0': must be an address without a zone"),
        ({"address": "192.0.2.300"}, "address='192.0.2.300': is not an IPv4 or IPv6 address"),
        ({"address": 5}, "address=5: must be an IPv4 or IPv6 address"),
        ({"scheduler": "no such"}, "scheduler='no such': must be the name of a scheduler"),
        (
            {"scheduler_flags": ["sh-port"]},
            "scheduler_flags=['sh-port']: has the flag 'sh-port'; flags of the scheduler wlc are flag-1",
        ),
        ({"scheduler": "sh", "scheduler_flags": ["flag-3"]}, "scheduler_flags=['flag-3']: has the flag 'flag-3'"),
        ({"scheduler_flags": [1]}, "scheduler_flags=a list: must be a list of names"),
        ({"persistence_timeout": 0}, "persistence_timeout=0: must be from 1 to 2678400"),
        ({"persistence_timeout": 2678401}, "persistence_timeout=2678401: must be from 1 to 2678400"),
        ({"persistence_netmask": 24}, "persistence_netmask=24: needs persistence_timeout"),
        ({"persistence_timeout": 1, "persistence_netmask": 33}, "persistence_netmask=33: must be a netmask such as"),
        ({"persistence_timeout": 1, "persistence_netmask": 129}, "persistence_netmask=129: must be a prefix length"),
        ({"persistence_timeout": 1, "persistence_netmask": "255.0"}, "persistence_netmask='255.0': must be a prefix"),
        (
            {**WEB6, "persistence_timeout": 1, "persistence_netmask": "255.255.255.0"},
            "persistence_netmask='255.255.255.0': must be a prefix length from 1 to 128 for IPv6",
        ),
        (
            {**WEB6, "persistence_timeout": 1, "persistence_netmask": 0},
            "persistence_netmask=0: must be a prefix length from 1",
        ),
        ({"persistence_engine": "sap"}, "persistence_engine='sap': must be one of sip"),
        ({"one_packet": True}, "one_packet=True: is for udp and fwmark only"),
        ({"one_packet": "perhaps"}, "one_packet='perhaps': must be true or false"),
        ({"fwmark": 5, "protocol": None, "address": None}, "port=443: does not go with fwmark"),
        ({"family": "ipv4"}, "family='ipv4': goes with fwmark only; an address shows its family"),
        ({"schedular": "rr"}, "schedular: is no option; did you mean scheduler?"),
        ({5: "rr"}, "5: is no option; there are protocol, address"),
        ({"real_servers": {}}, "real_servers=a dictionary: must be a list of real servers"),
        ({"real_servers": ["192.0.2.21"]}, "real_servers[0]='192.0.2.21': must be a dictionary"),
    ],
)
def test_faults_of_a_service(options, fault):
    found = service_faults(options)
    assert len(found) == 1
    assert found[0].startswith(fault)


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"address": None}, "services[0].real_servers[0]: needs address"),
        ({"weight": 70000}, "weight=70000: must be from 0 to 65535"),
        ({"weight": "10%"}, "weight='10%': must be a whole number from 0 to 65535"),
        ({"weight": "-1"}, "weight='-1': must be from 0 to 65535"),
        ({"weight": "\u0663"}, "weight='\\u0663': must be a whole number from 0 to 65535"),
        ({"weight": False}, "weight=False: must be a whole number from 0 to 65535"),
        ({"weight": 10**5000}, "weight=a number beyond 64 bits: must be from 0 to 65535"),
        ({"port": 8443}, "port=8443: must be the port of the service, 443: dr does not change ports, only nat does"),
        ({"port": 8443, "method": "tun"}, "port=8443: must be the port of the service, 443: tun does not change ports"),
        ({"method": "masq"}, "method='masq': must be one of dr, nat, tun"),
        ({"address": "2001:db8::21"}, "address='2001:db8::21': must be IPv4 like the service: only the method tun"),
        ({"address": "2001:db8::21", "method": "nat"}, "address='2001:db8::21': must be IPv4 like the service"),
        ({"address": "0.0.0.0"}, "address='0.0.0.0': must be a unicast address"),
        ({"address": "255.255.255.255"}, "address='255.255.255.255': must be a unicast address"),
        ({"address": "239.1.1.1"}, "address='239.1.1.1': must be a unicast address"),
        ({"address": "ff02::1", "method": "tun"}, "address='ff02::1': must be a unicast address"),
        ({"address": "fe80::1", "method": "tun"}, "address='fe80::1': must not be a link-local address"),
        (
            {"address": "::ffff:c000:215", "method": "tun"},
            "address='::ffff:c000:215': must be a unicast address; write the IPv4 address 192.0.2.21",
        ),
        ({"lower_threshold": 5}, "lower_threshold=5: is above the upper_threshold, 0"),
        ({"lower_threshold": 5, "upper_threshold": 4}, "lower_threshold=5: is above the upper_threshold, 4"),
        ({"upper_threshold": 2**31}, "upper_threshold=2147483648: must be from 0 to 2147483647"),
        ({"tunnel_type": "gre"}, "tunnel_type='gre': is for the method tun only, and it is dr"),
        ({"method": "nat", "tunnel_port": 5}, "tunnel_port=5: is for the method tun only, and it is nat"),
        ({"method": "tun", "tunnel_type": "vxlan"}, "tunnel_type='vxlan': must be one of ipip, gue, gre"),
        (
            {"method": "tun", "tunnel_type": "gue"},
            "services[0].real_servers[0]: needs tunnel_port, because tunnel_type is gue",
        ),
        ({"method": "tun", "tunnel_port": 5}, "tunnel_port=5: is for tunnel_type gue only, and it is ipip"),
        (
            {"method": "tun", "tunnel_checksum": "csum"},
            "tunnel_checksum='csum': must be one of none for tunnel_type ipip",
        ),
        (
            {"method": "tun", "tunnel_type": "gre", "tunnel_checksum": "remcsum"},
            "tunnel_checksum='remcsum': must be one of none, csum",
        ),
        ({"wieght": 1}, "wieght: is no option; did you mean weight?"),
    ],
)
def test_faults_of_a_real_server(options, fault):
    found = real_faults(**options)
    assert len(found) == 1
    assert found[0].startswith(fault)


def test_faults_of_firewall_marks():
    assert faults([{"fwmark": 0}, {"fwmark": 2**32}, {"fwmark": 1, "family": "inet"}]) == [
        "services[0].fwmark=0: must be from 1 to 4294967295",
        "services[1].fwmark=4294967296: must be from 1 to 4294967295",
        "services[2].family='inet': must be one of ipv4, ipv6",
    ]
    assert real_faults(MARK, port="https") == ["port='https': must be a number: a firewall mark is of no protocol"]
    assert real_faults({**MARK, "family": "ipv6"})[0].startswith("address='192.0.2.21': must be IPv6 like the service")
    assert real_faults(MARK, port=8080) == []
    wrong = {**MARK, "family": "ipv6", "persistence_timeout": 5, "persistence_netmask": "255.255.255.0"}
    assert faults([wrong])[0].startswith("services[0].persistence_netmask='255.255.255.0': must be a prefix length")


def test_every_fault_is_reported_with_its_path():
    document = [
        {**WEB, "scheduler": "wlc", "real_servers": [REAL]},
        {**WEB, "address": "www", "port": "x y", "one_packet": 7, "real_servers": [{"address": "?", "weight": -1}, 5]},
        "no service",
        {"real_servers": [{"weight": 70000, "port": 80, "method": "dr"}], "what": 1},
        {"protocol": "tcp"},
        {**WEB, "port": "https", "real_servers": [REAL, {**REAL, "port": "443"}, {"address": "192.0.2.22"}]},
    ]
    assert [fault.partition(":")[0] for fault in faults(document)] == [
        "services[1].address='www'",
        "services[1].port='x y'",
        "services[1].one_packet=7",
        "services[1].real_servers[0].address='?'",
        "services[1].real_servers[0].weight=-1",
        "services[1].real_servers[1]=5",
        "services[2]='no service'",
        "services[3].what",
        "services[3]",
        "services[3].real_servers[0].weight=70000",
        "services[3].real_servers[0]",
        "services[4]",
        "services[5].real_servers[1]=192.0.2.21",
        "services[5]=tcp 192.0.2.100",
    ]


@pytest.mark.parametrize("document", [None, 5, "text", {}, {"services": []}, True, b"x"])
def test_a_document_that_is_no_list(document):
    (fault,) = faults(document)
    assert fault.startswith("services=")
    assert fault.endswith(": must be a list of services")


def test_where_modules_are_asked_for():
    reader = Reader(port_of)
    reader.table([{**WEB, "scheduler": "mh", "persistence_engine": "sip"}, {**DNS, "scheduler": "mh"}, MARK])
    assert reader.modules == {
        "ip_vs_mh": ["services[0].scheduler='mh'", "services[1].scheduler='mh'"],
        "ip_vs_pe_sip": ["services[0].persistence_engine='sip'"],
        "ip_vs_wlc": ["services[2].scheduler='wlc'"],
    }


# ---- anything at all

_ODD = [0, 1, -1, 443, 65536, 2**32, 10**30, True, None, 1.5, float("nan"), "", "0", "tcp", "udp", "192.0.2.1", "::1"]
_ODD += ["a\0b", "\ud800", "443", "https", "sh-port", "mh", "dr", "nat", "tun", "gue", "ipv6", "255.255.0.0", "24"]
_anything = st.recursive(
    st.one_of(st.sampled_from(_ODD), st.integers(), st.text(max_size=5), st.floats(), st.none(), st.booleans()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6,
)
# Mostly the right keys with the wrong values: keys at random never get past the first check.
_real_servers = st.lists(st.one_of(st.dictionaries(st.sampled_from([*REAL_FIELDS, "x"]), _anything), _anything))
_services = st.dictionaries(st.sampled_from([*SERVICE_FIELDS, "real_servers", "x"]), _anything).flatmap(
    lambda service: st.one_of(st.just(service), _real_servers.map(lambda reals: {**service, "real_servers": reals}))
)
_documents = st.one_of(_anything, st.lists(st.one_of(_services, _anything), max_size=3))


@given(_documents)
@example([{"address": "[" * 5000}])
@example([{"scheduler_flags": "\u00a1"}])
def test_anything_is_a_table_or_has_faults(document):
    _is_table_or_has_faults(document)


@given(documents, st.data())
def test_right_documents_with_something_wrong(document, data):
    """Replace one value somewhere in a document that is right."""
    places = [(service, name) for service in document for name in service]
    places += [(real, name) for service in document for real in service["real_servers"] for name in real]
    if not places:
        return
    holder, name = data.draw(st.sampled_from(places))
    holder[name] = data.draw(_anything)
    _is_table_or_has_faults(document)


def _is_table_or_has_faults(document):
    reader = Reader(port_of)
    table = reader.table(document)
    for fault in reader.faults:
        assert fault.startswith("services")
        assert "\n" not in fault
        assert fault.isascii()
    if not reader.faults:
        # ipvsadm takes it: the same rules as the kernel's.
        for service in table.values():
            if service.scheduling.scheduler not in ("sh", "mh", "wlc", "rr"):
                return
        FakeIpvsadm().load("\n".join(table_lines(table)))
