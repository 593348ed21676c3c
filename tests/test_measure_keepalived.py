# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""tools/measure_keepalived.py without a lab: it puts back what was there, and its status is the truth."""

from __future__ import annotations

import hashlib
import itertools
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.parse import parse
from lab.measure import Noticed
from lab.process import LabError
from lab.topology import nodes
from tools import measure_keepalived
from tools.keepalived_changes import FILE, Change, plan
from tools.keepalived_verdict import LOOK, Outcome

TEXT = (Path(__file__).parent / "fixtures" / "director1-keepalived.conf").read_text(encoding="utf-8")
VIP = "198.18.0.100"
DIRECTOR = nodes()["director1"]
CHANGE = Change("weight", {})


def noticed(**more: Any) -> Noticed:
    seen = {"requests": 5000, "failed": 0, "slow": 0, "gap": 0.04, "gap_at": 1003.0, "hurt_until": None}
    seen |= {"held_alive": True, "held_gap": 0.9, "held_server": "rs1", "error": ""}
    return Noticed(**{"fault": "x", "at": 1003.0, **seen, **more})


class Lab:
    """A director that has a file, and notes which tasks it gets. It refuses everything."""

    def __init__(self) -> None:
        self.text = self.text_after = TEXT
        self.tasks: list[list[dict]] = []

    def run(self, argv: list[str]) -> str:
        told = {f"cat {FILE}": self.text, LOOK: self.look()}
        return told[argv[-1]]

    def look(self) -> str:
        digest = hashlib.sha256(self.text.encode()).hexdigest()
        return f"time 1000\nsha256 {digest} -\nmain 812\nchildren 1812 1813\naddresses 198.18.0.11/24 {VIP}/32\n"

    def play(self, node: Any, tasks: list[dict]) -> None:
        assert node == DIRECTOR
        self.tasks.append(tasks)
        if "ansible.builtin.copy" in tasks[-1]:
            done = [task for task in tasks if "lautan.lvs.keepalived_config" in task]
            every = plan(parse(TEXT).document, VIP, len(done), len(done))
            results = [
                {"done": {"failed": True, "errors": [change.says], "msg": ""}, "seen": self.look()} for change in every
            ]
            Path(tasks[-1]["ansible.builtin.copy"]["dest"]).write_text(json.dumps(results), encoding="utf-8")
        elif len(self.tasks) > 1:
            self.text = self.text_after

    def under_load(self, fault: str, do: Callable[[], None]) -> Noticed:
        do()
        return noticed()


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Lab:
    lab = Lab()
    monkeypatch.setattr(measure_keepalived.cluster, "active_director", lambda: DIRECTOR)
    monkeypatch.setattr(measure_keepalived.process, "run", lab.run)
    monkeypatch.setattr(measure_keepalived.measure, "under_load", lab.under_load)
    monkeypatch.setattr(measure_keepalived, "play", lab.play)
    return lab


def names(tasks: list[dict]) -> list[str]:
    return [task["name"] for task in tasks]


def test_all_changes_in_one_play_and_then_back(lab: Lab) -> None:
    outcomes, _ = measure_keepalived.change_under_load(changes=30, invalid=30)
    assert [each.faults for each in outcomes] == [()] * 30
    compare, changes, back = lab.tasks
    assert names(compare) == ["Compare"]
    assert compare[0]["check_mode"] is True
    wanted = [["Before", each.change.kind] if each.change.before else [each.change.kind] for each in outcomes]
    assert [name for name in names(changes) if name != "Look"] == [*itertools.chain(*wanted), "Keep"]
    assert names(changes).count("Look") == 30
    assert all(task["ignore_errors"] for task in changes if "lautan.lvs.keepalived_config" in task)
    assert names(back) == ["Put back", "Start"]
    assert back[0]["lautan.lvs.keepalived_config"] == {"config": parse(TEXT).document, "on_foreign_change": "replace"}


def test_it_is_put_back_when_something_fails(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(*_: Any, **__: Any) -> Noticed:
        raise LabError("the probe failed")

    monkeypatch.setattr(measure_keepalived.measure, "under_load", break_down)
    with pytest.raises(LabError, match="the probe failed"):
        measure_keepalived.change_under_load(changes=1, invalid=1)
    assert [names(tasks) for tasks in lab.tasks] == [["Compare"], ["Put back", "Start"]]


def test_what_is_not_put_back_is_told(lab: Lab) -> None:
    lab.text_after = TEXT + "# by hand\n"
    with pytest.raises(LabError, match="is not what it was"):
        measure_keepalived.change_under_load(changes=1, invalid=1)


def test_a_file_that_could_not_be_put_back_is_left_alone(lab: Lab) -> None:
    lab.text = TEXT + "include /etc/keepalived/more.conf\n"
    with pytest.raises(LabError, match=r"what the module cannot write: .*more\.conf"):
        measure_keepalived.change_under_load(changes=1, invalid=1)
    assert lab.tasks == []


@pytest.mark.parametrize(
    ("faults", "more", "status"),
    [
        ((), {}, 0),
        ((), {"slow": 3}, 0),
        (("it was not refused",), {}, 1),
        ((), {"failed": 1, "error": "TimeoutError"}, 1),
        ((), {"held_alive": False, "error": "reset"}, 1),
    ],
)
def test_status(
    faults: tuple[str, ...],
    more: dict[str, Any],
    status: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = []

    def change_under_load(changes: int, invalid: int) -> tuple[list[Outcome], Noticed]:
        asked.append((changes, invalid))
        return [Outcome(CHANGE, 1.0, faults, False)], noticed(**more)

    monkeypatch.setattr(measure_keepalived, "change_under_load", change_under_load)
    monkeypatch.setattr(sys, "argv", ["measure_keepalived.py"])
    assert measure_keepalived.main() == status
    assert asked == [(100, 30)]
    out = capsys.readouterr().out
    assert "requests 5000, failed " in out
    assert ("held connection lost" in out) == (more.get("held_alive") is False)
    assert more.get("error", "") in out
