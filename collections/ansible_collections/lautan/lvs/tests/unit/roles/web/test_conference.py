# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What nginx is told of the conference, and what it tells the world of it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from ansible_collections.lautan.lvs.tests.unit.roles.rendering import rendered

SECRETS = {
    "web_token_secret": "signs-tokens",
    "web_old_token_secret": "signed-tokens",
    "web_key_secret": "stands-for-pins",
    "web_turn_secret": "signs-credentials",
}
PLACES = ("/ws/", "/api/token/", "/api/key/", "/api/owner/", "/owner/")
ROOMS: list[dict[str, Any]] = [
    {"name": "algebra", "title": 'Algebra $uri "ü"; }', "pin": "4711", "secret": "moderators", "publishers": 12},
    {"name": "m" * 63, "title": None, "pin": None, "secret": None, "publishers": 4},
]
VARIABLES: dict[str, Any] = {
    "inventory_hostname": "rs1",
    "ansible_managed": "",
    "role_path": "",
    "web_domain": "conference.example.org",
    "web_vips": ["2001:db8::100", "192.0.2.100", "192.0.2.101"],
    "web_conference": True,
    "web_rooms": ROOMS,
    "web_ring": [{"name": "rs2", "address": "192.0.2.22"}, {"name": "rs1", "address": "192.0.2.21"}],
    "web_turn_domain": "turn.example.org",
    **SECRETS,
}


def text(template: str, **variables: Any) -> str:
    return rendered("web", template, {**VARIABLES, **variables})


def part(pattern: str) -> str:
    (found,) = re.findall(pattern, text("nginx.conf.j2"), re.MULTILINE | re.DOTALL)
    return found


@pytest.mark.parametrize("conference", [True, False])
def test_port_443_is_listened_to_once(conference: bool) -> None:
    http, _word, stream = text("nginx.conf.j2", web_conference=conference).partition("\nstream {")
    pattern = r"^ +listen (?:\[::\]:)?443\b.*;$"
    counts = [len(re.findall(pattern, each, re.MULTILINE)) for each in (http, stream)]
    assert counts == ([0, 2] if conference else [2, 0])
    assert ("proxy_protocol" in http) == conference


def test_every_hop_that_is_told_the_client_takes_it() -> None:
    listening = dict(re.findall(r"listen unix:(\S+) (.*);", text("nginx.conf.j2")))
    connecting = re.findall(r"server unix:(\S+);", text("nginx.conf.j2"))
    assert sorted(listening) == sorted(connecting)
    assert all("proxy_protocol" in options for options in listening.values())


def test_turn_is_told_by_its_name_and_goes_to_this_host() -> None:
    assert "turn.example.org turn;" in part(r"map \$ssl_preread_server_name .*?}")
    assert "proxy_pass 192.0.2.100:5349;" in part(r"^stream {.*")


def test_the_ring_is_in_the_order_that_was_given() -> None:
    ring = part(r"upstream janus {\n(.*?)}")
    assert re.findall(r"server (\S+) max_fails=0;", ring) == ["192.0.2.22:8188", "192.0.2.21:8188"]
    assert "hash $room consistent;" in ring


def test_rooms_are_known_by_their_paths() -> None:
    known = re.findall(r"^ +(/\S+) (\S+);$", part(r"map \$uri \$room {\n(.*?)}"), re.MULTILINE)
    names = [room["name"] for room in ROOMS]
    assert known == [(path + name, name) for name in names for path in PLACES]


@pytest.mark.parametrize("place", PLACES)
def test_other_rooms_are_refused_first(place: str) -> None:
    (first,) = re.findall(re.escape(f"location {place} {{") + r"\s+(if .*?})", text("nginx.conf.j2"), re.DOTALL)
    assert " ".join(first.split()) == 'if ($room = "") { return 404; }'


def test_no_place_loses_the_headers_of_its_server() -> None:
    """One with a header of its own would not have the server's; what the directors ask is the exception."""
    server = part(r"^    server {\n        # Below, port 443(.*?)^    }")
    places = re.findall(r"^        location (\S+ ?\S*) {(.*?)^        }", server, re.MULTILINE | re.DOTALL)
    assert len(places) > 5
    assert [name for name, body in places if "add_header" in body] == ["/lb-ok/"]


def test_everybody_may_know_the_rooms_but_no_pin() -> None:
    said = text("rooms.json.j2")
    assert json.loads(said) == [
        {"name": "algebra", "title": ROOMS[0]["title"], "pin": True, "people": 12},
        {"name": "m" * 63, "title": "m" * 63, "pin": False, "people": 4},
    ]
    assert "4711" not in said
    assert "moderators" not in said
    assert json.loads(text("rooms.json.j2", web_rooms=[])) == []


def test_secrets_are_in_one_file_only() -> None:
    settings = text("settings.js.j2")
    for secret in SECRETS.values():
        assert secret in settings
        assert not any(secret in text(name) for name in ("nginx.conf.j2", "rooms.json.j2"))


def test_whose_tokens_are_signed_with_the_old_secret() -> None:
    (said,) = re.findall(r"^export default (.*);$", text("settings.js.j2"), re.MULTILINE)
    assert json.loads(said)["old"] == {"tokenSecret": "signed-tokens", "servers": []}
    (said,) = re.findall(
        r"^export default (.*);$", text("settings.js.j2", web_old_token_servers=["192.0.2.22"]), re.MULTILINE
    )
    assert json.loads(said)["old"]["servers"] == ["192.0.2.22"]


def test_pins_are_tried_slowly_and_kept_from_browsers() -> None:
    (said,) = re.findall(r"^export default (.*);$", text("settings.js.j2"), re.MULTILINE)
    pins = json.loads(said)["pins"]
    assert pins["algebra"] == {"pin": "4711", "secret": "moderators"}
    assert pins["m" * 63] == {"pin": "", "secret": ""}
    assert "limit_req zone=pins burst=" in part(r"location /api/key/ {(.*?)}\n        location")
    assert "zone=pins:2m rate=30r/m;" in text("nginx.conf.j2")


def test_ways_to_turn() -> None:
    (said,) = re.findall(r"^export default (.*);$", text("settings.js.j2"), re.MULTILINE)
    settings = json.loads(said)
    assert settings["seconds"] == 600
    assert settings["turnUrls"] == [
        "turn:[2001:db8::100]:3478?transport=tcp",
        "turn:192.0.2.100:3478?transport=tcp",
        "turn:192.0.2.101:3478?transport=tcp",
        "turns:turn.example.org:443?transport=tcp",
    ]
