# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run programs and say what is being done and how long it took."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


class LabError(Exception):
    """Something the user has to know; the text is the whole message."""


def run(
    argv: Sequence[str], *, stdin: str | bytes | None = None, check: bool = True, timeout: float | None = None
) -> str:
    """Run ``argv`` and return its standard output.

    :param argv: program and arguments; never a shell line.
    :param stdin: text or bytes the program reads; nothing by default.
    :param check: raise when the exit status is not 0.
    :param timeout: seconds; none by default.
    :raises LabError: naming the command and what it wrote, when it fails or is not installed.
    """
    data = stdin.encode() if isinstance(stdin, str) else stdin
    try:
        done = subprocess.run(
            list(argv),
            input=data,
            stdin=subprocess.DEVNULL if data is None else None,
            capture_output=True,
            check=False,
            timeout=timeout,
            env=os.environ | {"LC_ALL": "C", "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin"},
        )
    except FileNotFoundError as error:
        raise LabError(f"{argv[0]} is not installed: `make tools` installs what the lab needs") from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"`{' '.join(argv)}` did not end within {timeout:g} s") from error
    out = done.stdout.decode(errors="replace")
    if check and done.returncode != 0:
        said = (done.stderr.decode(errors="replace").strip() or out.strip() or "nothing").splitlines()[-12:]
        raise LabError(f"`{' '.join(argv)}` ended with status {done.returncode} and said: " + "\n    ".join(said))
    return out


def succeeds(argv: Sequence[str]) -> bool:
    """Tell whether ``argv`` ends with status 0."""
    try:
        run(argv)
    except LabError:
        return False
    return True


def spawn(argv: Sequence[str], log: Path, directory: Path) -> int:
    """Start ``argv`` as a process of its own that outlives this one; return its pid.

    :param log: takes what the process prints.
    :param directory: where it runs.
    """
    with open(log, "wb") as out:
        process = subprocess.Popen(
            list(argv), stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=directory, start_new_session=True
        )
    return process.pid


def say(text: str) -> None:
    """Tell the user one line of progress."""
    print(f"lab: {text}", file=sys.stderr, flush=True)


@contextmanager
def step(what: str) -> Iterator[None]:
    """Tell the user that ``what`` begins, and how long it took when it ends."""
    say(f"{what} ...")
    begin = time.monotonic()
    yield
    say(f"{what}: done in {time.monotonic() - begin:.1f} s")


def wait_until(condition, what: str, timeout: float, interval: float = 0.2) -> None:
    """Poll ``condition`` until it is true.

    :param what: said in the error, as in "rs1 to answer on ssh".
    :param timeout: seconds after which the wait is given up.
    :raises LabError: when ``condition`` stayed false.
    """
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            raise LabError(f"waited {timeout:g} s in vain for {what}")
        time.sleep(interval)
