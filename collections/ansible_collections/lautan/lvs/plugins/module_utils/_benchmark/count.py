# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""What came of requests that were sent at their time: counted from when each was due. Pure.

A request that had to wait for its turn, because earlier ones were slow, has waited all the same. Counted from when it
was sent at last, the slowest moments of a service would hardly be seen (coordinated omission).
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from typing import Any, Sequence

from ansible_collections.lautan.lvs.plugins.module_utils._quantiles import quantiles

# Who takes more of a processor than this has not come to look in time.
FULL = 0.9


@dataclass
class Request:
    """One request. Moments are seconds since the first one was due."""

    due: float
    begun: float | None = None  # when the load came to it
    done: float | None = None  # when the answer was whole; None: there was none
    server: str = ""
    size: int = 0
    error: str = ""


def schedule(rate: float, warmup: float, seconds: float, seed: int) -> list[float]:
    """When requests are due, for a warm-up and the time that counts.

    Requests of many people who know nothing of each other: a Poisson process, which is uniform once the number is
    known. The number is that of the rate, so that what was offered is the same in each round.
    """
    chance = random.Random(seed)
    before = [chance.uniform(0, warmup) for _number in range(round(rate * warmup))]
    counted = [warmup + chance.uniform(0, seconds) for _number in range(round(rate * seconds))]
    return sorted(before) + sorted(counted)


def count(requests: Sequence[Request], warmup: float, seconds: float, share: float) -> dict[str, Any]:
    """What came of those that were due after the warm-up.

    :param share: of a processor that the load took.
    """
    end = warmup + seconds
    counted = [each for each in requests if each.due >= warmup]
    answered = [each for each in counted if each.done is not None]
    delays = [each.done - each.due for each in answered if each.done is not None]
    errors = Counter(each.error for each in counted if each.done is None)
    in_time = sum(1 for each in requests if each.done is not None and warmup <= each.done < end)
    return {
        "seconds": seconds,
        "answered": len(answered),
        "failed": len(counted) - len(answered),
        # What was answered in that time, whenever it was due.
        "rate": in_time / seconds,
        "bytes": sum(each.size for each in answered),
        "latency": {**quantiles(delays), "max": max(delays)} if delays else None,
        "by_server": dict(sorted(Counter(each.server for each in answered if each.server).items())),
        "sent": in_time if share > FULL else sum(each.begun is not None and each.begun < end + 0.1 for each in counted),
        "troubles": "; ".join(f"{times} {error}" for error, times in errors.most_common(3)),
    }
