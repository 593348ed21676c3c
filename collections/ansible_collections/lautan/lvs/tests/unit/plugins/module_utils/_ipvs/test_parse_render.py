# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Texts of ipvsadm to values and back. The fixtures are from a director with Debian 12, kernel 6.1."""

from __future__ import annotations

import pytest

from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.address import canonical, endpoint, joined
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.listing import sections, title
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.model import (
    Forwarding,
    RealKey,
    Scheduling,
    ServiceKey,
)
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.parse import (
    Command,
    ParseError,
    flag_names,
    parse_command,
    parse_rules,
)
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.read import parse_table, read_table
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.render import table_lines
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._ipvs.fake_ipvsadm import FakeIpvsadm, fixture

CAPTURED = fixture("debian12-table-timeouts-daemons.txt")
WEB = ServiceKey("tcp", "198.18.9.100", 443, 0, 4)
REAL = RealKey("198.18.9.21", 443)


def saved() -> str:
    return sections(CAPTURED)[0]


def test_fake_prints_what_ipvsadm_printed():
    # The kernel refused the IPv4-mapped real server.
    rules = [line for line in fixture("debian12-rules.txt").splitlines() if "::ffff:198.18.9.29" not in line]
    fake = FakeIpvsadm().load("\n".join(rules))
    out = fake.run(["ipvsadm", "-R"], "-S -n\n-L -n --thresholds\n-L --timeout\n-L --daemon\n").stdout

    def words(text):
        return [line.split() for line in text.splitlines() if not line.startswith("Prot")]

    assert words(out) == words(CAPTURED)
    assert len(words(out)) > 60


def test_table_is_written_as_ipvsadm_writes_it():
    table = parse_table(CAPTURED)
    lines = table_lines(table)
    expected = saved().replace("-f -1 ", "-f 4294967295 ").replace("21:443 -g -w 1", "21:443 -g -w 1 -x 100 -y 80")
    assert lines == expected.splitlines()
    assert parse_rules("\n".join(lines)) == table
    assert (len(table), sum(len(service.real_servers) for service in table.values())) == (15, 16)


def test_values_of_the_capture():
    table = parse_table(CAPTURED)
    assert table[WEB].scheduling == Scheduling("mh", ("mh-fallback", "mh-port"), 300, "255.255.255.0")
    assert table[WEB].real_servers == {
        REAL: Forwarding("dr", 1, upper_threshold=100, lower_threshold=80),
        RealKey("198.18.9.22", 443): Forwarding("dr", 0),
    }
    assert ServiceKey("", "", 0, 2**32 - 1, 4) in table
    gue = table[ServiceKey("tcp", "198.18.9.121", 80, 0, 4)].real_servers
    assert gue[RealKey("198.18.9.24", 80)] == Forwarding("tun", 1, "gue", 7777, "remcsum")
    assert gue[RealKey("198.18.9.26", 80)] == Forwarding("tun", 1, "gre", 0, "csum")
    assert table[ServiceKey("", "", 0, 22, 6)].scheduling == Scheduling("sh", ("sh-fallback", "sh-port"), 60, "64")
    assert table[ServiceKey("tcp", "198.18.9.120", 80, 0, 4)].scheduling == Scheduling("dh", engine="sip")
    assert table[ServiceKey("udp", "198.18.9.100", 53, 0, 4)].scheduling == Scheduling("rr", one_packet=True)


def test_empty_table():
    text = "IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port\n  -> RemoteAddress:Port\n"
    assert parse_table(text) == {}
    assert title(text) == ("1.2.1", 4096)


def test_reading_is_one_process():
    fake = FakeIpvsadm().load(saved().replace("-f -1 ", "-f 4294967295 "))
    fake.read_only = True
    assert len(read_table(fake.run)) == 15
    assert fake.processes == ["ipvsadm -R"]


@pytest.mark.parametrize(
    "line",
    [
        "-a -t 192.0.2.1:80 -r 192.0.2.2:80 -g -w 1",  # without its service
        "-A -t 192.0.2.1:80 -s rr --new-option 1",
        "-A -t 192.0.2.1:80 -s rr\n-a -t 192.0.2.1:80 -r 192.0.2.2:80 -g -w x",
        "-A -t 192.0.2.1:80 -s rr\n-a -t 192.0.2.1:80 -r 192.0.2.2 -g -w 1",
        "-A -t example.com:80 -s rr",
        "Something else",
    ],
)
def test_unexpected_output_is_refused(line):
    with pytest.raises(ParseError, match="ipvsadm printed"):
        parse_rules(line)


def test_flags_that_ipvsadm_does_not_show():
    assert (
        parse_rules("-A -t 192.0.2.1:80 -s sh -b \n")[ServiceKey("tcp", "192.0.2.1", 80, 0, 4)].scheduling.flags == ()
    )


