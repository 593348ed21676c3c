# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How directors are before and after a fault."""

from __future__ import annotations

import subprocess

import pytest

from ansible_collections.lautan.lvs.plugins.plugin_utils._drill_look import drill_look

CLUSTER = {
    "directors": [{"name": "director1", "address": "192.0.2.11"}, {"name": "director2", "address": "192.0.2.12"}],
    "real_servers": [{"name": f"rs{n}", "address": f"192.0.2.2{n}"} for n in (1, 2)],
    "vips": ["192.0.2.100", "2001:db8::100"],
}
VIPS = ("192.0.2.100/32", "2001:DB8::100/128")
TABLE = (
    "-A -t 192.0.2.100:443 -s mh -b mh-fallback,mh-port",
    "-a -t 192.0.2.100:443 -r 192.0.2.21:443 -g -w 1",
    "-a -t 192.0.2.100:443 -r 192.0.2.22:443 -g -w 1",
)


def director(number: int, *vips: str, table: tuple[str, ...] = TABLE, keepalived: str = "active") -> str:
    return "\n".join([keepalived, "127.0.0.1/8", f"192.0.2.1{number}/24", *vips, "--", *table])


WELL = {"director1": director(1, *VIPS), "director2": director(2)}


def step(kind: str = "director", host: str = "") -> dict:
    return {"kind": kind, "host": host}


def test_a_cluster_that_is_well() -> None:
    look = drill_look(CLUSTER, WELL)
    assert look["holders"] == {"192.0.2.100": ["director1"], "2001:db8::100": ["director1"]}
    assert look["in_service"] == ["rs1", "rs2"]
    assert look["left"] == []
    assert (look["victim"], look["refusal"]) == ("", "")


def test_the_checksum_is_what_a_shell_says() -> None:
    said = subprocess.run(["sha256sum"], input="\n".join(TABLE) + "\n", capture_output=True, text=True, check=True)
    assert drill_look(CLUSTER, WELL)["sums"] == dict.fromkeys(WELL, said.stdout.split()[0])


@pytest.mark.parametrize(
    ("asked", "victim"),
    [
        (step(), "director1"),
        (step(host="director2"), "director2"),
        (step("real server"), "rs1"),
        (step("real server", "rs2"), "rs2"),
    ],
)
def test_who_is_broken(asked: dict, victim: str) -> None:
    look = drill_look(CLUSTER, WELL, asked)
    assert (look["victim"], look["refusal"]) == (victim, "")


@pytest.mark.parametrize("line", ["", "-a -t 192.0.2.100:443 -r 192.0.2.22:443 -g -w 0"])
def test_the_last_one_is_not_broken(line: str) -> None:
    """The other one is drained, or its health checks fail."""
    table = (*TABLE[:2], line) if line else TABLE[:2]
    said = {"director1": director(1, *VIPS, table=table), "director2": director(2, table=table)}
    look = drill_look(CLUSTER, said, step("real server"))
    assert look["in_service"] == ["rs1"]
    assert look["refusal"] == "Nothing was broken: rs1 is the last real server that is in service"
    # The one that serves nobody may be broken: the other one is there.
    assert drill_look(CLUSTER, said, step("real server", "rs2"))["refusal"] == ""


def test_nothing_is_broken_beside_a_director_that_is_dead() -> None:
    look = drill_look(CLUSTER, {**WELL, "director2": None}, step())
    assert look["refusal"] == ("Nothing was broken, as the cluster is not whole: director2 does not answer on ssh")


@pytest.mark.parametrize(
    ("said", "left"),
    [
        (WELL, []),
        ({"director1": director(1), "director2": director(2, *VIPS)}, []),
        ({**WELL, "director2": ""}, ["director2 does not answer on ssh"]),
        ({**WELL, "director2": director(2, keepalived="inactive")}, ["director2: keepalived is inactive"]),
        ({**WELL, "director2": director(2, table=TABLE[:2])}, ["director2: its IPVS table is not as before"]),
        (
            {**WELL, "director2": director(2, VIPS[0])},
            ["192.0.2.100 is on 2 directors (director1, director2) instead of one"],
        ),
        (
            {**WELL, "director1": director(1, VIPS[0])},
            ["2001:db8::100 is on 0 directors (none) instead of one"],
        ),
    ],
)
def test_what_is_not_whole_afterwards(said: dict, left: list[str]) -> None:
    assert drill_look(CLUSTER, said, before=drill_look(CLUSTER, WELL, step()))["left"] == left


def test_nobody_answers() -> None:
    look = drill_look(CLUSTER, {"director1": None, "director2": ""}, step())
    assert look["in_service"] == []
    assert "director1 does not answer on ssh; director2 does not answer on ssh" in look["refusal"]
