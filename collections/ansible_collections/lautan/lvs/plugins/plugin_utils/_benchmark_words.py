# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""The results of a benchmark in words and in tables, for a page and for a terminal. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ansible_collections.lautan.lvs.plugins.plugin_utils._benchmark_figures import (
    TIMES,
    Knee,
    Measured,
    Ratio,
    count,
    describe,
    machine,
)
from ansible_collections.lautan.lvs.plugins.plugin_utils._benchmark_results import EVENTS, PATHS, ROLES, WORKLOADS, Key
from ansible_collections.lautan.lvs.plugins.plugin_utils._benchmark_statistics import ROUNDS, Figure, coverage, share
from ansible_collections.lautan.lvs.plugins.plugin_utils._svg_plot import plain
from ansible_collections.lautan.lvs.plugins.plugin_utils._text_table import text_table

UNITS: Final = {
    "small": "requests/s",
    "download": "downloads/s",
    "connect": "connections/s",
    "tls": "handshakes/s",
    "signalling": "messages/s",
}


@dataclass(frozen=True)
class Table:
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Part:
    """A part of the summary."""

    head: str
    lines: Sequence[str]
    table: Table | None = None


def seconds(value: float) -> str:
    if value >= 1:
        return f"{plain(value)} s"
    return f"{plain(value * 1e3)} ms" if value >= 1e-3 or not value else f"{plain(value * 1e6)} µs"


def percent(value: float) -> str:
    return f"{plain(value * 100)} %"


def times(value: float) -> str:
    return f"{value:.2f}"


def given(figure: Figure, show: Callable[[float], str]) -> str:
    """A figure with its interval, or why there is none."""
    return f"too noisy: {figure.why}" if figure.why else f"{show(figure.median)} ({between(figure, show)})"


def between(figure: Figure, show: Callable[[float], str]) -> str:
    return f"{show(figure.low)} to {show(figure.high)}"


def cells(figure: Figure, show: Callable[[float], str]) -> tuple[str, str, str]:
    """The median, its interval and the rounds, for a table."""
    if figure.why:
        return "too noisy", figure.why, str(figure.rounds)
    return show(figure.median), between(figure, show), str(figure.rounds)


def knee_words(knee: Knee, show: Callable[[float], str] = plain) -> str:
    if knee.offered is None:
        return "below the lowest load"
    return f"{show(knee.offered)}/s" if knee.reached else f"above {show(knee.offered)}/s"


# --- Summary ---


def summary(measured: Measured) -> list[Part]:
    """What was measured on what, what came out, and what to be careful about."""
    parts = [
        Part("What was measured", list(_made(measured.results.made))),
        Part("What to be careful about", [*measured.remarks(), *_sure(measured)]),
        Part("LVS-DR against other ways", list(_compared(measured)), ratios(measured)),
        Part("Growth with real servers", list(_growth(measured))),
        Part("Bytes through the director", list(_shares(measured))),
        Part("While something fails", [timeline_words(each) for each in measured.results.timelines]),
        Part("Rooms with people", list(_rooms(measured))),
    ]
    return [part for part in parts if part.lines and (part.table is None or part.table.rows)]


def _rooms(measured: Measured) -> Iterator[str]:
    for people, room in measured.rooms().items():
        used = {name: each.median for name, each in room.processors.items() if name != "idle"}
        most = max(used, key=lambda name: used[name], default="")
        busy = f"; {most} used most, {plain(used[most])} processors" if most else ""
        frames, lost = given(room.frames, plain), given(room.lost, percent)
        yield f"{people} people: frames/s of the worst picture {frames}; lost {lost}{busy}."


def _compared(measured: Measured) -> Iterator[str]:
    yield (
        "How many times that of the other: medians of the ratios of rounds, and their intervals. More is better for "
        "throughput, less for response time, which is that at about half of the load that the weaker of both bears."
    )
    schedulers = [f"{PATHS[path]} {name}" for path in PATHS if (name := measured.scheduler(path))]
    told = f" The scheduler: {', '.join(schedulers)}." if schedulers else ""
    yield f"Direct is straight to one real server; all others have as many as LVS-DR.{told}"


