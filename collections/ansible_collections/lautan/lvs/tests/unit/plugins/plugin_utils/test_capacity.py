# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many real servers a school network needs: by hand, as measured, and what must hold for every wish."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.lautan.lvs.plugins.plugin_utils import _capacity as capacity
from ansible_collections.lautan.lvs.plugins.plugin_utils._capacity_report import (
    capacity_lines,
    capacity_page,
    capacity_plots,
)
from ansible_collections.lautan.lvs.plugins.plugin_utils._capacity_stream import packets_of, stream
from ansible_collections.lautan.lvs.plugins.plugin_utils._capacity_wishes import FIGURES

# 12 people with 600 kbit/s: 732 kbit/s and 125 packets/s on the wire from each of them, and 132 streams to them.
SCHOOL = {"name": "North", "rooms": 1, "people_per_room": 12, "video_kbit": 600}
ALL = {"usable_percent": 100}


def plan(school: dict | None = None, **figures: Any) -> dict[str, Any]:
    found = capacity.capacity_plan([SCHOOL | (school or {})], ALL | figures)
    assert found["mistakes"] == []
    return found


def used(found: dict[str, Any], link: str, key: str = "used") -> Any:
    return next(each for each in found["links"] if each["link"] == link)[key]


def mistakes(schools: Any = (SCHOOL,), figures: Any = None, benchmark: Any = None) -> list[str]:
    wishes = list(schools) if isinstance(schools, tuple) else schools
    found = capacity.capacity_plan(wishes, figures or {}, benchmark)
    assert list(found) == ["mistakes"]
    return found["mistakes"]


# --- by hand -----------------------------------------------------------------------------------------------------


def test_a_stream() -> None:
    """600 kbit/s are 75 packets of 1,000 bytes, beside 50 of sound, and each has 100 bytes more: 600 + 32 + 100."""
    assert (stream(600).packets, stream(600).kbit) == (125, 732)
    # As IP packets 38 bytes less each: 732 - 38.
    assert packets_of(694) == pytest.approx(125)


def test_a_room() -> None:
    found = plan(count=1, spare=0)
    # 12 x 0.732 come in, and 132 x 0.732 go out; 2 % of each in the other direction.
    assert used(found, "real server, received") == pytest.approx(8.784 + 0.02 * 96.624)
    assert used(found, "real server, sent") == pytest.approx(96.624 + 0.02 * 8.784)
    assert used(found, "real server, processors") == 132 * 125
    assert used(found, "real server, UDP ports") == 12
    assert used(found, "real server, UDP ports", "limit") == 1000 // 4
    assert used(plan(families=1, media_ports=599), "real server, UDP ports", "limit") == 299
    # Only what comes in, and 10 % more packets for each stream that is received.
    assert used(found, "director, each way") == pytest.approx(8.784 + 0.02 * 96.624)
    assert used(found, "director, packets") == pytest.approx(12 * 125 * (1 + 0.1 * 11))
    assert [each["one_dead"] for each in found["links"] if each["link"].startswith("real")] == [None] * 4


def test_people_behind_turn_cost_a_real_server_as_much_again() -> None:
    found = plan({"turn_percent": 100}, count=1, spare=0)
    acks = 12 * 11 * 125 / 2 * 90 * 8 / 1e6  # every second packet is confirmed with 90 bytes
    inward, outward = 8.784 + 0.02 * 96.624, 96.624 + 0.02 * 8.784
    assert used(found, "real server, sent") == pytest.approx(outward + outward + inward)
    assert used(found, "real server, received") == pytest.approx(inward + inward + acks + outward)
    assert used(found, "real server, processors") == 132 * 125 + (132 + 12) * 125
    assert used(found, "director, each way") == pytest.approx(inward + acks)
    assert used(found, "director, packets") == pytest.approx(12 * 125 * 2.1 + 132 * 125 / 2)
    half = plan({"turn_percent": 50}, count=1, spare=0)
    assert used(half, "real server, sent") == pytest.approx(outward + (outward + inward) / 2)


