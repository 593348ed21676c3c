# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""The plots and tables of the page of a benchmark, section by section. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from html import escape
from typing import Final

from ansible_collections.lautan.lvs.plugins.plugin_utils import _benchmark_words as words
from ansible_collections.lautan.lvs.plugins.plugin_utils._benchmark_figures import (
    TIMES,
    Measured,
    RoomFigures,
    describe,
)
from ansible_collections.lautan.lvs.plugins.plugin_utils._benchmark_results import (
    EVENTS,
    PATHS,
    SCHEDULERS,
    WORKLOADS,
    Key,
)
from ansible_collections.lautan.lvs.plugins.plugin_utils._benchmark_statistics import (
    KNEE_ANSWERED,
    KNEE_TIMES,
    Figure,
    share,
)
from ansible_collections.lautan.lvs.plugins.plugin_utils._benchmark_words import Table, first, percent, seconds
from ansible_collections.lautan.lvs.plugins.plugin_utils._svg_plot import (
    Axis,
    Bar,
    Mark,
    Point,
    Series,
    bars,
    lines,
    plain,
)

_COLOUR: Final = {path: number for number, path in enumerate(PATHS)}
_TIME_COLOUR: Final = {"p50": 3, "p95": 2, "p99": 5}
_WIDE: Final = 960
# Longer tables are closed at first.
_LONG: Final = 12

_THROUGHPUT: Final = (
    "Asked for as fast as it goes, by as many connections at a time as the load host keeps. Bars are medians of "
    "rounds, whiskers their intervals; hollow is what is too noisy for a figure."
)
_RESPONSE: Final = (
    "Requests were sent when they were due, whether others had been answered or not, and time counts from when they "
    f"were due. The knee is the last load at which p95 is at most {KNEE_TIMES:g} times that at the lowest load, and "
    f"{share(KNEE_ANSWERED)} of what is offered is answered. The scale is logarithmic."
)
_ACHIEVED: Final = "What bears the load lies on the dashed line; what leaves it cannot answer more."
_GROWTH: Final = "Throughput of LVS-DR with more and more real servers, against as many times that of one."
_SCHEDULERS: Final = (
    "The same work with each scheduler: throughput, and what part each real server answered. Round robin (rr) and "
    "least connections (wlc) are even; sh and mh go by a hash of where a connection comes from, and need not be."
)
_FAILURES: Final = (
    "Red is when it happened. Requests are counted when they were sent: one that had to wait is slow, and not missing."
)
_BYTES: Final = (
    "What the director forwarded, in both directions, as a part of what clients received. With LVS-DR answers do not "
    "pass it; with the others everything does."
)
_PROCESSORS: Final = (
    "What part of its processors each host used while throughput was measured. Where the load host is a container, "
    "machine is what it and all others on its machine used."
)
_ROOMS: Final = (
    "More and more people in one room, in real browsers. Everybody sends a picture and receives that of all others; "
    "frames are those of the worst one that was watched. Where browsers take all processors, the figures are theirs. "
    "Of whom it is told how busy they were, it is told in processors."
)


def html_table(table: Table, closed: bool | None = None) -> str:
    def row(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}{_short(cell)}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    if not table.rows:
        return ""
    rows = "\n".join([row(table.heads, "th"), *(row(each, "td") for each in table.rows)])
    html = f'<div class="wide"><table>\n{rows}\n</table></div>'
    if len(table.rows) > _LONG if closed is None else closed:
        return f"<details><summary>{len(table.rows)} rows of figures</summary>{html}</details>"
    return html


def _short(cell: str) -> str:
    """What stays on one line."""
    return ' class="short"' if len(cell) < 24 else ""


def _plots(plots: Sequence[str]) -> str:
    return f'<div class="plots">{"".join(plots)}</div>' if plots else ""


def _bar(figure: Figure, show: Callable[[float], str], text: bool = True) -> Bar | None:
    if not figure.rounds:
        return None
    shown = show(figure.median) if text and not figure.why else ""
    return Bar(figure.median, figure.low, figure.high, not figure.why, shown)


def _point(x: float, figure: Figure) -> list[Point]:
    return [Point(x, figure.median, figure.low, figure.high, not figure.why)] if figure.rounds else []


def _named(key: Key) -> str:
    return PATHS[key.path] if key.path == "direct" else f"{PATHS[key.path]},\u00a0{key.servers}"


