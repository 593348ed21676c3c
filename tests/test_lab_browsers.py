# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""lab/browsers.py and lab/conference.py: what is made of a page's recording. lab/camera.py: the film."""

from __future__ import annotations

from typing import Any

import pytest

from lab.browsers import Recording, longest_gap
from lab.camera import film
from lab.conference import judge
from lab.schools import PUPILS, SCHOOLS, address


def recording(moments: dict[str, list[float]], **others: Any) -> Recording:
    empty = {"frames": {}, "states": [], "looks": 100, "slowest": 0.1, "loudest": 0.5, "received": 0, "lost": 0}
    return Recording(**(empty | {"paths": [], "moments": moments} | others))


STEADY = [100 + n / 10 for n in range(101)]  # to 110


@pytest.mark.parametrize(
    ("moments", "gap"),
    [
        (STEADY, 0.1),
        ([m for m in STEADY if not 104 < m < 106], 2.0),
        ([m for m in STEADY if not 100.5 < m < 103], 2.5),  # had begun before
        ([m for m in STEADY if not 102 < m < 104], 2.0),  # began with it
        ([m for m in STEADY if m < 105.05], 4.0),  # did not end
        ([], 7.0),
        ([m for m in STEADY if m > 104.95], 3.0),  # the first one ever
    ],
    ids=["none", "inside", "begun before", "begins with it", "never ends", "nothing at all", "late"],
)
def test_longest_gap(moments: list[float], gap: float) -> None:
    assert longest_gap(moments, since=102, until=109) == pytest.approx(gap)


def test_pause_before_does_not_count() -> None:
    moments = [100, *(m for m in STEADY if m > 101.95)]
    assert longest_gap(moments, since=102.05, until=109) == pytest.approx(0.1)


STATES = [(90.0, "join", 0), (91.0, "in", 0), (95.0, "reconnecting", 0), (96.0, "in", 1)]


def test_states_of_a_page() -> None:
    page = recording({}, states=[*STATES, (103.0, "reconnecting", 1), (104.0, "in", 2), (105.0, "in", 3)])
    assert page.rejoins(since=102) == 2
    assert page.seen(since=102) == "in > reconnecting > in"
    assert page.rejoins(since=106) == 0
    assert page.seen(since=106) == "in"


def test_loss() -> None:
    assert recording({}, received=99, lost=1).loss == pytest.approx(0.01)
    assert recording({}).loss == 0


def test_the_worst_of_all_views_is_the_gap() -> None:
    pages = {
        "Alice": recording({"Bob": STEADY, "Carol": STEADY}, states=STATES),
        "Bob": recording({"Alice": [m for m in STEADY if not 104 < m < 107], "Carol": STEADY}, states=STATES),
        "Carol": recording({"Alice": STEADY, "Bob": STEADY}, states=[*STATES, (105.0, "in", 2)], slowest=0.3),
    }
    seen = judge("rs1: power cut", pages, at=102, until=109)
    assert seen["gap"] == pytest.approx(3.0)
    assert seen["known"] == 0.3
    assert seen["rejoins"] == 1
    assert seen["seen"] == ("in", "in", "in")


def test_person_who_cannot_be_seen_is_a_gap_from_end_to_end() -> None:
    pages = {"Alice": recording({}, states=STATES), "Bob": recording({"Alice": STEADY}, states=STATES)}
    assert judge("x", pages, at=102, until=109)["gap"] == 7


@pytest.mark.parametrize(("width", "height"), [(320, 180), (640, 360)])
def test_film_is_as_long_as_its_head_says(width: int, height: int) -> None:
    head, _, frames = film(1, width, height, frames=3).partition(b"\n")
    assert head.startswith(f"YUV4MPEG2 W{width} H{height} F15:1 ".encode())
    assert len(frames) == 3 * (len(b"FRAME\n") + width * height * 3 // 2)


def test_film_moves() -> None:
    first, second = film(0, frames=4).split(b"FRAME\n")[1:3]
    assert first != second
    assert film(0, frames=4) != film(1, frames=4)


def test_every_pupil_has_a_school_of_their_own_or_is_hidden_by_it() -> None:
    assert list(PUPILS) == ["alice", "bob", "carol", "dave", "erin"]
    assert len({address(school.pupils[0]) for school in SCHOOLS}) == len(SCHOOLS)
    assert address("carol") == address("dave") == "198.18.4.11"
    assert (address("alice"), address("erin")) == ("198.18.2.11", "fd00:c612:0:6::11")