@pytest.mark.parametrize("scheduler", ["sh", "mh"])
def test_numbered_flags_have_names(scheduler):
    assert flag_names(scheduler, ["flag-2", "flag-1"]) == (f"{scheduler}-fallback", f"{scheduler}-port")
    assert flag_names(scheduler, ["flag-1", f"{scheduler}-fallback"]) == (f"{scheduler}-fallback",)


@pytest.mark.parametrize(
    ("scheduler", "flag"), [("sh", "flag-3"), ("mh", "flag-3"), ("rr", "sh-port"), ("sh", "mh-port"), ("rr", "flag-4")]
)
def test_flags_that_cannot_be(scheduler, flag):
    with pytest.raises(ParseError, match=flag):
        flag_names(scheduler, [flag])


# ---- command lines


def command(text: str) -> Command:
    return parse_command(text.split(), lambda name, protocol: {"https": 443, "domain": 53}[name])


def test_long_short_and_attached_options():
    expected = Command("a", WEB, None, REAL, Forwarding("nat", 5, upper_threshold=7, lower_threshold=6))
    for text in (
        "-a -t 198.18.9.100:443 -r 198.18.9.21:443 -m -w 5 -x 7 -y 6",
        "--add-server --tcp-service 198.18.9.100:https --real-server 198.18.9.21:https --masquerading --weight 5"
        " --u-threshold 7 --l-threshold=6",
        "-at 198.18.9.100:443 -r198.18.9.21 -mw5 -x=7 -y 6",
    ):
        assert command(text) == expected, text


def test_what_is_left_out():
    assert command("-A -t 198.18.9.100:443") == Command("A", WEB, Scheduling("wlc"))
    assert command("-a -t 198.18.9.100:443 -r 198.18.9.21").forwarding == Forwarding("dr", 1)
    assert command("-a -f 5 -r 198.18.9.21").real == RealKey("198.18.9.21", 0)
    assert command("-A -u 198.18.9.100 -p").scheduling.timeout == 360
    assert command("-A -u 198.18.9.100 -p -s rr").scheduling == Scheduling("rr", timeout=360)
    assert command("-A -t 198.18.9.100:443 -p 9 -M 255.255.255.255").scheduling.netmask == ""
    assert command("-A -f 5 -6 -p 9 -M 128").scheduling.netmask == ""
    assert command("-a -t [fd00::1]:80 -r fd00::2 -i").forwarding == Forwarding("tun", 1, "ipip")
    assert command("-C") == Command("C")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "does not begin"),
        ("-t 192.0.2.1:80", "does not begin"),
        ("-A", "needs exactly one"),
        ("-A -t 192.0.2.1:80 -u 192.0.2.1:80", "needs exactly one"),
        ("-A -t 192.0.2.1:80 -6", "-6 without -f"),
        ("-A -f x", "not a number"),
        ("-A -t 192.0.2.1:80 -s rr -s wrr", "-s twice"),
        ("-A -t 192.0.2.1:80 --what", "no option of ipvsadm"),
        ("-A -t 192.0.2.1:80 --ops=1", "takes no argument"),
        ("-A -t 192.0.2.1:80 -s", "nothing after"),
        ("-A -t 192.0.2.1:80 word", "no option"),
        ("-A -t www.example.com:80", "names of hosts"),
        ("-A -t 192.0.2.1:nosuch", "neither a port"),
        ("-A -t [fd00::1]", "needs a port"),
        ("-A -t 192.0.2.010:80", "not an address"),
        ("-a -t 192.0.2.1:80", "needs -r"),
        ("-a -t 192.0.2.1:80 -r 192.0.2.2 -w -1", "not a number"),
    ],
)
def test_command_lines_that_are_not_understood(text, reason):
    def port_of(name, protocol):
        raise ValueError(name)

    with pytest.raises(ParseError, match=reason):
        parse_command(text.split(), port_of)


# ---- addresses


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("::ffff:c612:905", "::ffff:198.18.9.5"),
        ("::FFFF:198.18.9.5", "::ffff:198.18.9.5"),
        ("192.0.2.1", "192.0.2.1"),
    ],
)
def test_addresses_have_one_form(text, expected):
    assert canonical(text) == canonical(expected) == expected
    assert endpoint(joined(text, 80)) == (expected, 80)


@pytest.mark.parametrize("text", ["", "1", "1.2.3", "01.2.3.4", "fe80::1%eth0", "a\0", "\ud800", "[::1]", "1.2.3.4/8"])
def test_what_is_no_address(text):
    with pytest.raises(ValueError):  # noqa: PT011  # the text says nothing more
        canonical(text)


@pytest.mark.parametrize("text", ["", "1.2.3.4", "1.2.3.4:", "1.2.3.4:x", "[::1]", "::1", "1.2.3.4:\u0663"])
def test_what_is_no_endpoint(text):
    with pytest.raises(ValueError):  # noqa: PT011  # the text says nothing more
        endpoint(text)