def _throughput(measured: Measured) -> Iterator[str]:
    plots, tables = [], []
    for workload in measured.workloads:
        keys = measured.widest(key for key in measured.throughput if key.workload == workload)
        if keys:
            row = [_bar(measured.figure(key, "rate"), plain) for key in keys]
            plots.append(
                bars(
                    first(WORKLOADS[workload]),
                    [_named(key) for key in keys],
                    {"": (1, row)},
                    Axis(words.UNITS[workload]),
                    colours=[_COLOUR[key.path] for key in keys],
                )
            )
            tables.append(f"<h3>{first(WORKLOADS[workload])}</h3>" + html_table(words.throughput(measured, workload)))
    if plots:
        yield _plots(plots)
        yield from tables


def _response(measured: Measured) -> Iterator[str]:
    for workload in measured.workloads:
        sweeps = measured.usual(sweep for sweep in measured.sweeps if sweep.workload == workload)
        if not sweeps:
            continue
        figures = {
            (key, what): measured.figure(key, what)
            for sweep in sweeps
            for key in measured.sweeps[sweep]
            for what in TIMES
        }
        known = [figure.median for figure in figures.values() if figure.rounds]
        up = Axis("response time", seconds, True, min(known, default=1e-3), max(known, default=1.0))
        across = Axis(f"offered {words.UNITS[workload]}", low=0.0)
        yield f"<h3>{first(WORKLOADS[workload])}</h3>"
        together = [
            Series(
                _named(sweep),
                [point for key in measured.sweeps[sweep] for point in _point(key.offered or 0, figures[key, "p95"])],
                _COLOUR[sweep.path],
                dash=_dash(sweep, sweeps),
            )
            for sweep in sweeps
        ]
        plots = [lines("p95 of all", across, up, together)]
        for sweep in sweeps:
            series = [
                Series(
                    what,
                    [point for key in measured.sweeps[sweep] for point in _point(key.offered or 0, figures[key, what])],
                    _TIME_COLOUR[what],
                )
                for what in TIMES
            ]
            knee = measured.knee(sweep)
            marks = [Mark(knee.offered, f"knee {words.knee_words(knee)}")] if knee.offered is not None else []
            plots.append(lines(first(describe(sweep, False)), across, up, series, marks))
        yield _plots(plots)
        yield html_table(words.answered(measured, workload))
        for sweep in sweeps:
            rows = words.response(measured, sweep)
            if rows.rows:
                title = f"{escape(describe(sweep))}: figures"
                yield f"<details><summary>{title}</summary>{html_table(rows, False)}</details>"


def _dash(sweep: Key, sweeps: Sequence[Key]) -> int:
    """Full for that with most real servers of its path."""
    alike = sorted((each.servers for each in sweeps if each.path == sweep.path), reverse=True)
    return min(alike.index(sweep.servers), 3)


def _achieved(measured: Measured) -> Iterator[str]:
    plots = []
    for workload in measured.workloads:
        sweeps = measured.usual(sweep for sweep in measured.sweeps if sweep.workload == workload)
        most = max((key.offered or 0 for sweep in sweeps for key in measured.sweeps[sweep]), default=0)
        series = [Series("as offered", [Point(0, 0), Point(most, most)], 0, "rule")]
        for sweep in sweeps:
            points = [
                p for key in measured.sweeps[sweep] for p in _point(key.offered or 0, measured.figure(key, "rate"))
            ]
            series.append(Series(_named(sweep), points, _COLOUR[sweep.path], dash=_dash(sweep, sweeps)))
        if sweeps:
            unit = words.UNITS[workload]
            plots.append(
                lines(
                    first(WORKLOADS[workload]), Axis(f"offered {unit}", low=0), Axis(f"achieved {unit}", low=0), series
                )
            )
    if plots:
        yield _plots(plots)
        yield html_table(_rates(measured))


def _rates(measured: Measured) -> Table:
    rows = []
    for sweep in measured.usual(measured.sweeps):
        for key in measured.sweeps[sweep]:
            figure = measured.figure(key, "rate")
            rows.append((describe(sweep), plain(key.offered or 0), *words.cells(figure, plain)))
    return Table(("path", "offered /s", "achieved /s", "interval", "rounds"), rows)


def _growth(measured: Measured) -> Iterator[str]:
    plots, rows = [], []
    for workload in measured.workloads:
        keys = [key for key in measured.usual(measured.throughput) if key.workload == workload and key.path == "dr"]
        if len(keys) < 2:
            continue
        figures = {key: measured.figure(key, "rate") for key in keys}
        series = [Series("LVS-DR", [p for key in keys for p in _point(key.servers, figures[key])], 1)]
        one, most = figures[keys[0]].median / keys[0].servers, keys[-1].servers
        series.append(Series("ideal", [Point(n, n * one) for n in (keys[0].servers, most)], 0, "rule"))
        each = [s["bytes"] / s["answered"] for s in measured.results.samples[keys[-1]].values() if s["answered"]]
        uplink = measured.results.made["uplink_mbit"]
        if uplink and each and (limit := uplink / 8e-6 / (sum(each) / len(each))) < 2 * one:
            name = f"{plain(uplink)} Mbit/s each"
            series.append(Series(name, [Point(n, n * limit) for n in (keys[0].servers, most)], 5, "rule"))
        across = Axis("real servers", whole=True, low=keys[0].servers, high=most)
        plots.append(lines(first(WORKLOADS[workload]), across, Axis(words.UNITS[workload], low=0), series))
        grown = {ratio.over: words.given(ratio.figure, words.times) for ratio in measured.growth(workload)}
        rows += [
            (WORKLOADS[workload], str(key.servers), *words.cells(figure, plain), grown.get(key, "1"))
            for key, figure in figures.items()
        ]
    if plots:
        yield _plots(plots)
        yield html_table(
            Table(("workload", "real servers", "rate /s", "interval", "rounds", "times that of one"), rows)
        )


