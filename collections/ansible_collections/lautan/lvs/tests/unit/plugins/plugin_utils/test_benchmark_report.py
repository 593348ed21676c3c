# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a benchmark: what it says of results whose truth is known, and of results that are wrong."""

from __future__ import annotations

import csv
import io
import math
import re
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from ansible.errors import AnsibleFilterError

from ansible_collections.lautan.lvs.plugins.filter import benchmark_report as plugin
from ansible_collections.lautan.lvs.plugins.plugin_utils._benchmark_figures import Measured
from ansible_collections.lautan.lvs.plugins.plugin_utils._benchmark_results import Key, read_results
from ansible_collections.lautan.lvs.plugins.plugin_utils._benchmark_words import ratios
from ansible_collections.lautan.lvs.tests.unit.plugins.plugin_utils.benchmark_made_up import MadeUp, made

report = plugin.FilterModule().filters()["benchmark_report"]
SMALL_DR = Key("small", "dr", "rr", 3, None)
LOW = SMALL_DR._replace(offered=400.0)


@pytest.fixture(scope="module", name="results")
def _results() -> dict[str, Any]:
    return MadeUp().results()


@pytest.fixture(scope="module", name="files")
def _files(results: dict[str, Any]) -> dict[str, str]:
    return report(results)


def measured(**options: Any) -> Measured:
    return Measured(read_results(MadeUp(**options).results()))


def remarks(**options: Any) -> str:
    return "\n".join(measured(**options).remarks())


