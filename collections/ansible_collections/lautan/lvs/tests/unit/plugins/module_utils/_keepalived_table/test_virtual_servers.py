# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file, and what keepalived says after it has read that file, are the same virtual servers."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.model import Forwarding, RealKey, ServiceKey
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.model import Faults
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.parse import parse
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.rules import checked
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived_table.configured import virtual_servers
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived_table.dump import DumpError, running
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived_table.model import Health, Member, VirtualServer
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._keepalived_table.fake_director import fixture

DUMPS = ["debian12-check-data.txt", "debian13-check-data.txt"]


def configured(text: str) -> list[VirtualServer]:
    faults = Faults()
    found = virtual_servers(checked(parse(text).document, faults))
    assert faults.lines == []
    return found


@pytest.mark.parametrize("name", DUMPS)
def test_the_file_and_keepalived_agree(name):
    in_file = configured(fixture("everything.conf"))
    in_keepalived = [each.virtual_server for each in running(fixture(name))]
    assert in_file[1].scheduling.engine == "sip"
    in_file[1] = in_file[1]._replace(scheduling=in_file[1].scheduling._replace(engine=""))
    assert in_keepalived == in_file
    assert len(in_file) == 7


@pytest.mark.parametrize("name", DUMPS)
def test_health(name):
    found = running(fixture(name))
    assert [each.has_quorum for each in found] == [True, False, True, True, True, True, True]
    assert list(found[0].health.items()) == [
        (RealKey("192.0.2.21", 0), Health(alive=True, is_set=True, weight=1)),
        (RealKey("192.0.2.22", 0), Health(alive=False, is_set=False, weight=1)),
        (RealKey("192.0.2.23", 0), Health(alive=True, is_set=True, weight=7)),
        (RealKey("192.0.2.24", 0), Health(alive=False, is_set=True, weight=1)),
        (RealKey("192.0.2.25", 0), Health(alive=True, is_set=True, weight=0)),
    ]
    assert next(iter(found[1].health.values())) == Health(alive=True, is_set=False, weight=1)


def service(body: str, head: str = "192.0.2.1 80") -> VirtualServer:
    text = f"virtual_server {head} {{\n lvs_sched rr\n {body}\n}}\n"
    (found,) = configured(text)
    return found


def test_defaults():
    found = service("protocol TCP\n real_server 192.0.2.2 80 {\n }")
    assert found.keys == (ServiceKey("tcp", "192.0.2.1", 80, 0, 4),)
    assert found.real_servers == {RealKey("192.0.2.2", 80): Member(Forwarding("nat", 1), inhibit=False)}
    assert (found.scheduling.timeout, found.scheduling.netmask, found.sorry) == (0, "", None)


@pytest.mark.parametrize(
    ("head", "port"),
    [("192.0.2.1 80", 80), ("fwmark 5", 0)],
)
def test_with_nat_the_port_is_that_of_the_virtual_server(head, port):
    body = "real_server 192.0.2.2 {\n }\n real_server 192.0.2.3 8080 {\n }"
    found = service(body + ("\n protocol TCP" if port else ""), head)
    assert list(found.real_servers) == [RealKey("192.0.2.2", port), RealKey("192.0.2.3", 8080)]


def test_real_servers_inherit():
    found = service(
        "protocol TCP\n weight 5\n lvs_method TUN type gre csum\n inhibit_on_failure\n real_server 192.0.2.2 80 {\n }\n"
        " real_server 192.0.2.3 80 {\n weight 0\n lvs_method DR\n inhibit_on_failure false\n }"
    )
    assert list(found.real_servers.values()) == [
        Member(Forwarding("tun", 5, "gre", 0, "csum"), inhibit=True),
        Member(Forwarding("dr", 0), inhibit=False),
    ]


@pytest.mark.parametrize(
    ("body", "timeout", "netmask"),
    [
        ("persistence_timeout", 360, ""),
        ("persistence_timeout 7", 7, ""),
        ("persistence_granularity 255.255.0.0", 360, "255.255.0.0"),
        ("persistence_granularity 255.255.255.255", 360, ""),
    ],
)
def test_persistence(body, timeout, netmask):
    found = service(
        f"protocol UDP\n lvs_method DR\n {body}\n persistence_engine sip\n real_server 192.0.2.2 80 {{\n }}"
    )
    assert (found.scheduling.timeout, found.scheduling.netmask) == (timeout, netmask)
    assert found.scheduling.engine == "sip"


