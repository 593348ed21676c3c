# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Texts of ipvsadm to values and back. The fixtures are from directors with Debian 12 (kernel 6.1) and 13 (6.12)."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.lautan.lvs.plugins.module_utils._ipvs import listing
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.address import canonical, endpoint, joined
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.listing import add_thresholds, sections, title
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.model import (
    Forwarding,
    RealKey,
    Scheduling,
    Service,
    ServiceKey,
)
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.parse import (
    Command,
    ParseError,
    flag_names,
    parse_command,
    parse_rules,
    real_key,
)
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.read import parse_table, read_table
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.render import table_lines
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._ipvs.fake_ipvsadm import FakeIpvsadm, fixture
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._ipvs.strategies import documents, read

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


def test_debian_13_prints_the_same():
    text = fixture("debian13-table-timeouts-daemons.txt")
    assert title(text) == ("1.2.1", 65536)  # what was set for that director
    assert text.replace("(size=65536)", "(size=4096)") == CAPTURED


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


# ---- fast and careful reading


def read_line_by_line(text: str) -> dict:
    """Read rules as command lines, each for itself."""
    table = {}
    for line in text.split("\n"):
        if line.strip():
            command = parse_command(line.split())
            if command.verb == "A":
                table[command.service] = Service(command.scheduling, {})
            else:
                table[command.service].real_servers[command.real] = command.forwarding
    return table


_PLACES = [
    "-t 192.0.2.1:80",
    "-u 192.0.2.1:80",
    "-t [2001:db8::1]:80",
    "--sctp-service 192.0.2.1:80",
    "-t  192.0.2.2:80",
]
_PLACES += ["-f 5", "-f 5 -6", "-f -1", "-t 192.0.2.3:80 -p 7", "-t 192.0.2.4", "-t 2001:db8::1:80"]
_NO_PLACES = [
    "",
    "-t x:80",
    "-t 192.0.2.1:http",
    "-t 192.0.2.1:\u0663",
    "-t [192.0.2.1:80",
    "-t 192.0.2.1:80 -u 192.0.2.1:80",
]
_OPTIONS = ["wlc", "rr", "sh -b sh-port", "rr -o", "rr -p 9", "rr -p 9 -M 255.255.255.255", "rr -p 9 -M 255.255.255.0"]
_WRONG_OPTIONS = ["rr -p x", "rr -s rr", "sh -b mh-port", "rr -t 192.0.2.1:80"]


def test_no_service_gets_anything_from_the_one_before():
    lines = [f"-A {place} -s {options}" for place in _PLACES for options in _OPTIONS]
    lines = [line for line in lines if line.count(" -p ") < 2]
    for pair in itertools.permutations(lines, 2):
        text = "\n".join(pair)
        assert parse_rules(text) == read_line_by_line(text)


@pytest.mark.parametrize(
    "line",
    [f"-A {place} -s rr" for place in _NO_PLACES]
    + [f"-A {place} -s {options}" for place in _PLACES for options in _WRONG_OPTIONS if not place.startswith("-f")],
)
def test_a_wrong_service_is_refused_after_others_as_well(line):
    others = "-A -t 192.0.2.9:80 -s rr\n-A -u 192.0.2.9:80 -s rr\n-A -t [2001:db8::9]:80 -s rr\n"
    with pytest.raises(ParseError):
        read_line_by_line(line)
    with pytest.raises(ParseError, match="^" + re.escape(f"ipvsadm printed {line!r}: ")):
        parse_rules(others + line)


@given(documents)
def test_rules_are_read_as_each_for_itself(document):
    text = "\n".join(table_lines(read(document)))
    assert parse_rules(text) == read_line_by_line(text) == read(document)


def test_the_line_that_is_not_understood_is_named():
    text = "-A -t 192.0.2.1:80 -s rr\n-a -t 192.0.2.1:80 -r 192.0.2.2:80 -g -w 1\n"
    with pytest.raises(ParseError, match=r"192\.0\.2\.3:80 -g -w x': has -w x"):
        parse_rules(f"{text}-a -t 192.0.2.1:80 -r 192.0.2.3:80 -g -w x\n{text}")


_thresholds = st.sampled_from([(0, 0), (0, 0), (1, 0), (10, 10), (0, 1), (100, 0)])
_connections = st.sampled_from([0, 0, 7, 100])
_REALS = ["192.0.2.21:80", "192.0.2.200:65535", "[2001:db8:1111:2222:3333:4444:5555:6666]:80", "[::1]:0"]


_LISTED = """Prot LocalAddress:Port            Uthreshold Lthreshold ActiveConn InActConn
  -> RemoteAddress:Port
TCP  192.0.2.1:80 wlc
FWM  5 rr persistent 10
"""


def listed(name: str, upper: int, lower: int, active: int, inactive: int) -> str:
    return f"  -> {name:28} {upper:<10} {lower:<10} {active:<10} {inactive:<10}\n"


@given(st.lists(st.tuples(st.sampled_from(_REALS), _thresholds, _connections, _connections), unique_by=lambda e: e[0]))
def test_thresholds_are_found_wherever_they_are(entries):
    section = _LISTED
    for name, thresholds, active, inactive in entries:
        section += listed(name, *thresholds, active, inactive)
    key = ServiceKey("", "", 0, 5, 4)
    table = {key: Service(Scheduling(), {real_key(name): Forwarding() for name, *_rest in entries})}
    add_thresholds(table, section)
    assert table[key].real_servers == {
        real_key(name): Forwarding(upper_threshold=upper, lower_threshold=lower)
        for name, (upper, lower), *_rest in entries
    }


def test_without_thresholds_nothing_is_read_line_by_line(monkeypatch):
    monkeypatch.setattr(listing, "listings", lambda section: pytest.fail("read line by line"))
    section = _LISTED + "".join(listed(name, 0, 0, 7, 100) for name in _REALS)
    add_thresholds({}, section)
    with pytest.raises(pytest.fail.Exception):
        add_thresholds({}, section + listed("192.0.2.9:80", 0, 1, 0, 0))


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


@pytest.mark.parametrize(
    "text", ["", "1.2.3.4", "1.2.3.4:", "1.2.3.4:x", "[::1]", "::1", "1.2.3.4:\u0663", "2001:db8::1:80"]
)
def test_what_is_no_endpoint(text):
    for reading in (endpoint, real_key):
        with pytest.raises(ValueError):  # noqa: PT011  # the text says nothing more
            reading(text)
