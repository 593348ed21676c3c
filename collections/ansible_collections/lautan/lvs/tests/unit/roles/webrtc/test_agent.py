# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the agent decides."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import sys

import pytest

from ansible_collections.lautan.lvs.tests.unit.roles.rendering import ROLES


def load():
    loader = importlib.machinery.SourceFileLoader("agent", str(ROLES / "webrtc/files/lautan-conference-agent"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("agent", loader))
    # Data classes look their own module up.
    sys.modules["agent"] = module
    sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
    try:
        loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = before
    return module


agent = load()
HERE, THERE = "192.0.2.21", "192.0.2.22"


def killed(looks):
    """Give the times at which a watchdog kills, of looks (time, process, whether it answers)."""
    watchdog = agent.Watchdog()
    return [now for now, pid, answers in looks if watchdog.verdict(now, pid, answers)]


def test_one_that_answers_is_left_alone():
    assert killed([(now, 7, True) for now in range(60)]) == []


def test_one_that_hangs_is_killed_soon_and_not_twice_at_once():
    looks = [(0, 7, True)] + [(tenth / 10, 7, False) for tenth in range(5, 100, 5)]
    assert killed(looks) == [2.0, 7.0]


def test_one_slow_answer_is_no_silence():
    assert killed([(0, 7, True), (1.5, 7, False), (1.9, 7, True), (3.5, 7, False)]) == []


def test_one_that_starts_gets_time():
    assert killed([(0, 7, True), *((now, 8, False) for now in range(1, 16)), (15.9, 8, False)]) == []
    assert killed([(now, 8, False) for now in range(18)]) == [15]


def test_one_that_does_not_run_is_left_to_systemd():
    assert killed([(0, 7, True), *((now, 0, False) for now in range(1, 60))]) == []


def test_reasons_are_told():
    watchdog = agent.Watchdog()
    watchdog.verdict(0, 7, True)
    assert watchdog.verdict(2.26, 7, False) == "no answer for 2.3 s"


def test_one_whose_host_has_lost_a_vip_is_killed_though_it_answers():
    watchdog, vip = agent.Watchdog(), "192.0.2.100"
    said = {now: watchdog.verdict(now, 7, True, (vip,) if now > 2 else ()) for now in range(14)}
    assert {now: reason for now, reason in said.items() if reason} == dict.fromkeys(
        (7, 12), f"this host has lost {vip}"
    )


def test_vip_that_is_away_for_a_moment():
    watchdog = agent.Watchdog()
    assert not any(watchdog.verdict(now, 7, True, ("192.0.2.100",) if now % 4 else ()) for now in range(60))


def test_addresses_that_the_host_does_not_have():
    assert agent.absent(["127.0.0.1", "192.0.2.1"]) == ("192.0.2.1",)


@pytest.fixture
def strays():
    return agent.Strays(frozenset({HERE}))


def look(strays, owners, times):
    """Look several times, without anything coming of it."""
    assert [strays.due(dict(owners)) for _look in range(times)] == [{}] * times


def test_rooms_are_sent_away_after_some_looks(strays):
    look(strays, {"blue": THERE}, agent.LOOKS - 1)
    assert strays.due({"blue": THERE, "red": THERE}) == {"blue": THERE}
    # And again, for whoever was missed.
    assert strays.due({"blue": THERE, "red": THERE}) == {"blue": THERE}
    look(strays, {"red": THERE}, agent.LOOKS - 3)
    assert strays.due({"red": THERE}) == {"red": THERE}


def test_pages_have_time_to_follow_by_themselves():
    """The first one asks within six seconds, mostly, and they are on both servers for six at most: follow.js."""
    assert agent.LOOKS * agent.RECONCILE_EVERY > 6 + 6


@pytest.mark.parametrize("between", [{}, {"blue": None}, {"blue": HERE}, {"blue": "192.0.2.23"}])
def test_looks_have_to_agree(strays, between):
    look(strays, {"blue": THERE}, agent.LOOKS - 1)
    assert strays.due(between) == {}
    look(strays, {"blue": THERE}, agent.LOOKS - 1)


def test_own_rooms_stay(strays):
    assert [strays.due({"blue": HERE}) for _again in range(5)] == [{}] * 5


@pytest.mark.parametrize(
    ("header", "address"),
    [
        ("192.0.2.22:8188", THERE),
        ("192.0.2.21:8188, 192.0.2.22:8188", THERE),
        (THERE, THERE),
        ("[2001:DB8:0::22]:8188", "2001:db8::22"),
        ("2001:db8::22", "2001:db8::22"),
        ("unix:/run/x", None),
        ("", None),
        (None, None),
    ],
)
def test_the_one_that_answered(header, address):
    assert agent.address_in(header) == address


def test_rooms_with_people():
    assert agent.occupied([{"room": "a", "num_participants": 2}, {"room": "b", "num_participants": 0}]) == ["a"]


def test_who_is_in_a_room():
    assert agent.is_in({"plugin_specific": {"type": "publisher", "room": "blue"}}, {"blue": THERE}) == "blue"
    assert agent.is_in({"plugin_specific": {"type": "none"}}, {"blue": THERE}) is None
    assert agent.is_in({}, {"blue": THERE}) is None


class Janus(agent.Janus):
    """One with two people in a room and one who looks on from elsewhere."""

    def __init__(self):
        super().__init__("", "")
        object.__setattr__(self, "timed", [])

    def ask(self, path="", within=0, **request):
        if request["janus"] == "list_sessions":
            return {"sessions": [1, 2, 3, 4]}
        if path.startswith("/4"):
            raise agent.Refused("No such session")
        if request["janus"] == "list_handles":
            return {"handles": [9, int(path[1:])]}
        if request["janus"] == "handle_info":
            room = {"1": "blue", "2": "blue", "3": "red"}.get(path.rsplit("/", 1)[1])
            return {"info": {"plugin_specific": {"room": room} if room else {}}}
        assert (request["janus"], request["timeout"]) == ("set_session_timeout", 1)
        self.timed.append(int(path[1:]))
        return {}


def test_everybody_in_a_room_is_sent_away_once(capsys):
    janus, sent = Janus(), set()
    for _again in range(2):
        agent.send_away(janus, {"blue": THERE}, sent)
    assert janus.timed == [1, 2]
    assert capsys.readouterr().out.splitlines() == [
        "room blue belongs to 192.0.2.22: ended 2 sessions here, for them to join again there"
    ]
