# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the directors get of the services in the plan: keepalived's configuration, the packet filter, kernel modules."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.model import Faults
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.parse import parse
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.render import lines_of
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.rules import checked
from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_plan import plan
from ansible_collections.lautan.lvs.tests.unit.roles.director.rendering import evaluated, rendered, variables_of

FIXTURES = Path(__file__).parent / "fixtures"
DESCRIPTION: dict[str, Any] = {
    "cluster": {
        "lvs_domain": "conference.example.org",
        "lvs_networks": ["192.0.2.0/24", "2001:db8::/64"],
        "lvs_vips": ["192.0.2.100", "2001:db8::100"],
        "lvs_conference": False,
    },
    "directors": [
        {"name": "director1", "lvs_address": "192.0.2.11", "lvs_address6": "2001:db8::11"},
        {"name": "director2", "lvs_address": "192.0.2.12", "lvs_address6": "2001:db8::12"},
    ],
    "real_servers": [
        {"name": "rs1", "lvs_address": "192.0.2.21", "lvs_address6": "2001:db8::21"},
        {"name": "rs2", "lvs_address": "192.0.2.22", "lvs_address6": "2001:db8::22", "lvs_weight": 2},
    ],
}
EVERY_KIND = [
    {
        "name": "https",
        "port": 443,
        "check": "https",
        "check_path": "/health?deep=1",
        "check_content": '{"status": "up"} $_X',
        "persistence": 300,
        "quorum": 2,
        "sorry_server": ["192.0.2.50", "[2001:db8::50]:443"],
    },
    {"name": "http", "port": 80, "check": "http", "scheduler": "wlc", "persistence": 60, "sorry_server": "192.0.2.50"},
    {"name": "ldap", "port": 389},
    {"name": "turn", "protocol": "udp", "port": 3478, "check": "stun"},
    {"name": "syslog", "protocol": "udp", "port": 514, "check": "none", "scheduler": "rr", "one_packet": True},
    {"name": "quic", "protocol": "udp", "port": 443, "check": "https"},
]


def variables(*services: dict[str, Any]) -> dict[str, Any]:
    facts = {"lvs_services": list(services)} if services else {}
    return variables_of(plan({**DESCRIPTION, "cluster": {**DESCRIPTION["cluster"], **facts}}))


def configuration(*services: dict[str, Any]) -> dict[str, Any]:
    """The configuration in normal form, against which keepalived_config has no objection and no warning."""
    faults = Faults((2, 2, 7))
    document = checked(yaml.safe_load(rendered("keepalived.yml.j2", variables(*services))), faults)
    assert (faults.lines, faults.warnings) == ([], [])
    return document


def text_of(document: dict[str, Any]) -> str:
    """The part of keepalived.conf that is about virtual servers."""
    lines = lines_of({"virtual_servers": document["virtual_servers"]})
    return "".join(f"{line.text}\n" for line in lines[1:]).lstrip("\n")


@pytest.mark.parametrize(
    ("services", "fixture"), [([], "default-services.conf"), (EVERY_KIND, "every-kind-of-service.conf")]
)
def test_virtual_servers(services: list[dict[str, Any]], fixture: str) -> None:
    assert text_of(configuration(*services)) == (FIXTURES / fixture).read_text(encoding="utf-8")


def test_a_plan_of_an_older_filter_is_enough() -> None:
    """Whoever uses the role without the filter need not know the options that have a default."""
    new = ("persistence", "one_packet", "check_path", "check_content", "quorum", "sorry_server")
    services = [
        {"name": check, "port": port, "check": check, "check_path": "/lb-ok"}
        for check, port in (("https", 443), ("http", 80))
    ]
    whole, given = variables(*services), variables()
    for service in given["director_virtual_services"]:
        for key in new:
            del service[key]
    documents = [yaml.safe_load(rendered("keepalived.yml.j2", each)) for each in (given, whole)]
    assert documents[0]["virtual_servers"] == documents[1]["virtual_servers"]


