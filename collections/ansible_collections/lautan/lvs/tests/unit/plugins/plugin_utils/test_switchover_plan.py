# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who is to take over what from whom, and whether that is so."""

from __future__ import annotations

import pytest

from ansible_collections.lautan.lvs.plugins.plugin_utils._switchover_plan import switchover_plan

DIRECTORS = [
    {"name": "director1", "address": "192.0.2.11"},
    {"name": "director2", "address": "192.0.2.12"},
    {"name": "director3", "address": "192.0.2.13"},
]


def planned(directors, *homes):
    """A plan with an instance for each home."""
    instances = [{"name": f"lvs_{51 + number}", "home": home} for number, home in enumerate(homes)]
    return {"directors": DIRECTORS[:directors], "vrrp": {"instances": instances}}


PLAN, TWO_DIRECTORS = planned(3, "director1"), planned(2, "director1")
TWO_HOMES = planned(2, "director1", "director2")


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
    }


def move(origin, to, *instances):
    return {"from": origin, "to": to, "address": f"192.0.2.1{to[-1]}", "instances": list(instances)}


BACKUP, MASTER, FAULT = seen("BACKUP"), seen("MASTER"), seen("FAULT")


def test_the_one_that_stands_by():
    found = switchover_plan(TWO_DIRECTORS, {"director1": MASTER, "director2": BACKUP})
    assert (found["to"], found["faults"]) == ("director2", [])
    assert found["moves"] == [move("director1", "director2", "lvs_51")]
    assert found["peers"] == [{"address": "192.0.2.11", **MASTER}, {"address": "192.0.2.12", **BACKUP}]
    assert found["unsettled"] == [
        "director1: VRRP instance lvs_51 is MASTER",
        "director2: VRRP instance lvs_51 is BACKUP",
    ]


def test_it_has_taken_over():
    directors = {"director1": {"vrrp": BACKUP["vrrp"]}, "director2": {"vrrp": MASTER["vrrp"]}}
    found = switchover_plan(TWO_DIRECTORS, directors, "director2")
    assert (found["moves"], found["unsettled"], found["faults"]) == ([], [], [])


def test_one_that_is_dead_does_not_matter_when_there_is_nothing_to_do():
    found = switchover_plan(TWO_DIRECTORS, {"director1": None, "director2": MASTER}, "director2")
    assert (found["moves"], found["faults"]) == ([], [])


@pytest.mark.parametrize("to", ["", "director2"])
def test_one_that_is_not_able_to_is_chosen_nevertheless(to):
    """The module says why it is not."""
    found = switchover_plan(TWO_DIRECTORS, {"director1": MASTER, "director2": FAULT}, to)
    assert (found["to"], found["faults"]) == ("director2", [])
    assert found["moves"] == [move("director1", "director2", "lvs_51")]


AT_ONCE = "director1 and director2 are MASTER at once: they do not hear each other"
NO_MASTER = "no director is MASTER, of those that answer: "


@pytest.mark.parametrize(
    ("directors", "to", "faults"),
    [
        ({"director1": MASTER, "director2": None}, "", ["director2: does not answer on ssh"]),
        ({"director1": MASTER, "director2": None}, "director2", ["director2: does not answer on ssh"]),
        (
            {"director1": MASTER, "director2": BACKUP},
            "rs1",
            ["to=rs1: is not a director; those are director1, director2. Or home, to have the VIPs at home"],
        ),
        ({"director1": MASTER, "director2": MASTER}, "", [f"VRRP instance lvs_51: {AT_ONCE}"]),
        (
            {"director1": BACKUP, "director2": FAULT},
            "",
            [f"VRRP instance lvs_51: {NO_MASTER}director1, director2"],
        ),
        ({"director1": None, "director2": None}, "", ["no director answers on ssh"]),
        ({"director1": None, "director2": None}, "home", ["no director answers on ssh"]),
        (
            {"director1": seen(), "director2": None},
            "",
            ["no director has a VRRP instance, of those that answer: director1"],
        ),
        (
            {"director1": None, "director2": BACKUP},
            "director1",
            [f"VRRP instance lvs_51: {NO_MASTER}director2", "director1: does not answer on ssh"],
        ),
    ],
)
def test_faults(directors, to, faults):
    found = switchover_plan(TWO_DIRECTORS, directors, to)
    assert (found["faults"], found["moves"]) == (faults, [])


def test_three_directors():
    directors = {"director1": BACKUP, "director2": MASTER, "director3": BACKUP}
    assert switchover_plan(PLAN, directors)["faults"] == [
        "director1, director3 stand by: say which one is to take over, with -e to=NAME"
    ]
    found = switchover_plan(PLAN, directors, "director3")
    assert (found["moves"], found["faults"]) == ([move("director2", "director3", "lvs_51")], [])
    assert [peer["address"] for peer in found["peers"]] == ["192.0.2.11", "192.0.2.12", "192.0.2.13"]


