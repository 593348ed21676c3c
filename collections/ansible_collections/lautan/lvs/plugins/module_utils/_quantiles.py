# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""How long most requests took at most. Pure."""

from __future__ import annotations

import math
from typing import Sequence

_SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def quantiles(values: Sequence[float]) -> dict[str, float]:
    """The smallest of the values that half of them, 95 % and 99 % do not exceed. There must be at least one value."""
    ordered = sorted(values)
    return {name: ordered[max(0, math.ceil(share * len(ordered)) - 1)] for name, share in _SHARES.items()}