def test_without_persistence_there_is_no_engine():
    found = service("protocol UDP\n lvs_method DR\n persistence_engine sip\n real_server 192.0.2.2 80 {\n }")
    assert found.scheduling.engine == ""


@pytest.mark.parametrize(
    ("body", "families"),
    [
        ("real_server 192.0.2.2 {\n }", [4]),
        ("real_server 2001:db8::2 {\n }", [6]),
        ("lvs_method TUN\n real_server 2001:db8::2 {\n }\n real_server 192.0.2.2 {\n }", [4]),
        ("ip_family inet6\n lvs_method TUN\n real_server 192.0.2.2 {\n }", [6]),
    ],
)
def test_family_of_a_mark(body, families):
    assert [key.family for key in service(body, "fwmark 5").keys] == families


def test_flags_of_the_scheduler_by_their_numbers():
    (found,) = configured(
        "virtual_server 192.0.2.1 80 {\n lvs_sched mh\n flag-2\n flag-3\n lvs_method DR\n protocol TCP\n"
        " real_server 192.0.2.2 80 {\n }\n}\n"
    )
    assert found.scheduling.flags == ("mh-port",)


# ---- what is not as expected


def lines_of(block: str) -> list[int]:
    """The numbers of the lines from the first title of this kind to the next."""
    lines = fixture(DUMPS[0]).split("\n")
    start = next(number for number, line in enumerate(lines) if f"------< {block} >------" in line)
    end = next(number for number, line in enumerate(lines[start + 1 :], start + 1) if "------<" in line)
    return list(range(start, end))


NEEDED = {
    "Virtual server": [
        " VS VIP",
        "   Address family",
        "   lvs_sched",
        "   One packet",
        "   protocol",
        "   quorum_state",
    ],
    "Real server": [
        "   RIP",
        "   forwarding",
        "   connection limit",
        "   Inhibit",
        "   initial",
        "   alive",
        "   RS set",
    ],
}


CASES = [(block, line) for block, lines in NEEDED.items() for line in lines]
# Of these, any word may be the value.
FREE = ("   Address family", "   lvs_sched", "   One packet")


def spoilt(block: str, beginning: str, change: Callable[[str], list[str]]) -> str:
    """The text with one line of the first such block changed."""
    lines = fixture(DUMPS[0]).split("\n")
    (number,) = [number for number in lines_of(block) if lines[number].startswith(beginning)]
    lines[number : number + 1] = change(lines[number])
    return "\n".join(lines)


@pytest.mark.parametrize(("block", "beginning"), CASES)
def test_a_line_that_is_needed(block, beginning):
    with pytest.raises(DumpError):
        running(spoilt(block, beginning, lambda line: []))


@pytest.mark.parametrize(("block", "beginning"), [case for case in CASES if case[1] not in FREE])
def test_a_value_that_is_not_known(block, beginning):
    with pytest.raises(DumpError):
        running(spoilt(block, beginning, lambda line: [re.sub(r"(= |is )\S+", r"\1perhaps", line)]))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "------< Global definitions >------\n Router ID = director1\n",
        fixture(DUMPS[0]).replace("   ------< Real server >------", "   ------< Real host >------", 1),
        fixture(DUMPS[0]).replace("VS GROUP = [media]", "VS GROUP = [mediocre]"),
        fixture(DUMPS[0]).replace("forwarding method = DR\n   Alpha", "forwarding method = DR, new\n   Alpha", 1),
        fixture(DUMPS[0]).replace(" ------< Virtual server >------\n VS VIP = 192.0.2.100", "   RIP = 192.0.2.100", 1),
    ],
    ids=["empty", "no topology", "unknown title", "unknown group", "unknown method", "no virtual server"],
)
def test_what_is_not_understood(text):
    with pytest.raises(DumpError):
        running(text)


TOPOLOGY = fixture(DUMPS[0]).partition("------< Health checkers >------")[0]


@given(st.integers(TOPOLOGY.index("   RIP"), len(TOPOLOGY) - 2))
def test_a_part_is_never_taken_for_another_whole(length):
    """Cut off anywhere, it is an error, or at least a beginning of what it was."""
    whole = running(TOPOLOGY)
    try:
        found = running(TOPOLOGY[:length])
    except DumpError:
        return
    for cut, each in zip(found[:-1], whole):
        assert cut == each
    last, was = found[-1], whole[len(found) - 1]
    assert last.virtual_server.keys == was.virtual_server.keys
    for real, health in last.health.items():
        assert health == was.health[real]
