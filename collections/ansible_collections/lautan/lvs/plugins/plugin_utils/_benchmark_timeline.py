# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""What clients noticed over time while something happened, as a benchmark keeps it. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def benchmark_timeline(load: Mapping[str, Any], about: Mapping[str, Any]) -> dict[str, Any]:
    """Return what RETURN of the filter of this name documents.

    :param load: ``history``, ``failed``, ``gap`` and ``gap_at``, as the module service_probe returns them.
    :param about: ``event``, ``at`` (seconds since 1970, or none: when clients noticed it first), ``until``, ``whole``
        (seconds after that, instead of until), ``frames`` (text with lines of JSON) and ``note``.
    """
    history = load["history"]
    begin, seconds = history["begin"], history["seconds"]
    if about.get("at"):
        at = about["at"] - begin
    else:
        failed = [each["t"] for each in history["requests"] if each["failed"]]
        at = min(failed, default=load["gap_at"] - begin)
    at = min(max(at, 0.0), seconds)
    until = about["until"] - begin if about.get("until") else at + about["whole"] if about.get("whole") else None
    frames = []
    for line in about.get("frames", "").splitlines():
        told = json.loads(line)
        if 0 <= told["at"] - begin <= seconds:
            frames.append({"t": round(told["at"] - begin, 2), "fps": told["fps"]})
    return {
        "event": about["event"],
        "seconds": round(seconds, 3),
        "at": round(at, 3),
        "until": None if until is None else round(min(until, seconds), 3),
        "requests": history["requests"],
        "latency": history["latency"],
        "frames": frames,
        "failed": load["failed"],
        "gap": load["gap"],
        "note": about.get("note", ""),
    }
