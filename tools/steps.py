# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run named commands, keep their logs, count what passed and failed. For run-checks and run-tests."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
CACHE = ROOT / ".cache"
LOGS = CACHE / "logs"
JUNIT = CACHE / "junit"

# How long a step that has been told to stop may take to clean up.
GRACE_SECONDS = 60

# How much of a failed test is told once more in the end: a playbook's last words say what was wrong with it.
LAST_LINES = 25


@dataclass(frozen=True)
class Step:
    """A command, which is one test by its exit status, or many by the JUnit report it writes."""

    name: str
    command: list[str]
    cwd: Path = ROOT
    environment: dict[str, str] = field(default_factory=dict)
    junit: Path | None = None
    # Does the exit status say something that the report does not?
    counts: bool = True

    @property
    def log(self) -> Path:
        """Where the command's output goes."""
        return LOGS / (re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-") + ".log")


@dataclass(frozen=True)
class Result:
    """What came of a step."""

    step: Step
    seconds: float
    passed: int
    failed: int
    skipped: int = 0
    complaints: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        counts = ""
        if self.step.junit:
            counts = f"  {self.passed} passed, {self.failed} failed"
            if self.skipped:
                counts += f", {self.skipped} skipped"
        return f"{'FAILED' if self.failed else 'OK':6}  {self.seconds:6.1f} s  {self.step.name}{counts}"


def complaint(case: ET.Element, failure: ET.Element) -> str:
    """Tell a failed test with the end of what it said."""
    lines = [line.rstrip() for line in (failure.text or "").splitlines()]
    said = [line for line in lines if line.startswith("E  ")] or lines  # a group of exceptions has none
    return "\n".join([f"{case.get('classname', '')}::{case.get('name', '')}", *said[-LAST_LINES:]])


def judge(step: Step, seconds: float, returncode: int) -> Result:
    """Count the tests of a finished step. Nothing tested is a failure, and so is a failure nobody counted."""
    passed = failed = skipped = 0
    complaints: list[str] = []
    if step.junit:
        with suppress(OSError, ET.ParseError):  # no report: no tests
            for suite in ET.parse(step.junit).getroot().iter("testsuite"):
                broken = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
                unrun = int(suite.get("skipped", 0))
                failed += broken
                skipped += unrun
                passed += int(suite.get("tests", 0)) - broken - unrun
                complaints += [
                    complaint(case, failure)
                    for case in suite.iter("testcase")
                    for failure in (*case.iter("failure"), *case.iter("error"))
                ]
        if not passed and not failed:
            failed = 1
    if returncode and not failed:
        failed = 1
    if step.counts and not failed:
        passed += 1
    return Result(step, seconds, passed, failed, skipped, complaints)


def repository_files() -> list[Path]:
    """Return the files under version control, and new ones that are not ignored."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    return [path for name in sorted(filter(None, names)) if (path := ROOT / name).is_file()]


def interrupt_on_signals() -> None:
    """Make Ctrl-C and a request to terminate the same exception, so that either ends the run in good order."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a step and everything it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(GRACE_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class Runner:
    """Runs steps and remembers their results."""

    def __init__(self, *, verbose: bool = False) -> None:
        self.verbose = verbose
        self.results: list[Result] = []
        if not (VENV / "complete").exists():
            sys.exit("The Python tools are missing: run 'make tools' first.")
        LOGS.mkdir(parents=True, exist_ok=True)
        JUNIT.mkdir(parents=True, exist_ok=True)

    def run(self, steps: Iterable[Step], *, workers: int = 1) -> bool:
        """Run the steps, so many at a time; return whether all of them passed."""
        waiting = list(steps)
        running: list[tuple[Step, subprocess.Popen[bytes], float]] = []
        first = len(self.results)
        try:
            while waiting or running:
                while waiting and len(running) < workers:
                    step = waiting.pop(0)
                    running.append((step, self._start(step), time.monotonic()))
                time.sleep(0.02)
                for entry in [entry for entry in running if entry[1].poll() is not None]:
                    running.remove(entry)
                    step, process, start = entry
                    self._finish(judge(step, time.monotonic() - start, process.returncode))
        finally:
            for _, process, _ in running:  # interrupted
                stop(process)
        return not any(result.failed for result in self.results[first:])

    def record_failure(self, name: str) -> None:
        """Count a failure that is not a step's."""
        self.results.append(Result(Step(name, []), seconds=0, passed=0, failed=1))

    def report(self) -> int:
        """Print each failed test, and in the last line the sum of all results; return the exit status."""
        for result in self.results:
            for told in result.complaints:
                print(f"\n{told}\n")
        passed = sum(result.passed for result in self.results)
        failed = sum(result.failed for result in self.results)
        print(f"{passed} passed, {failed} failed", flush=True)
        return 0 if passed and not failed else 1

    def _start(self, step: Step) -> subprocess.Popen[bytes]:
        if step.junit:
            step.junit.unlink(missing_ok=True)  # an old report must not count
        path = os.pathsep.join([str(VENV / "bin"), os.environ["PATH"], "/usr/sbin", "/sbin"])
        with step.log.open("wb") as log:
            return subprocess.Popen(
                step.command,
                cwd=step.cwd,
                env=os.environ | {"PATH": path, "NO_COLOR": "1"} | step.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C at the terminal is for this program, which then stops its steps in order.
                start_new_session=True,
            )

    def _finish(self, result: Result) -> None:
        self.results.append(result)
        print(result, flush=True)
        if result.failed or self.verbose:
            print(result.step.log.read_text(encoding="utf-8", errors="replace").rstrip())
            print(f"-- end of {result.step.log.relative_to(ROOT)}", flush=True)