def _schedulers(measured: Measured) -> Iterator[str]:
    """Where several were measured with the same real servers."""
    groups: dict[Key, list[Key]] = {}
    for key in dict.fromkeys([*measured.throughput, *measured.sweeps]):
        if key.scheduler:
            groups.setdefault(key._replace(scheduler=None), []).append(key)
    rows = []
    for group, keys in groups.items():
        if len(keys) < 2:
            continue
        keys.sort(key=lambda key: SCHEDULERS.index(key.scheduler or ""))
        names, what = [str(key.scheduler) for key in keys], first(describe(group))
        rates = [measured.figure(key, "rate") if key in measured.results.samples else None for key in keys]
        plots = []
        if any(rates):
            row = [each and _bar(each, plain) for each in rates]
            plots.append(bars(what, names, {"": (1, row)}, Axis(words.UNITS[group.workload])))
        told = [measured.telling(key, "by_server") for key in keys]
        servers = measured.parts(told, "by_server")
        shares = {server: [measured.figure(key, "by_server", server) for key in told] for server in servers}
        if servers:
            series = {
                server: (1 + number % 5, [_bar(share, percent, False) for share in shares[server]])
                for number, server in enumerate(servers)
            }
            even = ("even", 1 / group.servers)
            plots.append(bars(f"{what}: who answered", names, series, Axis("of answers", percent, high=1), even))
        yield _plots(plots)
        for number, (key, rate) in enumerate(zip(keys, rates, strict=True)):
            parts = ", ".join(f"{server} {percent(shares[server][number].median)}" for server in servers)
            figures = words.cells(rate, plain) if rate else ("-", "-", "-")
            rows.append((describe(key), *figures, parts or "-"))
    if rows:
        yield html_table(Table(("path", "rate /s", "interval", "rounds", "who answered"), rows))


def _failures(measured: Measured) -> Iterator[str]:
    rows = []
    for timeline in measured.results.timelines:
        across = Axis("seconds", low=0, high=timeline["seconds"])
        marks = [Mark(timeline["at"], EVENTS[timeline["event"]], timeline["until"])]
        requests = timeline["requests"]
        # Those that failed stand on those that were answered.
        sums = [Point(each["t"], each["answered"] + each["failed"]) for each in requests]
        series = [Series("failed", sums, 5, "step")]
        series.append(Series("answered", [Point(each["t"], each["answered"]) for each in requests], 1, "step"))
        plots = [
            lines(
                first(EVENTS[timeline["event"]]),
                across,
                Axis("requests per 100 ms", low=0),
                series,
                marks,
                (_WIDE, 240),
            )
        ]
        if timeline["latency"]:
            series = [
                Series(what, [Point(each["t"] + 0.5, each[what]) for each in timeline["latency"] if each[what]], colour)
                for what, colour in _TIME_COLOUR.items()
            ]
            plots.append(
                lines(
                    "Response time of each second",
                    across,
                    Axis("response time", seconds, True),
                    series,
                    marks,
                    (_WIDE, 220),
                )
            )
        if timeline["frames"]:
            series = [Series("frames/s", [Point(each["t"], each["fps"]) for each in timeline["frames"]], 4)]
            plots.append(lines("Video of a room", across, Axis("frames/s", low=0), series, marks, (_WIDE, 180)))
        yield f'<div class="stack">{"".join(plots)}</div><p>{escape(words.timeline_words(timeline))}</p>'
        answered = sum(each["answered"] for each in requests)
        frames = [each["fps"] for each in timeline["frames"]]
        rows.append(
            (
                EVENTS[timeline["event"]],
                seconds(timeline["gap"]),
                f"{timeline['failed']:,}",
                f"{answered:,}",
                seconds(max((each["p99"] for each in timeline["latency"]), default=0.0)),
                plain(min(frames)) if frames else "-",
            )
        )
    if rows:
        yield html_table(
            Table(("event", "longest gap", "failed", "answered", "worst p99 of a second", "fewest frames/s"), rows)
        )


