# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hours in which a cluster may be broken."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.lautan.lvs.plugins.plugin_utils._drill_window import DAYS, read_window, read_zone, refusal

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)


def at(day: str, clock: str) -> float:
    hour, minute = map(int, clock.split(":"))
    return (MONDAY + timedelta(days=DAYS.index(day), hours=hour, minutes=minute)).timestamp()


@pytest.mark.parametrize(
    ("window", "day", "clock", "is_open"),
    [
        ("Sat 06:00-12:00", "Sat", "06:00", True),
        ("Sat 06:00-12:00", "Sat", "11:59", True),
        ("Sat 06:00-12:00", "Sat", "12:00", False),
        ("Sat 06:00-12:00", "Sat", "05:59", False),
        ("Sat 06:00-12:00", "Fri", "06:00", False),
        ("Mon-Fri 20:00-24:00", "Wed", "23:59", True),
        ("Mon-Fri 20:00-24:00", "Sat", "20:00", False),
        ("Sat,Wed 00:00-24:00", "Wed", "00:00", True),
        ("Sat,Wed 00:00-24:00", "Thu", "00:00", False),
        ("Fri 22:00-04:00", "Sat", "03:59", True),
        ("Fri 22:00-04:00", "Fri", "03:59", False),
        ("Fri 22:00-04:00", "Sat", "22:00", False),
        ("Sun 22:00-04:00", "Mon", "01:00", True),
        ("Sat-Mon 06:00-12:00", "Sun", "06:00", True),
        ("Sat-Mon 06:00-12:00", "Mon", "06:00", True),
        ("Sat-Mon 06:00-12:00", "Tue", "06:00", False),
    ],
)
def test_open(window: str, day: str, clock: str, is_open: bool) -> None:
    assert (refusal([window], "UTC", at(day, clock)) == "") is is_open


def test_any_of_several() -> None:
    assert refusal(["Sat 06:00-12:00", "Sun 06:00-12:00"], "UTC", at("Sun", "07:00")) == ""


def test_the_clock_is_that_of_the_time_zone() -> None:
    pytest.importorskip("zoneinfo").ZoneInfo("Asia/Makassar")  # eight hours before UTC, all the year round
    assert refusal(["Sat 06:00-12:00"], "Asia/Makassar", at("Fri", "22:30")) == ""
    refused = refusal(["Sat 06:00-12:00"], "Asia/Makassar", at("Sat", "06:30"))
    assert refused.startswith("drill_window: it is Sat 14:30 WITA, and drills are for Sat 06:00-12:00;")


def test_without_hours_there_are_no_drills() -> None:
    assert "the inventory has no hours for drills" in refusal([], "UTC", at("Sat", "06:30"))


def test_the_zone_of_this_machine() -> None:
    now = datetime.now().astimezone()
    window = f"{DAYS[now.weekday()]} 00:00-24:00"
    assert refusal([window], "", now.timestamp()) == ""


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Sat", "must be days and hours"),
        ("Sat 6-12", "must be days and hours"),
        ("", "must be days and hours"),
        (None, "must be days and hours"),
        ({"Sat": 6}, "must be days and hours"),
        ("Sat 06:00-25:00", "there is no 25:00"),
        ("Sat 06:60-12:00", "there is no 06:60"),
        ("Sat 12:00-12:00", "no beginning before its end"),
        ("Sat 24:00-12:00", "no beginning before its end"),
        ("Saturday 06:00-12:00", "'Saturday' is none of Mon"),
        ("Sat-Sum 06:00-12:00", "'Sum' is none of Mon"),
        ("Sat, 06:00-12:00", "'' is none of Mon"),
    ],
)
def test_hours_that_are_none(text: object, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_window(text)


@pytest.mark.parametrize("name", ["Mars/Olympus", "../etc", "/etc/passwd"])
def test_zone_that_is_none(name: str) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        read_zone(name)


MINUTES = st.integers(0, 24 * 60 - 1)


@given(st.sampled_from(DAYS), MINUTES, MINUTES, st.integers(0, 7 * 24 * 60 - 1))
def test_a_window_lasts_as_long_as_it_says(day: str, begin: int, end: int, offset: int) -> None:
    if begin == end:
        return
    clock = [f"{minute // 60:02}:{minute % 60:02}" for minute in (begin, end)]
    window = read_window(f"{day} {clock[0]}-{clock[1]}")
    first = DAYS.index(day) * 24 * 60 + begin
    inside = (offset - first) % (7 * 24 * 60) < (end - begin) % (24 * 60)
    assert window.has(MONDAY + timedelta(minutes=offset)) is inside


def test_every_pair_of_days() -> None:
    for first, last in itertools.product(DAYS, DAYS):
        days = read_window(f"{first}-{last} 06:00-12:00").days
        assert {DAYS.index(first), DAYS.index(last)} <= days
        assert len(days) == (DAYS.index(last) - DAYS.index(first)) % 7 + 1