def test_one_director():
    assert switchover_plan(planned(1, "director1"), {"director1": MASTER})["faults"] == [
        "there is no director but director1"
    ]


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


# ---- VIPs of several homes


ALL_AT_ONE = {"director1": seen("MASTER", "MASTER"), "director2": seen("BACKUP", "BACKUP")}
AT_HOME = {"director1": seen("MASTER", "BACKUP"), "director2": seen("BACKUP", "MASTER")}
CROSSED = {"director1": seen("BACKUP", "MASTER"), "director2": seen("MASTER", "BACKUP")}


def test_everything_for_maintenance():
    found = switchover_plan(TWO_HOMES, AT_HOME, "director2")
    assert (found["faults"], found["moves"]) == ([], [move("director1", "director2", "lvs_51")])
    assert found["unsettled"] == [
        "director1: VRRP instance lvs_51 is MASTER",
        "director2: VRRP instance lvs_51 is BACKUP",
    ]


@pytest.mark.parametrize("to", ["", "director2"])
def test_several_instances_move_in_one_piece(to):
    found = switchover_plan(TWO_HOMES, ALL_AT_ONE, to)
    assert (found["to"], found["faults"]) == ("director2", [])
    assert found["moves"] == [move("director1", "director2", "lvs_51", "lvs_52")]


@pytest.mark.parametrize(
    ("directors", "moves"),
    [
        (ALL_AT_ONE, [move("director1", "director2", "lvs_52")]),
        (CROSSED, [move("director2", "director1", "lvs_51"), move("director1", "director2", "lvs_52")]),
        (AT_HOME, []),
    ],
)
def test_home(directors, moves):
    found = switchover_plan(TWO_HOMES, directors, "home")
    assert (found["to"], found["faults"], found["moves"]) == ("home", [], moves)
    assert len(found["unsettled"]) == 2 * len(moves)


def test_home_of_one_instance():
    """The first director's, unless the inventory says otherwise."""
    directors = {"director1": BACKUP, "director2": MASTER}
    assert switchover_plan(TWO_DIRECTORS, directors, "home")["moves"] == [move("director2", "director1", "lvs_51")]
    assert switchover_plan(planned(2, "director2"), directors, "home")["moves"] == []


def test_from_one_director_to_two():
    directors = {"director1": seen("MASTER", "MASTER", "MASTER")}
    directors |= {name: seen("BACKUP", "BACKUP", "BACKUP") for name in ("director2", "director3")}
    found = switchover_plan(planned(3, "director3", "director2", "director3"), directors, "home")
    assert found["moves"] == [
        move("director1", "director3", "lvs_51", "lvs_53"),
        move("director1", "director2", "lvs_52"),
    ]


@pytest.mark.parametrize(
    ("directors", "to", "faults"),
    [
        (
            AT_HOME,
            "",
            [
                "no director stands by: say which one is to take over everything, with -e to=NAME,"
                " or -e to=home to have the VIPs at home"
            ],
        ),
        # Both are said, also for an instance that need not move.
        (
            {"director1": seen("MASTER", "BACKUP"), "director2": seen("MASTER", "BACKUP")},
            "home",
            [f"VRRP instance lvs_51: {AT_ONCE}", f"VRRP instance lvs_52: {NO_MASTER}director1, director2"],
        ),
        ({"director1": seen("MASTER", "MASTER"), "director2": None}, "home", ["director2: does not answer on ssh"]),
        # What is deployed is not what the inventory says.
        (
            {"director1": MASTER, "director2": BACKUP},
            "home",
            [
                "VRRP instance lvs_52: is on no director; the directors have another configuration than the inventory"
                " describes: deploy it first"
            ],
        ),
        (
            {"director1": seen("MASTER", "BACKUP", "BACKUP"), "director2": seen("BACKUP", "MASTER", "MASTER")},
            "home",
            [
                "VRRP instance lvs_53: has no home; the directors have another configuration than the inventory"
                " describes: deploy it first"
            ],
        ),
    ],
)
def test_faults_of_several(directors, to, faults):
    found = switchover_plan(TWO_HOMES, directors, to)
    assert (found["faults"], found["moves"]) == (faults, [])


def test_maintenance_does_not_wait_for_a_deployment():
    """What is deployed is not what the inventory says, and it moves nevertheless."""
    directors = {"director1": seen("MASTER", "MASTER"), "director2": seen("BACKUP", "BACKUP")}
    assert switchover_plan(TWO_DIRECTORS, directors)["moves"] == [move("director1", "director2", "lvs_51", "lvs_52")]
