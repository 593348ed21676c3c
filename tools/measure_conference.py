#!/usr/bin/env python3
# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure the conference on the lab with real browsers: what people notice of faults, who carries what, how many fit.

Needs a lab on which playbooks/site.yml ran, and what `make browsers` installs. Prints tables in Markdown.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "collections")]

from ansible_collections.lautan.lvs.plugins.plugin_utils._benchmark_report import benchmark_report  # noqa: E402
from ansible_collections.lautan.lvs.plugins.plugin_utils._benchmark_results import JANUS  # noqa: E402
from lab import conference, process, schools, topology  # noqa: E402
from lab.browsers import Browsers, wait_until_all_see_each_other  # noqa: E402
from lab.cluster import cluster_facts  # noqa: E402

ROOM, HALL = "class-1a", "hall"
FOUR = ("Alice", "Bob", "Carol", "Dave")


def print_row(*cells: object) -> None:
    print("|", *(f"{cell} |" for cell in cells), flush=True)


def print_head(*heads: str) -> None:
    print_row(*heads)
    print_row(*("---" for _ in heads))


# --- Faults ---


def faults(names: Iterable[str], runs: int) -> None:
    """Two people in a room; each fault so many times, mended in between."""
    rows = []
    with Browsers() as browsers:
        for name in names:
            noticed = []
            for number in range(runs):
                conference.wait_whole()
                people = [browsers.person(each, each.lower()) for each in FOUR[:2]]
                for person in people:
                    person.enter(ROOM)
                seen, undo = conference.hurt(name, ROOM, people)
                undo()
                conference.wait_whole()
                wait_until_all_see_each_other(people, timeout=60)
                for person in people:
                    person.leave()
                noticed.append(seen)
                process.say(f"{name}, run {number + 1} of {runs}: {seen}")
            rows.append(_fault_row(noticed))
    print_head(
        "fault", "runs", "gap, median", "gap, worst", "known to", "rejoins of 2 people", "seen", "on two servers, worst"
    )
    for row in rows:
        print_row(*row)


def _fault_row(noticed: list[conference.Noticed]) -> list[object]:
    gaps = [each.gap for each in noticed]
    paths = Counter(path for each in noticed for path in each.seen)
    return [
        noticed[0].fault.partition(": ")[2],
        len(noticed),
        f"{statistics.median(gaps):.2f} s",
        f"{max(gaps):.2f} s",
        f"{max(each.known for each in noticed):.2f} s",
        ", ".join(str(each.rejoins) for each in noticed),
        "; ".join(f"{path} ({count})" for path, count in paths.most_common()),
        f"{max(each.split for each in noticed):.1f} s",
    ]


# --- Direct return ---


def direct_return(seconds: float) -> None:
    """Four people in a room. What people send passes the active director; what they receive must not."""
    with Browsers() as browsers:
        people = [browsers.person(name, name.lower()) for name in FOUR]
        for person in people:
            person.enter(ROOM)
        wait_until_all_see_each_other(people)
        carried = conference.direct_return([name.lower() for name in FOUR], seconds)
        for person in people:
            person.leave()
    print_head("who", f"bytes in {seconds:g} s", "share of what clients received")
    for what, size in vars(carried).items():
        print_row(what.replace("_", " "), size, f"{100 * size / carried.clients_received:.1f} %")


# --- How many people ---


def _processor_time() -> dict[str, tuple[str, float]]:
    """The seconds of processor time of each process, by pid, with its program's name; and of the whole machine."""
    ticks = os.sysconf("SC_CLK_TCK")
    used = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has just ended
            name, _, rest = stat.read_text().partition("(")[2].rpartition(")")
            fields = rest.split()
            used[stat.parent.name] = name, (int(fields[11]) + int(fields[12])) / ticks
    counters = [int(word) / ticks for word in Path("/proc/stat").read_text().split()[1:9]]
    return used | {"idle": ("idle", counters[3]), "all": ("all", sum(counters))}


def _shares(before: dict[str, tuple[str, float]], after: dict[str, tuple[str, float]]) -> dict[str, float]:
    """What the machine was busy with in between, in per cent of all its processors."""
    kinds = {"janus": JANUS, "chrom": "browsers", "linux": "directors", "idle": "idle", "all": "all"}
    seconds = dict.fromkeys([*kinds.values(), "other"], 0.0)
    for pid, (name, used) in after.items():
        kind = next((kind for start, kind in kinds.items() if name.startswith(start)), None)
        if kind:
            seconds[kind] += used - before.get(pid, (name, 0.0))[1]
    whole = seconds.pop("all")
    seconds["other"] = max(0.0, whole - sum(seconds.values()))
    return {kind: 100 * each / whole for kind, each in seconds.items()}


def people(most: int, seconds: float, step: int, runs: int, report: Path | None) -> None:
    """Fill one room until packets are lost, so many times, and say what the machine was busy with.

    Everybody sends a picture of 640x360 at 15 frames a second. Two people watch; the others receive everything, too,
    but their browsers do not decode it: they are load for the real server, and as little as possible for the machine
    that all of this shares.
    """
    kinds = (JANUS, "browsers", "directors", "other", "idle")
    print_head("people", "streams to them", "loss", "frames/s, worst", "Mbit/s to clients", *kinds)
    rooms = []
    for number in range(runs):
        for room in _fill(most, seconds, step):
            rooms.append({"round": number, **room})
            cells = [f"{100 * room['lost']:.2f} %", room["frames"], room["mbit"]]
            busy = (f"{100 * room['processors'][kind] / os.cpu_count():.0f} %" for kind in kinds)
            print_row(room["people"], room["streams"], *cells, *busy)
    if report:
        results = json.loads((report / "results.json").read_text()) | {"rooms": rooms}
        pages = {"results.json": json.dumps(results, indent=1) + "\n"} | benchmark_report(results)
        for name, text in pages.items():
            (report / name).write_text(text)


