# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Janus is told."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import pytest
import yaml

from ansible_collections.lautan.lvs.tests.unit.roles.rendering import ROLES, evaluated, rendered

VARIABLES: dict[str, Any] = {
    "ansible_managed": "Managed",
    "inventory_hostname": "rs1",
    "webrtc_vips": ["192.0.2.100", "2001:db8::100"],
    "webrtc_interface": "eth0",
    "webrtc_ports": {"first": 20000, "last": 20199},
    "webrtc_admin_secret": 'a"b\\c',
    "webrtc_token_secret": "token",
    "webrtc_key_secret": "keys",
}


def settings(**variables: Any) -> dict[str, str]:
    text = rendered("webrtc", "janus.jcfg.j2", {**VARIABLES, **variables})
    return dict(re.findall(r"^\t(\w+) = (.*)$", text, re.MULTILINE))


def test_candidates_and_ports() -> None:
    found = settings()
    assert found["ice_enforce_list"] == '"192.0.2.100,2001:db8::100"'
    assert (found["rtp_port_range"], found["ipv6"], found["ice_lite"]) == ('"20000-20199"', "true", "true")
    assert "ice_ignore_list" not in found
    assert "ipv6" not in settings(webrtc_vips=["192.0.2.100"])


def test_quotes_are_quoted() -> None:
    assert settings()["admin_secret"] == r'"a\"b\\c"'


def test_keys_stand_for_pins() -> None:
    rooms = [{"name": "staff", "pin": "4711", "secret": "0815", "publishers": 12}, {"name": "hall", "pin": None}]
    staff, hall = evaluated("webrtc", "__webrtc_rooms", {**VARIABLES, "webrtc_rooms": rooms})
    keys = {
        kind: hashlib.sha256(f"keys,{kind},staff,{rooms[0][kind]}".encode()).hexdigest() for kind in ("pin", "secret")
    }
    assert staff == {**rooms[0], **keys}
    assert hall == rooms[1]


@pytest.mark.parametrize(
    ("vips", "addresses", "ignored"),
    [
        (["192.0.2.10"], ["192.0.2.10", "192.0.2.101", "192.0.2.21"], '"192.0.2.101"'),
        (["192.0.2.101"], ["192.0.2.10", "192.0.2.101"], None),
        (["192.0.2.1", "2001:db8::1"], ["2001:db8::1", "192.0.2.11", "2001:db8::11"], '"192.0.2.11,2001:db8::11"'),
    ],
)
def test_addresses_that_begin_like_a_vip_are_not_taken_for_it(
    vips: list[str], addresses: list[str], ignored: str | None
) -> None:
    assert settings(webrtc_vips=vips, webrtc_addresses=addresses).get("ice_ignore_list") == ignored


def test_the_role_has_what_it_says() -> None:
    options = yaml.safe_load((ROLES / "webrtc/meta/argument_specs.yml").read_text())["argument_specs"]["main"][
        "options"
    ]
    defaults = yaml.safe_load((ROLES / "webrtc/defaults/main.yml").read_text())
    assert {name: option["default"] for name, option in options.items() if "default" in option} == defaults


def test_nothing_needless_is_loaded() -> None:
    unused = evaluated("webrtc", "__webrtc_unused_plugins", VARIABLES)
    assert "libjanus_videoroom.so" not in unused
    assert len(unused) == len(set(unused)) == 11
