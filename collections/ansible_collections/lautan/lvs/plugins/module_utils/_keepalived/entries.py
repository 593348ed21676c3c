# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Ways to go through a document in normal form. Where it had faults, the faulty values are missing in it or null."""

from __future__ import annotations

from typing import Any, Iterable, Iterator, Mapping

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.model import Faults


def entries(data: Mapping[str, Any], key: str, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """The well-formed dictionaries of a list, each with its path."""
    prefix = f"{path}.{key}" if path else key
    for index, item in enumerate(data.get(key) or []):
        if isinstance(item, dict):
            yield f"{prefix}[{index}]", item


def field(item: Any, name: str) -> Any:
    """A part of a record, which is the bare value if it is the first part and the only one."""
    return item.get(name) if isinstance(item, Mapping) else item


def repeated(pairs: Iterable[tuple[str, Any]], what: str, faults: Faults) -> None:
    """Report what is there twice, given with its path."""
    first: dict[Any, str] = {}
    for path, value in pairs:
        if value is None:
            continue
        if value in first:
            faults.add(path, value, f"{what} {first[value]} has as well")
        first.setdefault(value, path)
