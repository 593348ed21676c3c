# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who is to take over from whom, and whether that is so."""

from __future__ import annotations

import pytest

from ansible_collections.lautan.lvs.plugins.plugin_utils._switchover_plan import switchover_plan

PLAN = {
    "directors": [
        {"name": "director1", "address": "192.0.2.11"},
        {"name": "director2", "address": "192.0.2.12"},
        {"name": "director3", "address": "192.0.2.13"},
    ]
}
TWO_DIRECTORS = {"directors": PLAN["directors"][:2]}


def seen(*states, missing=(), orphaned=()):
    return {
        "vrrp": {
            "instances": [
                {
                    "name": f"lvs_{51 + number}",
                    "state": state,
                    "addresses_missing": list(missing),
                    "addresses_orphaned": list(orphaned),
                }
                for number, state in enumerate(states)
            ]
        },
        "table": "-A -f 1 -s rr\n",
        "established": 7,
    }


BACKUP, MASTER, FAULT = seen("BACKUP"), seen("MASTER"), seen("FAULT")


def test_the_one_that_stands_by():
    found = switchover_plan(TWO_DIRECTORS, {"director1": MASTER, "director2": BACKUP})
    assert (found["from"], found["to"], found["address"]) == ("director1", "director2", "192.0.2.12")
    assert (found["needed"], found["faults"]) == (True, [])
    assert found["peers"] == [{"address": "192.0.2.12", **BACKUP}]
    assert found["unsettled"] == [
        "director1: VRRP instance lvs_51 is MASTER",
        "director2: VRRP instance lvs_51 is BACKUP",
    ]


def test_it_has_taken_over():
    directors = {"director1": {"vrrp": BACKUP["vrrp"]}, "director2": {"vrrp": MASTER["vrrp"]}}
    found = switchover_plan(TWO_DIRECTORS, directors, "director2")
    assert (found["from"], found["needed"], found["unsettled"], found["faults"]) == ("director2", False, [], [])


def test_one_that_is_dead_does_not_matter_when_there_is_nothing_to_do():
    found = switchover_plan(TWO_DIRECTORS, {"director1": None, "director2": MASTER}, "director2")
    assert (found["needed"], found["faults"]) == (False, [])


@pytest.mark.parametrize("to", ["", "director2"])
def test_one_that_is_not_able_to_is_chosen_nevertheless(to):
    """The module says why it is not."""
    found = switchover_plan(TWO_DIRECTORS, {"director1": MASTER, "director2": FAULT}, to)
    assert (found["to"], found["needed"], found["faults"]) == ("director2", True, [])


@pytest.mark.parametrize(
    ("directors", "to", "faults"),
    [
        ({"director1": MASTER, "director2": None}, "", ["director2: does not answer on ssh"]),
        ({"director1": MASTER, "director2": None}, "director2", ["director2: does not answer on ssh"]),
        (
            {"director1": MASTER, "director2": BACKUP},
            "rs1",
            ["to=rs1: is not a director; those are director1, director2"],
        ),
        (
            {"director1": MASTER, "director2": MASTER},
            "",
            ["director1 and director2 are MASTER at once: they do not hear each other"],
        ),
        (
            {"director1": BACKUP, "director2": FAULT},
            "",
            ["no director is MASTER, of those that answer: director1, director2"],
        ),
        ({"director1": None, "director2": None}, "", ["no director answers on ssh"]),
        (
            {"director1": None, "director2": BACKUP},
            "director1",
            ["no director is MASTER, of those that answer: director2", "director1: does not answer on ssh"],
        ),
    ],
)
def test_faults(directors, to, faults):
    assert switchover_plan(TWO_DIRECTORS, directors, to)["faults"] == faults


def test_three_directors():
    directors = {"director1": BACKUP, "director2": MASTER, "director3": BACKUP}
    assert switchover_plan(PLAN, directors)["faults"] == [
        "director1, director3 stand by: say which one is to take over, with -e to=NAME"
    ]
    found = switchover_plan(PLAN, directors, "director3")
    assert (found["from"], found["address"], found["faults"]) == ("director2", "192.0.2.13", [])
    assert [peer["address"] for peer in found["peers"]] == ["192.0.2.11", "192.0.2.13"]


def test_one_director():
    plan = {"directors": PLAN["directors"][:1]}
    assert switchover_plan(plan, {"director1": MASTER})["faults"] == ["there is no director but director1"]


def test_addresses_that_are_not_where_they_belong():
    directors = {
        "director1": seen("BACKUP", orphaned=["192.0.2.100"]),
        "director2": seen("MASTER", "MASTER", missing=["2001:db8::100"]),
    }
    assert switchover_plan(TWO_DIRECTORS, directors, "director2")["unsettled"] == [
        "director1: VRRP instance lvs_51 holds 192.0.2.100 although it is BACKUP",
        "director2: VRRP instance lvs_51 does not hold 2001:db8::100",
        "director2: VRRP instance lvs_52 does not hold 2001:db8::100",
    ]


def test_one_instance_of_two():
    directors = {"director1": seen("BACKUP", "MASTER"), "director2": seen("MASTER", "BACKUP")}
    found = switchover_plan(TWO_DIRECTORS, directors, "director2")
    assert found["faults"] == ["director1 and director2 are MASTER at once: they do not hear each other"]
    assert (found["needed"], len(found["unsettled"])) == (True, 2)
