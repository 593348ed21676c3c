# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""One run of a load, as it was asked for: read, with everything that is wrong with it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, fields
from ipaddress import ip_address
from typing import Any, Sequence

from ansible_collections.lautan.lvs.plugins.module_utils._failures import Mistakes

WRK, OPEN, SIGNALLING = GENERATORS = ("wrk", "open", "signalling")


@dataclass(frozen=True)
class Run:
    """What is asked of whom, how, and for how long. Times in seconds."""

    name: str
    generator: str
    address: str
    port: int
    tls: bool
    host: str
    path: str
    fresh: bool  # a connection of its own for each request
    connections: int
    threads: int
    rate: float | None  # requests a second; of wrk none, which asks as fast as it is answered
    seconds: float
    warmup: float  # comes before, and is not counted
    timeout: float

    @property
    def place(self) -> str:
        """Address and port, as in a URL."""
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


def read_runs(given: Sequence[dict[str, Any]]) -> list[Run]:
    """Read all runs.

    :raises Mistakes: with everything that is wrong with any of them.
    """
    mistakes = [f"runs[{number}].{mistake}" for number, each in enumerate(given) for mistake in _mistakes(each)]
    if mistakes:
        raise Mistakes(mistakes)
    return [Run(**{field.name: each[field.name] for field in fields(Run)}) for each in given]


def _mistakes(run: dict[str, Any]) -> list[str]:
    mistakes = []
    try:
        ip_address(run["address"])
    except ValueError:
        mistakes.append(f"address={run['address']!r}: must be an IP address")
    if not 0 < run["port"] < 65536:
        mistakes.append(f"port={run['port']}: must be 1 to 65535")
    for option, first in (("host", ""), ("path", "/")):
        text = run[option]
        if not text.startswith(first) or not text.isprintable() or not text or " " in text:
            mistakes.append(f"{option}={text!r}: must be one word{' that begins with /' if first else ''}")
    for option in ("connections", "threads", "seconds", "timeout"):
        if not run[option] > 0:
            mistakes.append(f"{option}={run[option]:g}: must be more than 0")
    if run["warmup"] < 0:
        mistakes.append(f"warmup={run['warmup']:g}: must not be negative")
    if run["generator"] == WRK:
        if run["rate"] is not None:
            mistakes.append(f"rate={run['rate']:g}: wrk asks as fast as it is answered")
        mistakes += [
            f"{option}={run[option]:g}: wrk knows only whole seconds"
            for option in ("seconds", "warmup", "timeout")
            if run[option] != int(run[option])
        ]
        if run["threads"] > run["connections"]:
            mistakes.append(f"threads={run['threads']}: must not be more than connections={run['connections']}")
    elif run["rate"] is None or run["rate"] <= 0:
        mistakes.append(f"rate={run['rate'] or 0:g}: must be more than 0, as {run['generator']} asks at a rate")
    return mistakes
