# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rooms, in a Janus in memory and in a file."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.lautan.lvs.plugins.module_utils._failures import Mistakes, NotReached
from ansible_collections.lautan.lvs.plugins.module_utils._janus import jcfg, model
from ansible_collections.lautan.lvs.plugins.module_utils._janus.api import Api, NotRunning
from ansible_collections.lautan.lvs.plugins.module_utils._janus.ensure import Outcome, Wanted, ensure
from ansible_collections.lautan.lvs.plugins.module_utils._janus.model import Document, Refused
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._janus.fake_janus import (
    ADMIN_KEY,
    ADMIN_SECRET,
    FakeFile,
    FakeJanus,
)

PERSON = {"id": "a", "publisher": True}


def room(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "title": None, "pin": None, "secret": None, "publishers": 12, "bitrate": 600000, **more}


BLUE = room("blue", title="Blue", pin="1234", secret="moderator")
RED = room("red")


class Host:
    """A Janus and its file."""

    def __init__(self, *rooms: dict[str, Any]) -> None:
        self.janus = FakeJanus()
        document = Document(model.general(ADMIN_KEY), {r["name"]: model.settings(r, ADMIN_KEY) for r in rooms})
        self.file = FakeFile(jcfg.render(document))
        self.janus.start(self.file.text)

    def run(
        self,
        *rooms: dict[str, Any],
        purge: bool = True,
        force: bool = False,
        live: bool = True,
        check: bool = False,
        key: str = ADMIN_KEY,
    ) -> Outcome:
        outcome = Outcome()
        api = Api(self.janus.ask, ADMIN_SECRET, key)
        ensure(api, self.file, Wanted(rooms, key, purge, force, live), check, outcome)
        return outcome

    def four_times(self, *rooms: dict[str, Any], **more: Any) -> list[str]:
        """Check, do, check, do: give what was done, after the others were found to tell the truth."""
        before = (dict(self.janus.rooms), self.file.text)
        told = self.run(*rooms, check=True, **more)
        assert (self.janus.rooms, self.file.text) == before
        done = self.run(*rooms, **more)
        assert (told.commands, told.changed) == (done.commands, done.changed)
        for check in (True, False):
            again = self.run(*rooms, check=check, **more)
            assert (again.commands, again.changed) == ([], False)
        # And as much is there when Janus is started anew.
        live = {name: dict(told) for name, told in self.janus.rooms.items()}
        self.janus.start(self.file.text)
        assert self.janus.rooms == live
        return done.commands


def test_rooms_are_added() -> None:
    assert Host(RED).four_times(RED, BLUE) == ["create blue"]


@pytest.mark.parametrize(
    ("change", "command"),
    [
        ({"title": "Other"}, "edit blue description=Other"),
        ({"publishers": 4, "bitrate": 64000}, "edit blue publishers=4 bitrate=64000"),
        ({"pin": "98765"}, "edit blue pin"),
        ({"secret": "other"}, "edit blue secret"),
        ({"secret": None}, "edit blue secret"),
    ],
)
def test_what_can_be_changed_live_disturbs_nobody(change: dict[str, Any], command: str) -> None:
    host = Host(BLUE)
    host.janus.people["blue"] = [PERSON]
    assert host.four_times({**BLUE, **change}) == [command]
    assert host.janus.people["blue"] == [PERSON]


def test_a_pin_is_put_on() -> None:
    host = Host(RED)
    host.janus.people["red"] = [PERSON]
    assert host.four_times({**RED, "pin": "1234"}) == ["edit red pin"]


def test_a_pin_is_taken_away_by_making_the_room_anew() -> None:
    assert Host(BLUE).four_times({**BLUE, "pin": None}) == ["destroy blue", "create blue"]


def test_rooms_are_removed_only_when_asked_for() -> None:
    host = Host(BLUE, RED)
    assert host.run(RED, purge=False).changed is False
    assert host.four_times(RED) == ["destroy blue"]


@pytest.mark.parametrize(
    ("rooms", "message"),
    [
        ((RED,), "room blue would be removed with 2"),
        (({**BLUE, "pin": None}, RED), "room blue would be made anew with 2"),
    ],
)
def test_nobody_is_sent_out_unless_forced(rooms: tuple[dict[str, Any], ...], message: str) -> None:
    host = Host(BLUE, room("green"))
    host.janus.people["blue"] = [PERSON, PERSON]
    for check in (True, False):
        with pytest.raises(Mistakes, match=message):
            host.run(*rooms, check=check)
    assert (host.janus.changes, host.file.writes) == ([], 0)
    assert "destroy blue" in host.run(*rooms, force=True).commands


