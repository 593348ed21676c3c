# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Say what a drill breaks, and whether it may: with everything that is wrong with what was asked for. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ansible_collections.lautan.lvs.plugins.plugin_utils._drill_faults import DIRECTOR, FAULTS, REAL_SERVER, Fault
from ansible_collections.lautan.lvs.plugins.plugin_utils._drill_window import read_window, read_zone, refusal

ALL: Final = "all"
# What clients may notice: the longest gap without an answer, in seconds; requests that failed; in how many seconds some
# did; and the seconds until the cluster is whole again. A director that fails costs no request. A real server costs
# those that were sent to it before its health checks failed.
LIMITS: Final = {
    DIRECTOR: {"gap": 2, "failed": 0, "hurt": 10, "whole": 300},
    REAL_SERVER: {"gap": 2, "failed": 100, "hurt": 10, "whole": 300},
}
_SECONDS: Final = (5, 300)


def drill_plan(cluster: Mapping[str, Any], asked: Mapping[str, Any], rules: Mapping[str, Any], now: float) -> dict:
    """Return what RETURN of the filter of this name documents.

    :param cluster: ``domain``, ``directors`` and ``real_servers`` (lists of ``name`` and ``address``) and
        ``conference``.
    :param asked: by the operator: ``fault``, ``host``, ``confirm`` and ``force``.
    :param rules: of the inventory: ``window``, ``timezone``, ``seconds`` and ``limits``.
    :param now: seconds since 1970.
    """
    mistakes = _rule_mistakes(rules)
    if not mistakes and not asked["force"] and (why := refusal(rules["window"], rules["timezone"], now)):
        mistakes.append(why)
    if asked["confirm"] != cluster["domain"]:
        mistakes.append(
            f"confirm={asked['confirm']!r}: say that you mean this cluster with -e confirm={cluster['domain']}"
        )
    steps = []
    for name, kind in _chosen(cluster, asked, mistakes):
        steps.append(_step(name, FAULTS[name], kind, asked, rules))
        if len(_hosts(cluster, kind)) < 2:
            mistakes.append(f"fault={name}: there is only one {kind}, and nobody to take over")
    return {"mistakes": list(dict.fromkeys(mistakes)), "steps": steps}


def _hosts(cluster: Mapping[str, Any], kind: str) -> Sequence[Mapping[str, Any]]:
    return cluster["directors" if kind == DIRECTOR else "real_servers"]


def _rule_mistakes(rules: Mapping[str, Any]) -> list[str]:
    mistakes = []
    window = rules["window"]
    if isinstance(window, str) or not isinstance(window, Sequence):
        mistakes.append(f"drill_window={window!r}: must be a list")
        window = []
    for index, text in enumerate(window):
        try:
            read_window(text)
        except ValueError as exc:
            mistakes.append(f"drill_window[{index}]={text!r}: {exc}")
    try:
        read_zone(rules["timezone"])
    except ValueError as exc:
        mistakes.append(f"drill_timezone={rules['timezone']!r}: {exc}")
    least, most = _SECONDS
    if not least <= rules["seconds"] <= most:
        mistakes.append(f"drill_seconds={rules['seconds']}: must be {least} to {most}")
    return mistakes + _limit_mistakes(rules["limits"])


def _limit_mistakes(limits: Mapping[str, Any]) -> list[str]:
    mistakes = []
    kinds = {_key(kind): known for kind, known in LIMITS.items()}
    for kind, given in limits.items():
        if kind not in kinds:
            mistakes.append(f"drill_limits.{kind}: is none of {', '.join(kinds)}")
            continue
        for name, value in given.items():
            if name not in kinds[kind]:
                mistakes.append(f"drill_limits.{kind}.{name}: is none of {', '.join(kinds[kind])}")
            elif isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
                mistakes.append(f"drill_limits.{kind}.{name}={value!r}: must be a number that is not negative")
    return mistakes


def _key(kind: str) -> str:
    """The kind of a host as a word."""
    return kind.replace(" ", "_")


def _chosen(cluster: Mapping[str, Any], asked: Mapping[str, Any], mistakes: list[str]) -> list[tuple[str, str]]:
    """The names of the faults, each with the kind of host that it happens to."""
    host = asked["host"]
    kind = next((each for each in LIMITS if host in {one["name"] for one in _hosts(cluster, each)}), "")
    if host and not kind:
        names = [one["name"] for each in LIMITS for one in _hosts(cluster, each)]
        mistakes.append(f"host={host}: is not in the cluster, which has {', '.join(names)}")
        return []
    if asked["fault"] == ALL:
        # Directors first; those that take long last.
        return [
            (name, each)
            for each in LIMITS
            for name, fault in FAULTS.items()
            if each in fault.of and kind in ("", each) and (cluster["conference"] or not fault.conference)
        ]
    chosen = []
    for name in filter(None, (part.strip() for part in asked["fault"].split(","))):
        if name not in FAULTS:
            mistakes.append(f"fault={name}: is none of {', '.join([*FAULTS, ALL])}")
        elif kind and kind not in FAULTS[name].of:
            mistakes.append(f"fault={name}: {host} is a {kind}, and it happens to a {FAULTS[name].of[0]}")
        elif FAULTS[name].conference and not cluster["conference"]:
            mistakes.append(f"fault={name}: there is no conference")
        else:
            chosen.append((name, kind or FAULTS[name].of[0]))
    if not chosen and not mistakes:
        mistakes.append(f"fault={asked['fault']}: name one with -e fault=NAME: {', '.join([*FAULTS, ALL])}")
    return chosen


def _step(name: str, fault: Fault, kind: str, asked: Mapping[str, Any], rules: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "fault": name,
        "kind": kind,
        "host": asked["host"],
        "what": fault.what,
        "undone": f"{fault.undone} after {rules['seconds']} s" if fault.lasts else fault.undone,
        "do": fault.do,
        "undo": fault.undo,
        "possible": fault.possible,
        "reboots": fault.reboots,
        "optional": asked["fault"] == ALL,
        "limits": {**LIMITS[kind], **rules["limits"].get(_key(kind), {})},
    }
