# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""The text format in which Prometheus reads metrics. Pure."""

from __future__ import annotations

from ansible_collections.lautan.lvs.plugins.module_utils._metrics.model import FAMILIES, Labels, Samples


def text(samples: Samples) -> str:
    """Give the file: each metric that has a value, with what it means.

    :raises KeyError: if a sample is of no metric that is known.
    """
    lines: dict[str, list[str]] = {}
    for sample in samples:
        lines.setdefault(sample.name, []).append(f"{sample.name}{_labels(sample.labels)} {sample.value}")
    unknown = lines.keys() - FAMILIES.keys()
    if unknown:
        raise KeyError(", ".join(sorted(unknown)))
    return "".join(
        f"# HELP {name} {_escaped(meaning)}\n# TYPE {name} {kind}\n" + "".join(f"{line}\n" for line in lines[name])
        for name, (kind, meaning) in FAMILIES.items()
        if name in lines
    )


def _labels(labels: Labels) -> str:
    pairs = ",".join(f'{name}="{_quoted(value)}"' for name, value in labels.items())
    return f"{{{pairs}}}" if pairs else ""


def _escaped(words: str) -> str:
    return words.replace("\\", r"\\").replace("\n", r"\n")


def _quoted(value: str) -> str:
    return _escaped(value).replace('"', r"\"")