def test_rooms_made_by_somebody_else_are_taken_over() -> None:
    host = Host()
    host.janus.rooms["red"] = dict(model.settings(RED, ADMIN_KEY))
    assert host.four_times(RED) == ["destroy red", "create red"]


def test_a_room_without_moderator_cannot_be_moderated_by_everybody() -> None:
    host = Host()
    host.run(RED, BLUE, room("green"))
    secrets = {name: found["secret"] for name, found in host.janus.rooms.items()}
    assert secrets["blue"] == "moderator"
    assert len(set(secrets.values())) == 3
    assert len(secrets["red"]) == 64


def test_an_interrupted_change_of_a_secret_is_finished() -> None:
    host = Host(BLUE)
    host.janus.rooms["blue"]["secret"] = "other"
    host.run({**BLUE, "secret": "other"})
    assert "other" in host.file.text


def test_a_secret_that_nobody_knows_is_told_of() -> None:
    host = Host(BLUE)
    host.janus.rooms["blue"]["secret"] = "changed by a moderator"
    with pytest.raises(Refused, match=r"edit blue: Unauthorized .* a restart brings back"):
        host.run({**BLUE, "publishers": 3})


def test_janus_that_does_not_run_reads_the_file_later() -> None:
    host = Host()
    host.janus.running = False
    outcome = host.run(RED)
    assert (outcome.changed, outcome.commands, outcome.live) == (True, [], False)
    assert jcfg.parse(host.file.text).rooms["red"]["publishers"] == 12
    assert host.run(RED).changed is False


def test_janus_that_is_to_be_restarted_is_left_alone() -> None:
    host = Host()
    before = dict(host.janus.rooms)
    outcome = host.run(RED, live=False)
    assert (outcome.changed, outcome.commands, outcome.live, outcome.restart_required) == (True, [], False, False)
    assert host.janus.rooms == before
    assert "red" in jcfg.parse(host.file.text).rooms


@pytest.mark.parametrize("has", ["another key", "no key", "numbers"])
def test_janus_that_has_to_be_restarted(has: str) -> None:
    host = Host()
    if has == "numbers":
        host.janus.rooms[1234] = {"publishers": 3}
    else:
        host.file.text = host.file.text.replace(ADMIN_KEY, "some other key")
        host.janus.admin_key = "some other key" if has == "another key" else None
    for check in (True, False):
        assert host.run(RED, check=check).restart_required
    assert "red" in jcfg.parse(host.file.text).rooms


def test_janus_that_ends_meanwhile() -> None:
    host = Host(BLUE)
    real = host.janus.ask

    def ask(path: str, request: dict[str, Any]) -> dict[str, Any]:
        host.janus.running = request.get("request", {}).get("request") != "create"
        return real(path, request)

    host.janus.ask = ask
    with pytest.raises(NotRunning):
        host.run(BLUE, RED)
    assert host.file.writes == 0


def test_what_janus_passes_over_is_noticed() -> None:
    host = Host()
    host.janus._create = lambda room, **settings: {}
    with pytest.raises(NotReached, match="room red is missing"):
        host.run(RED)


def test_a_file_that_others_may_read_is_a_change() -> None:
    host = Host(RED)
    host.file.protected = False
    assert host.run(RED, check=True).changed
    assert host.run(RED).changed
    assert host.file.protected


def test_all_mistakes_at_once() -> None:
    host = Host()
    with pytest.raises(Mistakes) as caught:
        host.run(room("A b"), room("x", publishers=0, bitrate=1), room("x", pin="1\n2", title="\0"), key="short")
    assert caught.value.mistakes == [
        "admin_key must have 8 characters or more",
        "rooms[0] 'A b': name must match [a-z0-9][a-z0-9-]{0,62}",
        "rooms[1] 'x': publishers is 0 and must be 1 to 1000",
        "rooms[1] 'x': bitrate is 1 and must be 64000 or more",
        "rooms[2] 'x': name is there twice",
        "rooms[2] 'x': title has a control character in it",
        "rooms[2] 'x': pin has a control character in it",
    ]
    assert (host.janus.changes, host.file.writes) == ([], 0)


def test_a_file_that_cannot_be_read() -> None:
    host = Host()
    host.file.text = "room-1: { allowed = [1] }"
    with pytest.raises(Mistakes, match="move it away"):
        host.run(RED)


def test_diffs_and_commands_keep_secrets() -> None:
    host = Host(BLUE)
    outcome = host.run({**BLUE, "pin": "98765", "secret": "new-moderator"})
    text = " ".join([outcome.before, outcome.after, *outcome.commands])
    for secret in ("1234", "98765", "moderator", ADMIN_KEY):
        assert secret not in text
    assert "pin: set\n" in outcome.before
    assert "pin: set, to something else\n" in outcome.after
