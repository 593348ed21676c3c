# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tables, and what is in the file."""

from __future__ import annotations

import ctypes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_switchover.table import read_table
from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_switchover.track_file import (
    Tracking,
    find_tracking,
    tracked,
    value_of,
)
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._keepalived.fake_director import fixture


def test_the_kernel_s_table():
    table = read_table(fixture("debian12-ipvsadm-save.txt"))
    assert len(table) == 15
    assert table["-t 198.18.9.100:443"] == {"198.18.9.21:443": 1, "198.18.9.22:443": 0}
    assert table["-f -1"] == {"198.18.9.24:8080": 1, "[fd00::9]:0": 1}
    assert table["-f 21"] == {"198.18.9.21:0": 1}
    assert table["-f 22 -6"] == {"[fd00::21]:0": 3}
    assert table["-t 198.18.9.120:80"] == {}
    assert table["--sctp-service 198.18.9.100:36412"] == {"198.18.9.1:36412": 1}


@pytest.mark.parametrize(
    "text",
    ["TCP  192.0.2.100:443 rr", "-a -t 192.0.2.100:443 -r 192.0.2.21:443 -g -w 1", "-A -t 192.0.2.100:443", "sorry"],
)
def test_what_is_no_table(text):
    with pytest.raises(ValueError, match=text[:8]):
        read_table(text)


def test_empty_table():
    assert read_table("") == read_table("\n") == {}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (None, 0),
        ("", 0),
        ("0\n", 0),
        ("1\n", 1),
        ("  -254", -254),
        ("+3", 3),
        ("x1", 0),
        ("007", 7),
        ("08", 0),
        ("0x1f", 31),
        ("1 2", 1),
        (" " * 127 + "1", 0),
    ],
)
def test_value(text, value):
    assert value_of(text) == value


@given(st.text("0123456789+-xXaf \t\n", max_size=12))
def test_value_is_what_strtol_makes_of_it(text):
    strtol = ctypes.CDLL(None).strtol
    strtol.restype = ctypes.c_long
    assert value_of(text) == strtol(text.encode("ascii"), None, 0)


def document(*instances, weight=0, groups=(), files=("f",)):
    return {
        "track_files": [{"name": name, "file": f"/run/{name}", "weight": weight} for name in files],
        "vrrp_instances": list(instances),
        "vrrp_sync_groups": list(groups),
    }


def instance(name, *files):
    return {"name": name, "track_file": list(files)} if files else {"name": name}


def tracking(data):
    mistakes = []
    return find_tracking(data, "f*", "PATH", mistakes), mistakes


def test_who_tracks_the_file():
    found, mistakes = tracking(document(instance("a", "g", "f"), instance("b", "g"), instance("c", {"name": "f"})))
    assert (found, mistakes) == ([Tracking("f", "/run/f", ["a", "c"])], [])


def test_who_tracks_which_file():
    instances = [instance("a", "f_1"), instance("b", "g"), instance("c", "f_2"), instance("d", "f_1", "f_2")]
    found, mistakes = tracking(document(*instances, files=("f_1", "g", "f_2", "f_3")))
    assert found == [Tracking("f_1", "/run/f_1", ["a", "d"]), Tracking("f_2", "/run/f_2", ["c", "d"])]
    assert tracked(found) == ["a", "d", "c"]
    assert mistakes == []


@pytest.mark.parametrize(
    ("pattern", "message"),
    [("F*", "is not in PATH"), ("f_3", "no VRRP instance in PATH tracks it"), ("f_[34]", "no VRRP instance in PATH")],
)
def test_no_file(pattern, message):
    mistakes = []
    assert find_tracking(document(instance("a", "f_1"), files=("f_1", "f_3")), pattern, "PATH", mistakes) == []
    assert len(mistakes) == 1
    assert mistakes[0].startswith(f"track_file={pattern!r}: {message}")


def test_members_of_a_group_move_together_with_either_file():
    instances = [instance("a", "f_1"), instance("b", "f_2"), instance("c", "f_3")]
    found, _mistakes = tracking(
        document(*instances, groups=[{"name": "g", "group": ["a", "b"]}], files=("f_1", "f_2", "f_3"))
    )
    assert [item.instances for item in found] == [["a", "b"], ["a", "b"], ["c"]]


@pytest.mark.parametrize("member", ["a", "b"])
def test_members_of_a_group_move_together(member):
    instances = [instance(name, "f") if name == member else instance(name) for name in "abc"]
    (found,), _mistakes = tracking(document(*instances, groups=[{"name": "g", "group": ["a", "b"]}]))
    assert found.instances == ["a", "b"]


def test_group_that_tracks_the_file():
    group = {"name": "g", "group": ["b", "c"], "track_file": ["f"]}
    (found,), _mistakes = tracking(document(*map(instance, "abc"), groups=[group]))
    assert found.instances == ["b", "c"]


@pytest.mark.parametrize(
    ("entry", "weight", "how"),
    [
        ("f", 1, "weight 1"),
        ({"name": "f", "weight": 5}, 0, "weight 5"),
        ({"name": "f", "weight": 0, "reverse": True}, 1, "weight 0 reverse"),
        ("f", {"weight": 0, "reverse": True}, "weight 0 reverse"),
        ({"name": "f", "weight": 0, "noreverse": True}, {"weight": 0, "reverse": True}, None),
        ({"name": "f", "weight": 0}, 7, None),
    ],
)
def test_weight(entry, weight, how):
    _found, mistakes = tracking(document(instance("a", entry), weight=weight))
    message = f"track_file='f': VRRP instance a tracks it with {how}, and it must be weight 0"
    assert mistakes == ([] if how is None else [message])
