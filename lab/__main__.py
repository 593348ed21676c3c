# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's command line; `lab/lab help` lists the verbs."""

from __future__ import annotations

import argparse
import fcntl
import os
import sys

from . import cluster, fleet, image, machine, measure, wire
from .faults import DIRECTOR_FAULTS
from .process import LabError, step
from .topology import CACHE, ROUTER, RUN, Node, nodes


def _parser(names: list[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lab/lab", description="Machines to test an LVS cluster on, and ways to break them."
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    def verb(
        name: str, what: str, *, node: str | None = None, choices: list[str] | None = None
    ) -> argparse.ArgumentParser:
        made = verbs.add_parser(name, help=what, description=what)
        if node == "one":
            made.add_argument("node", choices=choices or names, metavar="NODE", help=", ".join(choices or names))
        elif node == "many":
            made.add_argument(
                "nodes", nargs="+", choices=[*names, "all"], metavar="NODE", help=f"{', '.join(names)} or all"
            )
        return made

    verb("up", "make what is missing and start it; LAB_RELEASE is bookworm (default) or trixie")
    verb("down", "remove every node and network; images stay cached")
    verb("purge", "remove the cached images")
    verb("status", "show every node: power, cable, addresses")
    verb("kill", "cut the power of nodes", node="many")
    verb("start", "switch nodes on and wait until they have booted", node="many")
    verb("reboot", "reboot nodes from within, all at the same time", node="many")
    verb("cut", "cut a node's network cable", node="one")
    verb("restore", "mend a node's network cable, whatever was wrong with it", node="one")
    bad = verb("link", "make a node's network cable a bad one, both ways", node="one")
    bad.add_argument("--delay", type=float, default=0, metavar="MS", help="milliseconds each way (0)")
    bad.add_argument("--loss", type=float, default=0, metavar="PERCENT", help="per cent of the frames each way (0)")
    bad.add_argument("--rate", type=float, default=0, metavar="MBIT", help="Mbit/s each way (no limit)")
    places = [*names, ROUTER]
    verb("shell", "open a shell on a node or in the router", node="one", choices=places)
    execute = verb("exec", "run a command on a node or in the router", node="one", choices=places)
    execute.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND", help="the command and its arguments")
    breaking = verb("measure", "break something while the client uses the cluster, and print what the client noticed")
    breaking.add_argument(
        "what",
        choices=[*DIRECTOR_FAULTS, "real-server"],
        metavar="FAULT",
        help="of the active director: "
        + ", ".join(f"{name} ({fault.what})" for name, fault in DIRECTOR_FAULTS.items()).replace("%", "%%")
        + "; or real-server (power cut of each in turn)",
    )
    breaking.add_argument("--runs", type=int, default=10, help="how often (10)")
    verb("console", "print what a virtual machine wrote to its console", node="one")
    return parser


def _chosen(args: argparse.Namespace, every: dict[str, Node]) -> list[Node]:
    return [node for name, node in every.items() if name in args.nodes or "all" in args.nodes]


def _print_table(rows: list[tuple[str, ...]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _do(args: argparse.Namespace, every: dict[str, Node]) -> None:
    match args.verb:
        case "up":
            fleet.up()
        case "down":
            fleet.down()
        case "purge":
            with step("remove the cached images"):
                image.purge(CACHE)
        case "status":
            _print_table([("NODE", "WHAT", "POWER", "CABLE", "IPV4", "IPV6"), *fleet.status(every.values())])
            print(cluster.where())
        case "kill":
            for node in _chosen(args, every):
                fleet.kill(node)
        case "start":
            fleet.start(_chosen(args, every))
        case "reboot":
            fleet.reboot(_chosen(args, every))
        case "cut":
            fleet.set_cable(every[args.node], "down")
        case "restore":
            wire.make_good(every[args.node])
            fleet.set_cable(every[args.node], "up")
        case "link":
            wire.make_bad(every[args.node], args.delay, args.loss, args.rate)
        case "measure":
            measure.measure(args.what, args.runs)
        case "console":
            print(machine.console(every[args.node]).read_text(errors="replace"))
        case "shell" | "exec":
            command = [word for word in getattr(args, "command", []) if word != "--"]
            argv = fleet.enter(args.node, command)
            os.execvp(argv[0], argv)


def main() -> int:
    try:
        every = nodes()
        args = _parser(list(every)).parse_args()
        if args.verb in ("up", "down", "purge"):
            RUN.mkdir(parents=True, exist_ok=True)
            # Two at once would undo each other's work.
            with open(RUN / "lock", "w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                _do(args, every)
        else:
            _do(args, every)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("lab: interrupted; run the same command again to go on", file=sys.stderr)
        return 130
    return 0


sys.exit(main())
