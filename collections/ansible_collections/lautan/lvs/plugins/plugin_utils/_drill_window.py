# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""The hours in which a cluster may be broken on purpose. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WINDOW: Final = re.compile(r"(?P<days>\S+) +(?P<from>\d\d):(?P<from_minute>\d\d)-(?P<to>\d\d):(?P<to_minute>\d\d)")


@dataclass(frozen=True)
class Window:
    """Some hours of some days. If they end sooner than they begin, they end on the day after."""

    days: frozenset[int]  # 0 is Monday
    begin: int  # minutes since midnight
    end: int

    def has(self, moment: datetime) -> bool:
        """Tell whether a moment, by the clock on the wall, is in it."""
        minute = moment.hour * 60 + moment.minute
        yesterday = (moment - timedelta(days=1)).weekday()
        if self.begin < self.end:
            return moment.weekday() in self.days and self.begin <= minute < self.end
        return (moment.weekday() in self.days and minute >= self.begin) or (
            yesterday in self.days and minute < self.end
        )


def read_window(text: object) -> Window:
    """Read hours such as ``Sat 06:00-12:00``, ``Mon-Fri 20:00-24:00`` or ``Sat,Sun 22:00-04:00``.

    :raises ValueError: if they cannot be understood.
    """
    found = _WINDOW.fullmatch(text.strip()) if isinstance(text, str) else None
    if not found:
        raise ValueError("must be days and hours, such as 'Sat 06:00-12:00' or 'Mon-Fri,Sun 20:00-24:00'")
    begin, end = (
        _minutes(found[hour], found[minute]) for hour, minute in (("from", "from_minute"), ("to", "to_minute"))
    )
    if begin == end or begin == 24 * 60:
        raise ValueError("has no beginning before its end")
    return Window(frozenset(day for part in found["days"].split(",") for day in _days(part)), begin, end)


def _minutes(hour: str, minute: str) -> int:
    minutes = int(hour) * 60 + int(minute)
    if int(minute) > 59 or minutes > 24 * 60:
        raise ValueError(f"there is no {hour}:{minute}")
    return minutes


def _days(text: str) -> list[int]:
    """The days from one to another, or one of them."""
    first, _dash, last = text.partition("-")
    for name in (first, last or first):
        if name not in DAYS:
            raise ValueError(f"{name!r} is none of {', '.join(DAYS)}")
    begin, end = DAYS.index(first), DAYS.index(last or first)
    return [day % 7 for day in range(begin, end + 1 if begin <= end else end + 8)]


def read_zone(name: str) -> tzinfo | None:
    """Read the name of a time zone, such as ``Asia/Makassar``; None is that of this machine.

    :raises ValueError: if there is none of this name.
    """
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError) as exc:
        raise ValueError("is no time zone that this machine knows") from exc


def refusal(window: Sequence[str], zone: str, now: float) -> str:
    """Say why it is not the time, or nothing if it is; the hours and the zone have been read before."""
    moment = datetime.fromtimestamp(now, read_zone(zone)).astimezone(read_zone(zone))
    if any(read_window(each).has(moment) for each in window):
        return ""
    hours = f"drills are for {', '.join(window)}" if window else "the inventory has no hours for drills"
    return f"drill_window: it is {DAYS[moment.weekday()]} {moment:%H:%M %Z}, and {hours}; -e force=true for now"