def test_the_link_of_a_school() -> None:
    found = plan({"rooms": 2, "uplink_mbit": 500, "upload_mbit": 100}, usable_percent=80, cores=16)
    assert used(found, "to North") == pytest.approx(2 * (96.624 + 0.02 * 8.784))
    assert used(found, "to North", "limit") == 400
    # 193.6 of 400; each room more is 96.8.
    assert used(found, "to North", "more_rooms") == 2
    assert used(found, "from North", "limit") == 80
    assert used(found, "from North") == pytest.approx(used(found, "director, each way"))
    assert "to North" not in [each["link"] for each in plan()["links"]]


def test_internet_and_joining() -> None:
    found = plan(internet_mbit=1000, tls_per_second=10, count=2)
    assert used(found, "internet, from the cluster") == pytest.approx(96.624 + 0.02 * 8.784)
    assert used(found, "internet, to the cluster") == used(found, "director, each way")
    # Two connections of 12 people in 60 s, by two real servers.
    assert used(found, "real server, joining", "average") == pytest.approx(0.2)
    assert used(found, "real server, joining", "percent") == pytest.approx(2)
    assert used(found, "real server, joining", "one_dead") == pytest.approx(4)


def test_two_active_directors_share_until_one_dies() -> None:
    one, two = plan(), plan(active_directors=2)
    assert used(two, "director, each way") == pytest.approx(used(one, "director, each way") / 2)
    assert used(two, "director, each way", "one_dead") == pytest.approx(used(one, "director, each way", "percent"))
    assert used(one, "director, each way", "one_dead") == used(one, "director, each way", "percent")


def binomial_tail(count: int, share: float, most: int) -> float:
    return sum(math.comb(count, k) * share**k * (1 - share) ** (count - k) for k in range(most + 1, count + 1))


@pytest.mark.parametrize(("count", "servers", "most"), [(1, 2, 0), (10, 3, 5), (40, 6, 9), (300, 20, 24), (7, 1, 6)])
def test_the_risk_is_that_of_a_hash(count: int, servers: int, most: int) -> None:
    link = capacity.Link("", "", most + 0.5, ((1.0, count),), of=capacity.SERVER)
    expected = min(1.0, servers * binomial_tail(count, 1 / servers, most))
    assert capacity.risk(link, servers) == pytest.approx(expected, abs=1e-9)


def test_the_risk_with_rooms_of_two_sizes() -> None:
    """One room that fills a half and one that fills two thirds: too much if both are on one real server."""
    link = capacity.Link("", "", 6, ((3.0, 1), (4.0, 1)), of=capacity.SERVER)
    assert capacity.risk(link, 4) == pytest.approx(4 * 1 / 16)
    assert capacity.busiest(link, 4) == 7
    assert capacity.busiest(link, 80) == pytest.approx(4, abs=0.02)
    half = capacity.Link("", "", 6, ((3.0, 1), (4.0, 1)), even=8.0, of=capacity.SERVER)
    assert capacity.risk(half, 4) == pytest.approx(
        4 * 1 / 16 + 4 * 3 / 16
    )  # two of each: 4 and 2 do fit, 3 and 4 do not
    assert capacity.risk(half, 1) == 1


def test_how_many_real_servers() -> None:
    # A card of 800 Mbit/s bears eight rooms of 96.8.
    found = plan({"rooms": 20}, cores=100, mbit=800)
    assert found["servers"]["even"] == 3 + 1
    assert 20 * 96.8 > 2 * 800
    alive = found["servers"]["needed"] - 1
    assert alive * binomial_tail(20, 1 / alive, 8) <= 0.05 < (alive - 1) * binomial_tail(20, 1 / (alive - 1), 8)
    assert found["servers"]["planned"] == found["servers"]["needed"]
    assert plan({"rooms": 20}, cores=100, mbit=800, spare=0)["servers"]["needed"] == alive
    assert found["first"]["link"] == "real server, sent"
    assert found["first"]["one_dead"] <= 100


def test_the_risk_falls_with_each_real_server_more() -> None:
    link = capacity.Link("", "", 80, ((9.0, 30), (4.0, 50)), even=100.0, of=capacity.SERVER)
    risks = [capacity.risk(link, servers) for servers in range(1, 40)]
    assert risks == sorted(risks, reverse=True)
    assert risks[0] == 1 > 0.05 > risks[-1]


