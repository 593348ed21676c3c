# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""tools/compare_benchmarks.py: two runs of the same truth agree, and two of different ones do not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from compare_benchmarks import main

from ansible_collections.lautan.lvs.tests.unit.plugins.plugin_utils.benchmark_made_up import MadeUp


def write(path: Path, **options: Any) -> str:
    path.write_text(json.dumps(MadeUp(**options).results()), encoding="utf-8")
    return str(path)


def test_two_runs_of_the_same_agree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    both = [write(tmp_path / f"{seed}.json", seed=seed) for seed in (1, 2)]
    assert main(both) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["figure", "first", "second"]
    assert sum(line.endswith("  agree") for line in lines) > 300
    assert "figures compared" in lines[-1]


def test_a_slower_real_server_is_noticed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    both = [write(tmp_path / "1.json"), write(tmp_path / "2.json", seed=2, slow={"rs2": 0.5})]
    assert main([*both, "--only", "disagreeing"]) == 1
    lines = capsys.readouterr().out.splitlines()[1:-2]
    assert any(line.startswith("growth: small page, LVS-DR, rr, 3 real servers") for line in lines)
    assert all(line.endswith("  DISAGREE") for line in lines)
    assert main([*both, "--allowed", "100"]) == 0


def test_what_is_too_noisy_is_not_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    both = [write(tmp_path / f"{seed}.json", seed=seed, rounds=2) for seed in (1, 2)]
    assert main(both) == 1
    assert capsys.readouterr().out.splitlines()[-1].startswith("0 figures compared, 0 agree, 0 disagree")


def test_what_cannot_be_read_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text("{}", encoding="utf-8")
    assert main([str(bad), str(tmp_path / "none.json")]) == 2
    said = capsys.readouterr().err
    assert "bad.json: format=None: must be 1" in said
    assert "none.json" in said