# Everything that means something to keepalived, to regular expressions, to YAML or to Jinja.
@pytest.mark.parametrize(
    "text", ["ok", '{"up": 1}', r"a\b\d\042", "$_PWD ${_X} ~SEQ(a,1,3)", "{{ x }} {% if %}", "'# !@", "^(a|b)*$"]
)
def test_content_is_taken_as_it_stands(text: str) -> None:
    document = configuration({"name": "web", "port": 80, "check": "http", "check_content": text})
    # Read back from the file, with keepalived's own quotes and escapes undone.
    (service, _service6) = parse(text_of(document)).document["virtual_servers"]
    pattern = service["real_servers"][0]["checks"][1]["url"][0]["regex"]
    assert re.fullmatch(pattern, text)
    assert not re.search(pattern, text[:-1])


def matches(pattern: str, answer: bytes) -> bool:
    """Compare as check_udp_reply() in keepalived/check/check_udp.c does."""
    return all(wanted in ("X", found) for wanted, found in zip(pattern, answer.hex(), strict=False))


ANSWERS = [bytes.fromhex(line) for line in (FIXTURES / "coturn-4.6.1-binding.txt").read_text("ascii").split()]


class TestStun:
    @pytest.fixture
    def check(self) -> dict[str, Any]:
        document = configuration({"name": "turn", "protocol": "udp", "port": 3478, "check": "stun"})
        (_drain, check) = document["virtual_servers"][0]["real_servers"][0]["checks"]
        return check

    def test_request_is_a_binding_request(self, check: dict[str, Any]) -> None:
        """RFC 8489, 5: type, length, magic cookie, 96 bits of transaction id."""
        request = bytes.fromhex(check["payload"])
        assert (check["type"], len(request)) == ("UDP_CHECK", 20)
        assert request[:8] == b"\x00\x01" + b"\x00\x00" + b"\x21\x12\xa4\x42"
        assert request[-1] != 0xFF

    def test_answer_is_that_of_the_request(self, check: dict[str, Any]) -> None:
        assert check["require_reply"][16:] == check["payload"][16:]
        assert not check["require_reply"].lower().endswith("ff")

    @pytest.mark.parametrize("answer", ANSWERS, ids=["ipv4", "ipv6", "with fingerprint"])
    def test_answers_of_coturn_pass(self, check: dict[str, Any], answer: bytes) -> None:
        assert check["min_reply_length"] <= len(answer) <= check["max_reply_length"]
        assert matches(check["require_reply"], answer)

    @pytest.mark.parametrize(
        ("position", "byte"), [(1, 0x11), (4, 0), (19, 0)], ids=["an error", "no magic cookie", "another transaction"]
    )
    def test_other_answers_do_not(self, check: dict[str, Any], position: int, byte: int) -> None:
        answer = bytearray(ANSWERS[0])
        answer[position] = byte
        assert not matches(check["require_reply"], bytes(answer))


def checked_over_tcp(*services: dict[str, Any]) -> dict[str, str]:
    text = rendered("lvs-director.nft.j2", variables(*services))
    found = {}
    for family in ("ipv4", "ipv6"):
        block = re.search(rf"set checked_{family} {{(.*?)\n\t}}", text, re.DOTALL)
        assert block
        elements = re.search(r"elements = {(.*)}", block[1])
        found[family] = elements[1].strip() if elements else ""
    return found


def test_packet_filter_knows_what_is_checked_over_tcp() -> None:
    ports = ("389", "443", "80")
    hosts = {"ipv4": ("192.0.2.21", "192.0.2.22"), "ipv6": ("2001:db8::21", "2001:db8::22")}
    assert checked_over_tcp(*EVERY_KIND) == {
        family: ", ".join(f"{host} . {port}" for host in of_family for port in ports)
        for family, of_family in hosts.items()
    }


@pytest.mark.parametrize("check", ["stun", "none"])
def test_packet_filter_knows_nothing_else(check: str) -> None:
    service = {"name": "turn", "protocol": "udp", "port": 3478, "check": check}
    assert checked_over_tcp(service) == {"ipv4": "", "ipv6": ""}


def test_modules_of_all_schedulers_are_loaded() -> None:
    assert evaluated("__director_modules", variables()) == ["ip_vs", "ip_vs_mh"]
    assert evaluated("__director_modules", variables(*EVERY_KIND)) == ["ip_vs", "ip_vs_mh", "ip_vs_rr", "ip_vs_wlc"]