def test_a_real_server_for_each_room_is_not_enough_for_a_hash() -> None:
    found = plan({"rooms": 30}, cores=100, mbit=100)
    assert (found["servers"]["needed"], found["servers"]["planned"]) == (None, found["servers"]["even"])
    assert "100 are not enough" in "\n".join(capacity_lines(found))


# --- against what was measured -----------------------------------------------------------------------------------


def test_direct_return_as_measured() -> None:
    """docs/figures.md, "Who carries a conference": bytes of four people, who sent some 100 kbit/s of picture each."""
    sent_to_clients, passed_by_director = 14_276_725, 5_025_475
    found = plan({"people_per_room": 4, "video_kbit": 100}, count=1, spare=0)
    share = used(found, "director, each way") / used(found, "real server, sent")
    assert share == pytest.approx(passed_by_director / sent_to_clients, rel=0.01)


def test_processors_as_measured() -> None:
    """docs/figures.md, "How many people one real server bears": 4.1 Mbit/s in 12 streams, for 5 % of two processors."""
    assert 12 * packets_of(4100 / 12) / 0.1 == pytest.approx(FIGURES["packets_per_core"][0], rel=0.05)


# --- mistakes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schools", "figures", "mistake"),
    [
        (None, {}, "capacity_schools is not set: who wishes what is required"),
        ([], {}, "capacity_schools is not set: who wishes what is required"),
        ("North", {}, "capacity_schools='North': must be a list"),
        (["North"], {}, "capacity_schools[0]='North': must be a dictionary"),
        ([SCHOOL, SCHOOL], {}, "capacity_schools[1].name='North': is the name of another one as well"),
        ([SCHOOL | {"room": 3}], {}, "capacity_schools[0].room=3: is no key of a school; did you mean rooms?"),
        ([SCHOOL | {"name": None}], {}, "capacity_schools[0].name is not set: each school needs one"),
        ([SCHOOL | {"name": "a\nb"}], {}, "capacity_schools[0].name='a\\nb': must be text"),
        ([SCHOOL | {"rooms": None}], {}, "capacity_schools[0].rooms is not set"),
        ([SCHOOL | {"rooms": 0}], {}, "capacity_schools[0].rooms=0: must be a whole number from 1 to 10000"),
        (
            [SCHOOL | {"people_per_room": 51}],
            {},
            "capacity_schools[0].people_per_room=51: must be a whole number from 2",
        ),
        (
            [SCHOOL | {"video_kbit": 600000}],
            {},
            "capacity_schools[0].video_kbit=600000: must be a number from 64 to 4000",
        ),
        ([SCHOOL | {"uplink_mbit": 0}], {}, "capacity_schools[0].uplink_mbit=0: must be a number from 0.001"),
        ([SCHOOL | {"uplink_mbit": "100M"}], {}, "capacity_schools[0].uplink_mbit='100M': must be a number"),
        (
            [SCHOOL | {"turn_percent": True}],
            {},
            "capacity_schools[0].turn_percent=True: must be a number from 0 to 100",
        ),
        ([SCHOOL | {"turn_percent": float("nan")}], {}, "capacity_schools[0].turn_percent=nan: must be a number"),
        ([SCHOOL], {"core": 3}, "capacity_servers.core=3: is no key of capacity_servers; did you mean cores?"),
        ([SCHOOL], {"count": 2.5}, "capacity_servers.count=2.5: must be a whole number from 1 to 100"),
        ([SCHOOL], {"cores": "many"}, "capacity_servers.cores='many': must be a number from 0.1 to 1024"),
        ([SCHOOL], [4], "capacity_servers=[4]: must be a dictionary"),
        ([SCHOOL], {"count": 2, "spare": 2}, "capacity_servers.spare=2: must be less than capacity_servers.count=2"),
        (
            [SCHOOL],
            {"mbit": 100},
            "capacity_schools[0].people_per_room=12: one room needs 97 Mbit/s of one real server, sent, and 80 may",
        ),
    ],
)
def test_a_mistake(schools: Any, figures: Any, mistake: str) -> None:
    (found,) = mistakes(schools, figures)
    assert found.startswith(mistake)