def _made(made: Any) -> Iterator[str]:
    yield f"Profile {made['profile']}, {made['at']}, made by: {made['command']}"
    for role, plural in ROLES.items():
        hosts = [host for host in made["hosts"] if host["role"] == role]
        alike: dict[str, list[str]] = {}
        for host in hosts:
            alike.setdefault(_hardware(host), []).append(host["name"])
        for hardware, names in alike.items():
            yield f"{', '.join(names)} ({plural if len(names) > 1 else plural[:-1]}): {hardware}"
    if made["uplink_mbit"]:
        yield f"The uplink of each real server was shaped to {plain(made['uplink_mbit'])} Mbit/s."
    else:
        yield "The uplinks of real servers were not shaped."
    yield "Versions: " + ", ".join(f"{name} {version}" for name, version in made["versions"].items())
    yield from made["notes"]


def _hardware(host: Any) -> str:
    words = [host.get("os"), host.get("kernel") and f"kernel {host['kernel']}"]
    words.append(f"{host['cpus']} processor{'' if host['cpus'] == 1 else 's'}" if host.get("cpus") else None)
    words.append(f"{host['memory_mb']} MB" if host.get("memory_mb") else None)
    words.append(str(host["virtual"]) if host.get("virtual") else None)
    return ", ".join(filter(None, words)) or "nothing is known of it"


def _sure(measured: Measured) -> Iterator[str]:
    rounds = [len(each) for each in measured.results.samples.values()]
    if rounds and ROUNDS <= min(rounds) < 6:
        least = min(rounds)
        yield (
            f"An interval of {least} rounds has the true median in it with {share(coverage(least))} at most; "
            "six rounds are the first with 95 %."
        )
    figures = [figure for _key, _what, figure, _show, _unit in every(measured)]
    noisy = sum(bool(figure.why) for figure in figures)
    if noisy:
        yield f"{noisy} of {len(figures)} figures are too noisy to be given; the tables say why."
    elif figures:
        yield f"None of the {len(figures)} figures is too noisy to be given."


def _growth(measured: Measured) -> Iterator[str]:
    for workload in measured.workloads:
        grown = [
            f"with {each.over.servers}, {given(each.figure, times)}{'' if each.figure.why else ' times that of one'}"
            for each in measured.growth(workload)
        ]
        if grown:
            yield f"{first(WORKLOADS[workload])}: {'; '.join(grown)}."


def _shares(measured: Measured) -> Iterator[str]:
    for workload in measured.workloads:
        keys = measured.widest(key for key in measured.throughput if key.workload == workload)
        told = [
            f"{PATHS[key.path]} {given(measured.figure(key, 'director'), percent)}"
            for key in keys
            if key.path != "direct" and measured.rounds(key, "director")
        ]
        if told:
            yield f"{first(WORKLOADS[workload])}, of what clients received: {'; '.join(told)}."


def timeline_words(timeline: Any) -> str:
    answered = sum(each["answered"] for each in timeline["requests"])
    note = f" {timeline['note']}" if timeline.get("note") else ""
    return (
        f"{first(EVENTS[timeline['event']])}: longest gap {seconds(timeline['gap'])}, {timeline['failed']:,} of "
        f"{answered + timeline['failed']:,} requests failed.{note}"
    )


def first(text: str) -> str:
    """With a capital."""
    return text[:1].upper() + text[1:]


# --- Tables ---


def ratios(measured: Measured) -> Table:
    rows: dict[tuple[Key, Key], dict[str, Ratio]] = {}
    for each in measured.ratios():
        rows.setdefault((each.over._replace(offered=None), each.under._replace(offered=None)), {})[each.what] = each
    table = []
    for (over, under), by_what in rows.items():
        half = next((each.over.offered for each in by_what.values() if each.over.offered), None)
        figures = [given(by_what[what].figure, times) if what in by_what else "-" for what in ("rate", "p50", "p95")]
        load = f"{plain(half)}/s" if half else "-"
        table.append((WORKLOADS[over.workload], count(over.servers), PATHS[under.path], *figures, load))
    return Table(("workload", "LVS-DR with", "against", "throughput", "p50", "p95", "at load"), table)