def _bytes(measured: Measured) -> Iterator[str]:
    plots, rows = [], []
    for workload in measured.workloads:
        keys = measured.widest(key for key in measured.throughput if key.workload == workload)
        keys = [key for key in keys if key.path != "direct" and measured.rounds(key, "director")]
        if not keys:
            continue
        figures = [measured.figure(key, "director") for key in keys]
        plots.append(
            bars(
                first(WORKLOADS[workload]),
                [_named(key) for key in keys],
                {"": (1, [_bar(figure, percent) for figure in figures])},
                Axis("of bytes to clients", percent),
                colours=[_COLOUR[key.path] for key in keys],
            )
        )
        for key, figure in zip(keys, figures, strict=True):
            received = [s["bytes"] / s["seconds"] for s in measured.results.samples[key].values()]
            rate = sorted(received)[len(received) // 2]
            rows.append((describe(key), f"{plain(rate * 8e-6)} Mbit/s", *words.cells(figure, percent)))
    if plots:
        yield _plots(plots)
        yield html_table(Table(("path", "clients received", "director, of that", "interval", "rounds"), rows))


def _processors(measured: Measured) -> Iterator[str]:
    plots, rows = [], []
    for workload in measured.workloads:
        keys = measured.widest(key for key in measured.throughput if key.workload == workload)
        hosts = measured.parts(keys, "busy")
        if not hosts:
            continue
        series = {
            host: (number % 6, [_bar(measured.figure(key, "busy", host), percent, False) for key in keys])
            for number, host in enumerate(hosts)
        }
        title = first(WORKLOADS[workload])
        plots.append(bars(title, [_named(key) for key in keys], series, Axis("busy", percent, high=1)))
        for key in keys:
            busy = ", ".join(f"{host} {percent(measured.median(key, 'busy', host))}" for host in hosts)
            stolen = [(measured.median(key, "steal", host), host) for host in measured.parts([key], "steal")]
            most, where = max(stolen, default=(0.0, ""))
            rows.append(
                (
                    describe(key),
                    busy,
                    f"{percent(most)} of {where}" if most else "-",
                    str(len(measured.results.samples[key])),
                )
            )
    if plots:
        yield _plots(plots)
        yield html_table(Table(("path", "busy (median)", "most taken by others", "rounds"), rows))


def _rooms(measured: Measured) -> Iterator[str]:
    rooms = measured.rooms()
    if not rooms:
        return
    across = Axis("people in the room", low=0, whole=True)

    def series(name: str, colour: int, of: Callable[[RoomFigures], Figure | None]) -> Series:
        found = [(people, figure) for people, room in rooms.items() if (figure := of(room))]
        return Series(name, [point for people, figure in found for point in _point(people, figure)], colour)

    names = list(dict.fromkeys(name for room in rooms.values() for name in room.processors))
    frames = series("frames/s", 1, lambda room: room.frames)
    lost = series("lost", 5, lambda room: room.lost)
    busy = [
        series(name, number, lambda room, name=name: room.processors.get(name)) for number, name in enumerate(names, 1)
    ]
    yield _plots(
        [
            lines("Frames of the worst picture", across, Axis("frames/s", low=0), [frames]),
            lines("Packets that were lost", across, Axis("lost", percent, low=0), [lost]),
            lines("What was busy", across, Axis("processors", low=0), busy),
        ]
    )
    rows = []
    for people, room in rooms.items():
        figures = [(room.frames, plain), (room.mbit, plain), (room.lost, percent)]
        cells = [words.cells(figure, show)[0] for figure, show in figures]
        used = [words.cells(room.processors[name], plain)[0] if name in room.processors else "-" for name in names]
        rows.append((str(people), *cells, *used, str(room.lost.rounds)))
    heads = ("people", "frames/s", "Mbit/s to them", "lost", *names, "rounds")
    yield html_table(Table(heads, rows))


# What the page tells, in this order: a heading, a text, and what makes the plots and tables below it, or nothing.
SECTIONS: Final[tuple[tuple[str, str, Callable[[Measured], Iterator[str]]], ...]] = (
    ("Throughput", _THROUGHPUT, _throughput),
    ("Response time against offered load", _RESPONSE, _response),
    ("Achieved rate against offered load", _ACHIEVED, _achieved),
    ("Growth with real servers", _GROWTH, _growth),
    ("Schedulers", _SCHEDULERS, _schedulers),
    ("While something fails", _FAILURES, _failures),
    ("Bytes through the director", _BYTES, _bytes),
    ("Processors", _PROCESSORS, _processors),
    ("Rooms with people", _ROOMS, _rooms),
)