def _fill(most: int, seconds: float, step: int) -> Iterator[dict[str, object]]:
    """What a report of a benchmark has of rooms, for more and more people."""
    places = tuple(name.lower() for name in FOUR)
    with Browsers(size=(640, 360)) as browsers:
        inside = []
        while len(inside) < most:
            for _ in range(min(step, most - len(inside))):
                number = len(inside)
                place = places[number % len(places)]
                inside.append(browsers.person(f"P{number + 1}", place, watches=number < 2))
                inside[-1].enter(HALL)
            time.sleep(5)  # the senders find out how much they may send
            before = [person.recording() for person in inside]
            received, used = sum(map(schools.received, places)), _processor_time()
            begin = time.time()
            time.sleep(seconds)
            end = time.time()
            received, shares = sum(map(schools.received, places)) - received, _shares(used, _processor_time())
            after = [person.recording() for person in inside]
            lost, arrived = (
                sum(getattr(late, what) - getattr(early, what) for early, late in zip(before, after, strict=True))
                for what in ("lost", "received")
            )
            loss = lost / max(1, lost + arrived)
            rates = [
                sum(begin < moment < end for moment in seen.moments.get(other.name, [])) / (end - begin)
                for person, seen in zip(inside[:2], after, strict=False)
                for other in inside
                if other is not person
            ]
            yield {
                "people": len(inside),
                "streams": len(inside) * (len(inside) - 1),
                "lost": round(loss, 5),
                "frames": round(min(rates), 1),
                "mbit": round(received * 8 / (end - begin) / 1e6, 2),
                "processors": {kind: round(share * os.cpu_count() / 100, 3) for kind, share in shares.items()},
            }
            if loss > 0.01:
                break
        for person in inside:
            person.close()


# --- Open ports ---


def expected_ports(role: str) -> set[str]:
    """What a school may find open: on a VIP the services of the plan, on a node itself nothing but ssh."""
    return {"22/tcp"} if role != "vip" else {"80/tcp", "443/tcp", "3478/tcp", "5349/tcp"}


def open_ports(said: str) -> set[str]:
    """The open ports in what nmap printed for programs (-oG)."""
    return {f"{port}/{protocol}" for port, protocol in re.findall(r"(\d+)/open/(\w+)/", said)}


def scan(pupil: str = "alice") -> int:
    """Scan VIPs and nodes from a school for which the router makes an exception. Returns how many ports are wrong."""
    facts = cluster_facts()
    schools.up(facts["lvs_vips"])
    targets = [("VIP", "vip", vip) for vip in facts["lvs_vips"]]
    for node in topology.nodes().values():
        if node.role != "clients":
            targets += [(node.name, node.role, str(node.address)), (node.name, node.role, str(node.address6))]
    with schools.unguarded(pupil), ThreadPoolExecutor(6) as pool:
        every = list(pool.map(lambda target: _scan(pupil, target[2]), targets))
    print_head("target", "address", "open", "expected", "verdict")
    wrong = 0
    for (name, role, address), found in zip(targets, every, strict=True):
        difference = found ^ expected_ports(role)
        wrong += len(difference)
        verdict = "as planned" if not difference else f"wrong: {', '.join(sorted(difference))}"
        print_row(name, address, ", ".join(sorted(found)), ", ".join(sorted(expected_ports(role))), verdict)
    return wrong


def _scan(pupil: str, address: str) -> set[str]:
    command = ["nmap", "-n", "-Pn", "-oG", "-", "--max-retries", "2", *(["-6"] if ":" in address else [])]
    tcp = [*command, "-sS", "-p-", "--min-rate", "1500", address]
    # Of UDP only a port that answers can be told from one that is filtered.
    udp = [*command, "-sU", "--top-ports", "100", "--min-rate", "200", address]
    return set().union(*(open_ports(process.run(schools.inside(pupil, each))) for each in (tcp, udp)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    verb = verbs.add_parser("faults", help="what two people notice of each fault")
    verb.add_argument("names", nargs="*", metavar="FAULT", help=f"of {', '.join(conference.FAULTS)}; all by default")
    verb.add_argument("--runs", type=int, default=5, help="how often each (5)")
    verb = verbs.add_parser("direct-return", help="who carries how many bytes of a conference of four")
    verb.add_argument("--seconds", type=float, default=60, help="for how long (60)")
    verb = verbs.add_parser("people", help=f"how many people one real server bears, in room {HALL}")
    verb.add_argument("--most", type=int, default=20, help="stop there at the latest (20)")
    verb.add_argument("--step", type=int, default=2, help="how many come at once (2)")
    verb.add_argument("--seconds", type=float, default=20, help="how long to measure (20)")
    verb.add_argument("--runs", type=int, default=1, help="how often (1); a report gives figures of three and more")
    verb.add_argument("--report", type=Path, help="the directory of a report of playbooks/benchmark.yml to add it to")
    verbs.add_parser("scan", help="which ports a school finds open, against the plan; status 1 if others")
    arguments = parser.parse_args()
    if unknown := set(getattr(arguments, "names", [])) - set(conference.FAULTS):
        parser.error(f"no fault named {', '.join(sorted(unknown))}; there are {', '.join(conference.FAULTS)}")
    try:
        match arguments.verb:
            case "faults":
                faults(arguments.names or conference.FAULTS, arguments.runs)
            case "direct-return":
                direct_return(arguments.seconds)
            case "people":
                people(arguments.most, arguments.seconds, arguments.step, arguments.runs, arguments.report)
            case "scan":
                return 1 if scan() else 0
    except process.LabError as error:
        print(f"measure_conference: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