def test_all_mistakes_at_once() -> None:
    bad = {"name": "South", "rooms": 0, "people_per_room": 1, "video_kbit": 1, "uplink": 1}
    assert len(mistakes([SCHOOL | {"rooms": "x"}, bad], {"cores": 0, "spare": -1}, {"format": 2})) == 8


def test_numbers_as_text() -> None:
    """As -e gives them."""
    school = {"rooms": "3", "people_per_room": "12", "video_kbit": "600", "uplink_mbit": "1000"}
    assert plan(school, cores="8") == plan({"rooms": 3, "uplink_mbit": 1000}, cores=8)


# --- of a benchmark ----------------------------------------------------------------------------------------------


def benchmark(*samples: dict[str, Any]) -> dict[str, Any]:
    hosts = [{"name": "director1", "role": "director", "cpus": 1}, {"name": "rs1", "role": "real_server", "cpus": 4}]
    sample = {"scheduler": None, "servers": 1, "offered": None, "seconds": 10, "answered": 1, "failed": 0, "rate": 1}
    sample |= {"round": 1, "bytes": 0, "latency": None, "by_server": {}, "director_bytes": None, "busy": {}}
    sample |= {"steal": {}, "error": ""}
    made = {
        "at": "",
        "command": "",
        "profile": "full",
        "uplink_mbit": None,
        "versions": {},
        "notes": [],
        "hosts": hosts,
    }
    return {"format": 1, "made": made, "samples": [sample | each for each in samples], "timelines": []}


def figures_of(*samples: dict[str, Any], **given_figures: Any) -> dict[str, Any]:
    found = capacity.capacity_plan([SCHOOL], given_figures, benchmark(*samples))
    assert found["mistakes"] == []
    return {name: each["value"] for name, each in found["figures"].items() if each["source"] == "benchmark"}


def test_figures_of_a_benchmark() -> None:
    direct = {"workload": "download", "path": "direct"}
    samples = [
        *(direct | {"round": number, "bytes": size * 10**6} for number, size in enumerate((250, 500, 375))),
        direct | {"offered": 10.0, "bytes": 10**6},  # what was offered, and not what it bears
        {"workload": "download", "path": "dr", "bytes": 10**9, "scheduler": "rr"},
        {"workload": "tls", "path": "dr", "rate": 900.0, "scheduler": "rr"},
        {"workload": "tls", "path": "dr", "rate": 2700.0, "scheduler": "rr", "servers": 3},
        {"workload": "small", "path": "dr", "rate": 20_000.0, "scheduler": "mh", "servers": 3},
        {"workload": "small", "path": "direct", "rate": 90_000.0},
        {"workload": "small", "path": "dr", "rate": 90_000.0, "error": "wrk ended"},
    ]
    found = figures_of(*samples)
    assert found == {"mbit": 300, "tls_per_second": 900, "director_packets": 20_000}
    assert "mbit" not in figures_of(*samples, mbit=1000)


def test_figures_of_rooms() -> None:
    """132 streams of 694 kbit/s as IP packets, 125 packets a second each, by the two processors that Janus used."""
    room = {"people": 12, "streams": 132, "lost": 0.0, "frames": 15.0, "mbit": 132 * 0.694}
    rooms = [
        *(room | {"round": used, "processors": {"Janus": used, "browsers": 9.0}} for used in (1, 2, 3)),
        room | {"round": 0, "people": 2, "streams": 2, "mbit": 2 * 0.694, "processors": {"Janus": 1.0}},
        room | {"round": 0, "people": 1, "streams": 0, "mbit": 0.0, "processors": {"Janus": 0.1}},
    ]
    found = capacity.capacity_plan([SCHOOL], {}, benchmark() | {"rooms": rooms})
    assert found["mistakes"] == []
    assert found["figures"]["packets_per_core"] == {"value": pytest.approx(132 * 125 / 2), "source": "benchmark"}


def test_results_that_cannot_be_read() -> None:
    assert mistakes(benchmark={"format": 2}) == ["benchmark: format=2: must be 1, the only one that is known"]


# --- what must hold for all --------------------------------------------------------------------------------------

