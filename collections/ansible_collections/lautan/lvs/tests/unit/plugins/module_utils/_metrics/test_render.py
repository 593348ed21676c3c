# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The text that Prometheus reads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.lautan.lvs.plugins.module_utils._metrics.model import FAMILIES, Sample
from ansible_collections.lautan.lvs.plugins.module_utils._metrics.render import text


def test_values_of_a_metric_are_together_behind_its_meaning() -> None:
    found = text(
        [
            Sample("lautan_people", 2),
            Sample("lautan_room_people", 2, {"room": "a"}),
            Sample("lautan_janus_up", 1),
            Sample("lautan_room_people", 0.5, {"room": "b"}),
        ]
    )
    assert found == (
        "# HELP lautan_janus_up Whether Janus answers.\n"
        "# TYPE lautan_janus_up gauge\n"
        "lautan_janus_up 1\n"
        "# HELP lautan_people People in the rooms of this real server.\n"
        "# TYPE lautan_people gauge\n"
        "lautan_people 2\n"
        "# HELP lautan_room_people People in the room, on this real server.\n"
        "# TYPE lautan_room_people gauge\n"
        'lautan_room_people{room="a"} 2\n'
        'lautan_room_people{room="b"} 0.5\n'
    )


def test_nothing() -> None:
    assert text([]) == ""


def test_a_counter_is_called_one() -> None:
    assert "# TYPE lautan_service_connections_total counter\n" in text([Sample("lautan_service_connections_total", 1)])
    assert {name for name, family in FAMILIES.items() if family[0] == "counter"} == {
        name for name in FAMILIES if name.endswith("_total")
    }


def test_labels_are_escaped() -> None:
    found = text([Sample("lautan_room_people", 1, {"room": 'a"b\\c\nd', "x": "é"})])
    assert 'lautan_room_people{room="a\\"b\\\\c\\nd",x="é"} 1\n' in found


@given(st.text())
def test_no_label_ends_its_line(value: str) -> None:
    lines = text([Sample("lautan_room_people", 1, {"room": value})]).split("\n")
    assert len(lines) == 4
    assert lines[2].endswith('"} 1')


def test_what_is_no_metric_is_found() -> None:
    with pytest.raises(KeyError, match="lautan_peopel"):
        text([Sample("lautan_people", 1), Sample("lautan_peopel", 1)])
