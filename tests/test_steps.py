# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""tools/steps.py: the runner of all other tests must not call a failure a success."""

from __future__ import annotations

from pathlib import Path

import pytest

import steps
from steps import Runner, Step


@pytest.fixture(autouse=True)
def directories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep logs and reports out of the directories of the run that these tests are part of."""
    monkeypatch.setattr(steps, "ROOT", tmp_path)
    monkeypatch.setattr(steps, "LOGS", tmp_path / "logs")
    monkeypatch.setattr(steps, "JUNIT", tmp_path / "junit")


def report(tmp_path: Path, *, tests: int, failures: int = 0, errors: int = 0, skipped: int = 0) -> Path:
    path = tmp_path / "report.xml"
    counts = f'tests="{tests}" failures="{failures}" errors="{errors}" skipped="{skipped}"'
    path.write_text(f"<testsuites><testsuite {counts}/></testsuites>", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("counts", "returncode", "passed", "failed"),
    [
        pytest.param({"tests": 3}, 0, 3, 0, id="all passed"),
        pytest.param({"tests": 5, "failures": 1, "errors": 1, "skipped": 1}, 1, 2, 2, id="some failed"),
        pytest.param({"tests": 3}, 1, 3, 1, id="failed outside the tests"),
        pytest.param({"tests": 0}, 0, 0, 1, id="no tests"),
        pytest.param({"tests": 2, "skipped": 2}, 0, 0, 1, id="all skipped"),
        pytest.param({"tests": 3, "failures": 1}, 0, 2, 1, id="failures and yet success"),
    ],
)
def test_counts_a_report(tmp_path: Path, counts: dict, returncode: int, passed: int, failed: int) -> None:
    step = Step("pytest", ["true"], junit=report(tmp_path, **counts), counts=False)
    result = steps.judge(step, 0, returncode)
    assert (result.passed, result.failed) == (passed, failed)


@pytest.mark.parametrize("content", [None, "", "<testsuites>"])
def test_a_missing_or_broken_report_is_a_failure(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "report.xml"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    result = steps.judge(Step("pytest", ["true"], junit=path, counts=False), 0, 0)
    assert (result.passed, result.failed) == (0, 1)


def test_a_step_without_report_is_one_test(capsys: pytest.CaptureFixture[str]) -> None:
    runner = Runner()
    assert not runner.run([Step("good", ["true"], cwd=steps.ROOT), Step("bad", ["false"], cwd=steps.ROOT)])
    assert runner.report() == 1
    assert capsys.readouterr().out.splitlines()[-1] == "1 passed, 1 failed"


def test_an_old_report_does_not_count(tmp_path: Path) -> None:
    runner = Runner()
    assert not runner.run([Step("writes nothing", ["true"], cwd=tmp_path, junit=report(tmp_path, tests=3))])


def test_output_is_shown_only_on_failure(capsys: pytest.CaptureFixture[str]) -> None:
    runner = Runner()
    shell = ["sh", "-c"]
    runner.run([Step("good", [*shell, "echo quiet"], cwd=steps.ROOT)])
    runner.run([Step("bad", [*shell, "echo loud; exit 3"], cwd=steps.ROOT)])
    output = capsys.readouterr().out
    assert "loud" in output
    assert "quiet" not in output


def test_a_failed_test_is_told_in_the_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "report.xml"
    said = "".join(f"E   line {number}\n" for number in range(100))
    path.write_text(
        '<testsuites><testsuite tests="2" failures="1">'
        '<testcase classname="tests.test_cluster" name="test_good"/>'
        '<testcase classname="tests.test_cluster" name="test_bad">'
        f"<failure>def test_bad():\n{said}</failure></testcase>"
        "</testsuite></testsuites>",
        encoding="utf-8",
    )
    runner = Runner()
    runner.results.append(steps.judge(Step("pytest", ["false"], junit=path), 0, 1))
    runner.report()
    told = capsys.readouterr().out.strip().splitlines()
    assert told[0] == "tests.test_cluster::test_bad"
    assert told[1:-2] == [f"E   line {number}" for number in range(100 - steps.LAST_LINES, 100)]
    assert told[-1] == "1 passed, 1 failed"


def test_nothing_run_is_a_failure() -> None:
    assert Runner().report() == 1


def test_an_interrupt_ends_the_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    stopped = []
    monkeypatch.setattr(steps.time, "sleep", interrupt)
    monkeypatch.setattr(steps, "stop", stopped.append)
    with pytest.raises(KeyboardInterrupt):
        Runner().run([Step("sleeps", ["sleep", "60"], cwd=tmp_path)])
    assert len(stopped) == 1
    stopped[0].kill()
    stopped[0].wait()
