# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""_quantiles: what so many of the values do not exceed."""

from __future__ import annotations

from ansible_collections.lautan.lvs.plugins.module_utils._quantiles import quantiles


def test_quantiles() -> None:
    assert quantiles([5, 1, 4, 2, 3]) == {"p50": 3, "p95": 5, "p99": 5}
    assert quantiles(range(1, 101)) == {"p50": 50, "p95": 95, "p99": 99}
