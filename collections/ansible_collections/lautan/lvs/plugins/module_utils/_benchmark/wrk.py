# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""The load of wrk: what it is told, and what it says. Pure.

wrk is a closed loop: each connection asks again as soon as it was answered. That shows how much a service can do at
most. It does not show how long people wait: while the service is slow, wrk asks less.
"""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.lautan.lvs.plugins.module_utils._benchmark.model import Run

# wrk calls it at the end. A function that it calls for each request would slow it down.
SCRIPT = """
done = function(summary, latency, requests)
  local errors = summary.errors
  io.stderr:write(string.format(
    '{"requests":%d,"duration":%d,"bytes":%d,"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}\\n',
    summary.requests, summary.duration, summary.bytes,
    errors.connect, errors.read, errors.write, errors.status, errors.timeout))
end
"""
_TROUBLES = {
    "connect": "could not connect",
    "read": "connections broke while wrk read",
    "write": "connections broke while wrk wrote",
    "status": "answers were not 2xx or 3xx",
    "timeout": "got no answer in time",
}


def argv(run: Run, seconds: float, script: str) -> list[str]:
    """The command that asks for so many seconds. ``script`` is the file that has SCRIPT."""
    words = ["wrk", f"--threads={run.threads}", f"--connections={run.connections}", f"--duration={seconds:g}s"]
    words += [f"--timeout={run.timeout:g}s", f"--script={script}", f"--header=Host: {run.host}"]
    if run.fresh:
        words.append("--header=Connection: close")
    return [*words, f"http{'s' if run.tls else ''}://{run.place}{run.path}"]


def parse(stderr: str) -> dict[str, Any]:
    """What SCRIPT has written.

    :raises ValueError: when it has written nothing.
    """
    line = next((line for line in stderr.splitlines() if line.startswith('{"requests":')), None)
    if line is None:
        raise ValueError(stderr.strip() or "wrk said nothing")
    told = json.loads(line)
    seconds = told["duration"] / 1e6
    troubles = {name: told[name] for name in _TROUBLES if told[name]}
    answered = told["requests"] - told["status"]
    return {
        "seconds": seconds,
        "answered": answered,
        "failed": sum(troubles.values()),
        "rate": answered / seconds,
        "bytes": told["bytes"],
        "troubles": "; ".join(f"{count} {_TROUBLES[name]}" for name, count in troubles.items()),
    }
