# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""lab/fleet.py: what each node is made of."""

from __future__ import annotations

import pytest

from lab.fleet import _releases
from lab.process import LabError

NAMES = ["director1", "director2", "rs1"]


def test_one_release_for_all() -> None:
    assert _releases("trixie", NAMES) == dict.fromkeys(NAMES, "trixie")


def test_a_pair_with_one_of_each() -> None:
    assert _releases("bookworm,director2=trixie", NAMES) == {
        "director1": "bookworm",
        "director2": "trixie",
        "rs1": "bookworm",
    }


def test_unknown_node() -> None:
    with pytest.raises(LabError, match="'director3' is none of director1, director2, rs1"):
        _releases("bookworm,director3=trixie", NAMES)