SCHOOLS = st.lists(
    st.fixed_dictionaries(
        {
            "rooms": st.integers(1, 40),
            "people_per_room": st.integers(2, 14),
            "video_kbit": st.integers(64, 900),
            "turn_percent": st.integers(0, 100),
            "uplink_mbit": st.none() | st.integers(1, 1000),
        }
    ),
    min_size=1,
    max_size=3,
).map(lambda found: [each | {"name": f"school {number}"} for number, each in enumerate(found)])
MORE = {"rooms": 3, "people_per_room": 1, "video_kbit": 100, "turn_percent": 20}


def enough(found: dict[str, Any]) -> float:
    return math.inf if found["servers"]["needed"] is None else found["servers"]["needed"]


@settings(deadline=None, max_examples=25)
@given(SCHOOLS, st.sampled_from(sorted(MORE)), st.integers(0, 2))
def test_more_of_anything_needs_no_less(schools: list[dict[str, Any]], key: str, index: int) -> None:
    figures = {"cores": 12, "mbit": 2500}
    less = capacity.capacity_plan(schools, figures)
    index %= len(schools)
    grown = list(schools)
    grown[index] = grown[index] | {key: grown[index][key] + MORE[key]}
    if key == "turn_percent":
        grown[index][key] = min(100, grown[index][key])
    more = capacity.capacity_plan(grown, figures)
    if more["mistakes"]:
        return  # a room has grown too large for any
    assert enough(more) >= enough(less)
    assert more["servers"]["even"] >= less["servers"]["even"]
    total = {each["link"]: each["average"] * more["servers"]["planned"] for each in more["links"]}
    for each in less["links"]:
        if each["link"].startswith("real"):
            assert total[each["link"]] >= each["average"] * less["servers"]["planned"] * (1 - 1e-9)
        else:
            assert total[each["link"]] >= each["used"] * more["servers"]["planned"] * (1 - 1e-9)


@settings(deadline=None, max_examples=25)
@given(SCHOOLS, st.integers(0, 2))
def test_of_every_plan(schools: list[dict[str, Any]], spare: int) -> None:
    found = capacity.capacity_plan(schools, {"cores": 12, "mbit": 2500, "spare": spare})
    if found["mistakes"]:
        return
    servers, links = found["servers"], found["links"]
    assert servers["even"] <= enough(found)
    worst = [each["percent"] if each["one_dead"] is None else each["one_dead"] for each in links]
    assert worst == sorted(worst, reverse=True)
    if servers["needed"] is not None:
        assert servers["risk"] <= capacity.CHANCE
    for each in links:
        assert each["used"] >= each["average"] * (1 - 1e-9)
        assert each["one_dead"] is None or each["one_dead"] >= each["percent"] * (1 - 5e-3)
        assert each["more_rooms"] == 0 or max(each["percent"], each["one_dead"] or 0) <= 100 * (1 + 1e-9)
    for before, after in zip(found["growth"], found["growth"][1:], strict=False):
        assert before["people"] <= after["people"]
        assert before["even"] <= after["even"]
        assert after["needed"] is None or before["needed"] <= after["needed"]
    assert capacity_lines(found)
    assert all(plot.startswith("<svg") for plot in capacity_plots(found))


# --- told --------------------------------------------------------------------------------------------------------


def test_lines() -> None:
    found = plan({"rooms": 20, "uplink_mbit": 1000}, cores=100, mbit=800, count=3)
    text = "\n".join(capacity_lines(found))
    assert "240 people in 20 rooms." in text
    assert "There are 3, which is not enough: with 2 alive, one gets too much with a risk of 100%." in text
    assert "Too small: to North; real server, sent." in text
    assert "First to fill: to North, 194 %; 0 more rooms until it is full." in text
    assert "There are 9, which is enough" in "\n".join(
        capacity_lines(plan({"rooms": 20}, cores=100, mbit=800, count=9))
    )


def test_a_page() -> None:
    found = plan({"name": "<b>"} | {"uplink_mbit": 100})
    page = capacity_page(found)
    assert len(page["heads"]) == len(page["rows"][0])
    assert all("<b>" not in plot for plot in page["plots"])
