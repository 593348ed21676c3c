# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""What a drill has shown: as data, and for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.lautan.lvs.plugins.module_utils._probe.judge import fate
from ansible_collections.lautan.lvs.plugins.plugin_utils._text_table import text_table


def drill_report(step: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any], run: Mapping[str, Any]):
    """Return what RETURN of the filter of this name documents.

    :param step: one of those of drill_plan.
    :param before: what drill_look returned before the fault, with its victim.
    :param after: the same when it was over.
    :param run: ``date``, ``impossible`` (why the victim could not be broken, or nothing), ``happened``, ``whole``
        (after how many seconds) and ``load`` (what the module service_probe returned).
    """
    load, limits, victim = run["load"], step["limits"], before["victim"]
    told = {
        "date": run["date"],
        "fault": step["fault"],
        "victim": victim,
        "before": before["holders"],
        "after": after["holders"],
        "whole": None if after["left"] else run["whole"],
    }
    if run["impossible"]:
        return {
            **told,
            "load": None,
            "missed": [] if step["optional"] else [run["impossible"]],
            "skipped": run["impossible"],
        }
    missed = [] if run["happened"] else ["it is not known to have happened: see journalctl --unit=lautan-drill there"]
    missed += after["left"]
    if not after["left"]:
        missed += _above("whole", run["whole"], limits, "s")
    told_load = None
    if "noticed" in load:
        noticed = load["noticed"]
        hurt = sum(each["failed"] > 0 for each in load["seconds"])
        held = fate(noticed["held_alive"], noticed["held_server"], victim)
        told_load = {**{key: noticed[key] for key in _KEPT}, "hurt": hurt, "held": held, "seconds": load["seconds"]}
        if "history" in load:
            told_load["history"] = load["history"]
        missed += _above("gap", noticed["gap"], limits, "s")
        missed += _above("failed", noticed["failed"], limits, "requests")
        missed += _above("hurt", hurt, limits, "s")
        if held == "lost":
            missed.append(f"the held connection was lost, though {noticed['held_server']} lived: {noticed['error']}")
    else:
        missed.append(f"what clients noticed is not known: {load.get('msg', 'the load did not end')}")
    return {**told, "load": told_load, "missed": missed, "skipped": ""}


_KEPT = ("requests", "failed", "slow", "gap", "gap_at", "held_gap", "held_server", "error")


def _above(name: str, value: float, limits: Mapping[str, float], unit: str) -> list[str]:
    return [f"{name}: {value:.4g} {unit}, and the limit is {limits[name]:g}"] if value > limits[name] else []


_HEADS = ("fault", "victim", "VIPs", "gap s", "failed", "slow", "hurt s", "held", "whole s", "verdict")


def drill_lines(reports: Sequence[Mapping[str, Any]]) -> list[str]:
    """Write reports as a table, and below it what is not as it should be."""
    lines = list(text_table(_HEADS, [_row(each) for each in reports]))
    for each in reports:
        where = f"{each['fault']} of {each['victim']}"
        lines += [f"! {where}: {line}" for line in each["missed"]]
        if each["skipped"] and not each["missed"]:
            lines.append(f"- {where} was left out: {each['skipped']}")
    return lines


def _row(each: Mapping[str, Any]) -> tuple[str, ...]:
    verdict = "missed" if each["missed"] else "left out" if each["skipped"] else "well"
    before, after = (_names(each[when]) for when in ("before", "after"))
    vips = before if before == after else f"{before} -> {after}"
    load = each["load"]
    if load is None:
        figures = ("-",) * 5
    else:
        failed = f"{load['failed']}/{load['requests']}"
        figures = (f"{load['gap']:.3f}", failed, str(load["slow"]), str(load["hurt"]), load["held"])
    whole = "-" if each["whole"] is None or each["skipped"] else f"{each['whole']:.0f}"
    return (each["fault"], each["victim"], vips, *figures, whole, verdict)


def _names(holders: Mapping[str, Sequence[str]]) -> str:
    return ", ".join(dict.fromkeys(name for names in holders.values() for name in names)) or "none"