def throughput(measured: Measured, workload: str) -> Table:
    rows = []
    for key in measured.usual(measured.throughput):
        if key.workload == workload:
            full = [part if part == "uplinks" else f"processor of {machine(part)}" for part in measured.full(key)]
            limits = ", ".join(full).replace(", processor of", ",") or "-"
            rows.append((describe(key, False), *cells(measured.figure(key, "rate"), plain), limits))
    return Table(("path", UNITS[workload], "interval", "rounds", "what had nothing left"), rows)


def response(measured: Measured, sweep: Key) -> Table:
    rows = []
    for key in measured.sweeps[sweep]:
        figures = [measured.figure(key, what) for what in TIMES]
        shown = [given(each, seconds) for each in figures]
        rows.append((f"{plain(key.offered or 0)}/s", *shown, str(figures[0].rounds)))
    return Table(("offered", *TIMES, "rounds"), rows)


def answered(measured: Measured, workload: str) -> Table:
    rows = []
    for sweep in measured.usual(measured.sweeps):
        if sweep.workload == workload:
            knee = measured.knee(sweep)
            rows.append((describe(sweep, False), knee_words(knee), *cells(knee.figure, plain)[1:]))
    return Table(("path", "knee", "interval", "rounds"), rows)


def every(measured: Measured) -> Iterator[tuple[Key, str, Figure, Callable[[float], str], str]]:
    """All figures of samples: what it is of, its name, itself, how it is shown, its unit."""
    for key in measured.results.samples:
        yield key, "rate", measured.figure(key, "rate"), plain, UNITS[key.workload]
        for what in TIMES:
            if measured.rounds(key, what):
                yield key, what, measured.figure(key, what), seconds, "s"
        if measured.rounds(key, "director"):
            yield key, "director", measured.figure(key, "director"), percent, "of bytes to clients"


def derived(measured: Measured) -> Iterator[tuple[str, Figure, Callable[[float], str]]]:
    """Figures that are made of several samples, with a name that other runs have as well."""
    for each in measured.ratios():
        under = each.under._replace(offered=None)
        at = " at half load" if each.over.offered else ""
        over = describe(each.over._replace(offered=None))
        yield f"{each.what}{at}: {over}, against {describe(under, False)}", each.figure, times
    for workload in measured.workloads:
        for each in measured.growth(workload):
            yield f"growth: {describe(each.over)}, against one", each.figure, times
    for sweep, keys in measured.sweeps.items():
        # It lies on one of them, and is another figure where others were offered.
        loads = " ".join(plain(key.offered) for key in keys)
        yield f"knee: {describe(sweep)}, of {loads}", measured.knee(sweep).figure, plain


# --- Files ---


def csv_text(measured: Measured) -> str:
    """All figures, for other programs. What is too noisy has no number."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow((*Key._fields, "figure", "unit", "median", "low", "high", "spread", "rounds", "too_noisy"))
    for key, what, figure, _show, unit in every(measured):
        writer.writerow([*key, what, unit, *_numbers(figure)])
    for people, room in measured.rooms().items():
        busy = [(f"processors: {name}", "processors", figure) for name, figure in room.processors.items()]
        told = [("frames", "1/s", room.frames), ("lost", "share", room.lost), ("mbit", "Mbit/s", room.mbit), *busy]
        for what, unit, figure in told:
            writer.writerow(["rooms", "dr", "", "", people, what, unit, *_numbers(figure)])
    for name, figure, _show in derived(measured):
        writer.writerow(["", "", "", "", "", name, "", *_numbers(figure)])
    return file.getvalue()


def _numbers(figure: Figure) -> list[Any]:
    numbers = ["", "", ""] if figure.why else [f"{each:.6g}" for each in (figure.median, figure.low, figure.high)]
    return [*numbers, f"{figure.spread:.3f}" if figure.rounds else "", figure.rounds, figure.why]


def summary_text(measured: Measured) -> str:
    """The summary for a terminal."""
    lines = [title(measured), ""]
    for part in summary(measured):
        lines += [part.head, *(f"  - {line}" for line in part.lines)]
        if part.table:
            lines += [f"  {line}" for line in text_table(part.table.heads, part.table.rows)]
        lines.append("")
    return "\n".join(lines)


def title(measured: Measured) -> str:
    return measured.results.made.get("title") or "Benchmark of an LVS cluster"