class Page(HTMLParser):
    """What a page is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.heads: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [str(value) for name, value in attrs if name in ("src", "href", "xlink:href")]
        if tag not in ("meta", "path", "rect"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("path", "rect"):
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "h2":
            self.heads.append(data)


def test_the_page_needs_nothing_else(files: dict[str, str]) -> None:
    page = Page(files["index.html"])
    assert page.open == []
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert page.links == []
    assert not re.search(r"url\(|@import", files["index.html"])


def test_the_page_has_every_plot(files: dict[str, str]) -> None:
    assert Page(files["index.html"]).heads == [
        "Throughput",
        "Response time against offered load",
        "Achieved rate against offered load",
        "Growth with real servers",
        "Schedulers",
        "While something fails",
        "Bytes through the director",
        "Processors",
        "How to read this",
    ]
    drawings = re.findall(r"<svg.*?</svg>", files["index.html"], re.DOTALL)
    assert len(drawings) == 4 + 6 + 1 + 4 + 2 + 9 + 4 + 4
    for drawing in drawings:
        ElementTree.fromstring(drawing)
        assert not re.search(r"\b(nan|inf)\b", drawing)


def test_the_page_escapes_what_others_wrote() -> None:
    results = MadeUp(rounds=3).results(notes=("<b>loud</b> & clear",))
    results["made"]["title"] = "<script>"
    page = report(results)["index.html"]
    assert "&lt;b&gt;loud&lt;/b&gt; &amp; clear" in page
    assert "<script>" not in page


def test_the_summary_says_what_was_measured_on_what(files: dict[str, str]) -> None:
    for words in (
        "Profile full, 2026-11-28T08:00:00+00:00, made by: ansible-playbook playbooks/benchmark.yml -e profile=full",
        "director1, director2 (directors): Debian 12, kernel 6.1.0-28-cloud-amd64, 1 processor, 768 MB",
        "client (load host)",
        "The uplink of each real server was shaped to 40 Mbit/s.",
        "keepalived 2.2.7",
    ):
        assert words in files["summary.txt"]
        assert words in files["index.html"]


def test_ratios_have_the_truth_in_them(results: dict[str, Any]) -> None:
    found = {
        (each.what, each.over.workload, each.over.servers, each.under.path): each.figure
        for each in Measured(read_results(results)).ratios()
    }
    truth = {
        ("rate", "small", 1, "direct"): 1.0,
        ("rate", "small", 3, "direct"): 3.0,
        ("rate", "small", 3, "haproxy"): 3.6,
        ("rate", "download", 3, "nat"): 13.5 / 8,
        ("p50", "small", 3, "haproxy"): 0.47,
    }
    for name, value in truth.items():
        assert found[name].low * 0.98 < value < found[name].high * 1.02, name
    assert all(each.why == "" for each in found.values())


def test_growth_and_share(results: dict[str, Any]) -> None:
    seen = Measured(read_results(results))
    assert [each.figure.median for each in seen.growth("download")] == pytest.approx([2, 3], rel=0.04)
    share = seen.figure(Key("download", "dr", "rr", 3, None), "director")
    assert share.low < 0.031 < 0.1
    assert seen.figure(Key("download", "nat", "rr", 3, None), "director").median > 1
    assert "uplinks" in seen.full(Key("download", "dr", "rr", 3, None))
    assert "director" in seen.full(Key("small", "haproxy", "rr", 3, None))


def test_the_knee_is_below_what_a_path_can_do(results: dict[str, Any]) -> None:
    seen = Measured(read_results(results))
    knees = {sweep.path: seen.knee(sweep) for sweep in seen.sweeps}
    assert 1_600 <= knees["direct"].offered < 3_000
    assert 4_800 <= knees["dr"].offered < 9_000
    assert all(knee.reached and knee.figure.rounds == 7 and not knee.figure.why for knee in knees.values())
    # Half of the lower knee, and both were measured there.
    over, under = (next(each for each in seen.sweeps if each.path == path) for path in ("dr", "direct"))
    assert seen.half(over, under) in (800, 1_600)


def test_a_load_of_which_nothing_was_answered_is_too_much() -> None:
    results = MadeUp(rounds=3).results()
    for sample in results["samples"]:
        if sample["path"] == "dr" and (sample["offered"] or 0) >= 1_600:
            sample.update(answered=0, rate=0.0, bytes=0, latency=None)
    seen = Measured(read_results(results))
    knee = next(seen.knee(sweep) for sweep in seen.sweeps if sweep.path == "dr")
    assert (knee.offered, knee.reached, knee.figure.high) == (800, True, 800)


def test_nothing_is_remarked_of_a_quiet_run() -> None:
    said = remarks()
    assert "Noise" not in said
    assert "expected" not in said
    # That proxies need all of the director is no noise.
    assert "The director had no processor left: the figure is the director's limit" in said


def test_a_slow_real_server_is_named() -> None:
    said = remarks(slow={"rs2": 0.4})
    assert re.search(r"rs2 answered 1[67] % where 33 % were expected", said)
    assert "rs2 took 2.5 times as long as the other real servers" in said
    assert "rs1" not in said


def test_a_real_server_that_answers_nothing_is_named() -> None:
    results = MadeUp(rounds=3).results()
    for sample in results["samples"]:
        if sample["servers"] == 3:
            sample["by_server"].pop("rs3", None)
    assert "rs3 answered 0 % where 33 % were expected" in "\n".join(Measured(read_results(results)).remarks())


def test_rounds_that_failed_say_nothing_of_real_servers() -> None:
    results = MadeUp(rounds=3).results()
    for sample in results["samples"]:
        if sample["path"] == "nginx":
            sample.update(answered=0, rate=0.0, bytes=0, latency=None, error="nothing was answered")
    assert "expected" not in "\n".join(Measured(read_results(results)).remarks())


def test_noise_is_told() -> None:
    assert "Noise: in round 3 everything was 40 % slower" in remarks(round_speed={3: 0.6}, noise=0.002)
    assert "Noise: others took 7 % of the processor of the director" in remarks(steal=0.07)
    assert "Noise: at the lowest loads the load host's machine was" in remarks(neighbour=0.6)


def test_figures_of_a_noisy_run_are_replaced_by_words() -> None:
    noisy = MadeUp(noise=0.4, seed=3).results()
    files = report(noisy)
    assert re.search(r"\d+ of 287 figures are too noisy to be given", files["summary.txt"])
    assert "too noisy: the rounds are" in files["index.html"]
    rows = list(csv.DictReader(io.StringIO(files["results.csv"])))
    loud = [row for row in rows if row["too_noisy"]]
    assert loud
    assert all(row["median"] == row["low"] == row["high"] == "" for row in loud)
    assert all(row["median"] for row in rows if not row["too_noisy"])


@pytest.mark.parametrize(
    ("change", "key", "what", "why"),
    [
        ({"steal": {"director": 0.2}}, SMALL_DR, "rate", "20 % of the processor of the director was taken by others"),
        ({"error": "wrk: no route"}, SMALL_DR, "rate", "5 of 5 rounds failed: wrk: no route"),
        ({"sent": 100}, LOW, "rate", "the load host sent less than 98 % of what it should"),
        ({"busy": {"load": 0.97}}, LOW, "p95", "the load host had no processor left, and measured itself"),
    ],
)
def test_other_reasons_not_to_believe_a_figure(change: dict[str, Any], key: Key, what: str, why: str) -> None:
    results = MadeUp(rounds=5).results()
    for sample in results["samples"]:
        sample.update(change)
    assert why in Measured(read_results(results)).figure(key, what).why


def test_a_round_that_failed_does_not_count() -> None:
    results = MadeUp(rounds=4).results()
    for sample in results["samples"]:
        if sample["round"] == 2:
            sample.update(error="wrk: killed", rate=0.0)
    figure = Measured(read_results(results)).figure(SMALL_DR, "rate")
    assert (figure.rounds, figure.why) == (3, "")
    assert figure.low > 1_000


def test_few_rounds() -> None:
    three = report(MadeUp(rounds=3).results())
    assert "An interval of 3 rounds has the true median in it with 75 % at most" in three["summary.txt"]
    two = report(MadeUp(rounds=2).results())
    assert "too noisy: 2 rounds, and 3 are needed" in two["index.html"]


def test_a_small_benchmark_has_a_report_as_well() -> None:
    everything = MadeUp(rounds=3).results()
    direct = [each for each in everything["samples"] if each["path"] == "direct"]
    for samples in ([], direct, direct[:1]):
        files = report({"format": 1, "made": made(), "samples": samples})
        assert Page(files["index.html"]).open == []
    schedulers = [each for each in everything["samples"] if each["offered"] and each["path"] == "dr"]
    schedulers += [{**each, "scheduler": "mh"} for each in schedulers]
    assert "who answered" in report({"format": 1, "made": made(), "samples": schedulers})["index.html"]


def rooms() -> list[dict[str, Any]]:
    rooms = []
    for people, lost in ((4, 0.0), (8, 0.01)):
        for number in range(3):
            room = {"round": number, "people": people, "streams": people * (people - 1), "lost": lost, "mbit": 4.1}
            rooms.append(room | {"frames": 14.9 - number / 10, "processors": {"Janus": 0.1, "browsers": 1.7}})
    return rooms


def test_rooms() -> None:
    files = report(MadeUp(rounds=3).results() | {"rooms": rooms()})
    assert "rooms,dr,,,8,frames,1/s,14.8,14.7,14.9," in files["results.csv"]
    assert (
        "8 people: frames/s of the worst picture 14.8 (14.7 to 14.9); lost 1 % (1 % to 1 %); "
        "browsers used most, 1.7 processors." in files["summary.txt"]
    )
    page = files["index.html"]
    section = page[page.index("<h2>Rooms with people") :]
    assert section.count("<svg") == 3
    for cell in ("8", "14.8", "4.1", "1 %", "0.1", "1.7", "3"):
        assert f">{cell}<" in section
    assert "Rooms with people" not in report(MadeUp(rounds=3).results())["index.html"]


def test_rooms_of_too_few_rounds_have_no_figures() -> None:
    few = [room for room in rooms() if room["round"] < 2]
    page = report(MadeUp(rounds=3).results() | {"rooms": few})["index.html"]
    assert "too noisy" in page[page.index("<h2>Rooms with people") :]


def test_all_that_is_wrong_is_told_at_once() -> None:
    results = MadeUp(rounds=1).results()
    results["made"].update(uplink_mbit=-1, notes="none")
    del results["made"]["command"]
    results["samples"][0].update(workload="huge", answered=-1, latency={"p50": 2, "p95": 1, "p99": 3}, sent="many")
    results["samples"][1]["busy"] = {"load": 1.5}
    results["samples"][2].update(rate=math.nan, servers=0)
    results["rooms"] = [rooms()[0] | {"people": 0, "lost": 2}]
    results["timelines"][0]["event"] = "flood"
    results["timelines"][0]["requests"][3]["answered"] = None
    with pytest.raises(AnsibleFilterError) as caught:
        report(results)
    lines = str(caught.value).splitlines()
    assert len(lines) == 14
    for start in (
        "lautan.lvs.benchmark_report: made.command: is missing; it must be a string",
        "made.uplink_mbit=-1: must be a number above 0, or null",
        "made.notes='none': must be a list of strings",
        "samples[0].workload='huge': must be one of small download",
        "samples[0].answered=-1: must be a whole number",
        "samples[0].latency={'p50': 2, 'p95': 1, 'p99': 3}: must have p50, p95 and p99",
        "samples[0].sent='many': must be",
        "samples[1].busy={'load': 1.5}: must be shares from 0 to 1 by host",
        "samples[2].rate=nan: must be",
        "samples[2].servers=0: must be",
        "timelines[0].event='flood': must be one of director_dies",
        "timelines[0].requests[3].answered=None: must be",
        "rooms[0].people=0: must be a whole number above 0",
        "rooms[0].lost=2: must be a share from 0 to 1",
    ):
        assert any(line.startswith(start) for line in lines), start


@pytest.mark.parametrize(
    ("results", "why"),
    [
        ("no", "results must be a mapping, not str"),
        ({"format": 2}, "format=2: must be 1"),
        ({"format": 1, "samples": 5}, "made: is missing; it must be a mapping\nsamples=5: must be a list of mappings"),
    ],
)
def test_what_are_no_results(results: Any, why: str) -> None:
    with pytest.raises(AnsibleFilterError, match=re.escape(why)):
        report(results)


def test_a_round_cannot_be_there_twice() -> None:
    results = MadeUp(rounds=1).results()
    results["samples"].append(results["samples"][0])
    with pytest.raises(AnsibleFilterError, match=r"samples\[\d+\]\.round=1: was there before"):
        report(results)


def test_the_same_results_give_the_same_files(results: dict[str, Any], files: dict[str, str]) -> None:
    assert report(results) == files


def test_ratios_stand_in_the_summary(results: dict[str, Any], files: dict[str, str]) -> None:
    table = ratios(Measured(read_results(results)))
    assert len(table.rows) == 4 * 5
    for row in table.rows:
        assert re.search(" +".join(re.escape(cell) for cell in row[:3]), files["summary.txt"])


def test_everything_is_documented(files: dict[str, str]) -> None:
    assert set(files) == set(yaml.safe_load(plugin.RETURN)["_value"]["contains"])
