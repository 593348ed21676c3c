# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""What keepalived's configuration makes it do with IPVS. Nothing here writes."""

from __future__ import annotations

import os
import re
from typing import Iterator, NamedTuple, Protocol

CONFIGURATION = "/etc/keepalived/keepalived.conf"

_COMMENT = re.compile(r"[!#].*")
# keepalived.conf(5): the letters after include say what happens if there is nothing to include.
_INCLUDE = re.compile(r"include[rmwba]*\s+\"?(?P<pattern>[^\"\s]+)")
_CONDITION = re.compile(r"@\^?\S+\s+")


class Files(Protocol):
    """What this needs from a host."""

    def read(self, path: str) -> str | None:
        """Give the text of a file, or None if there is no such file."""

    def glob(self, pattern: str) -> list[str]:
        """Give the paths that match a pattern."""


class Keepalived(NamedTuple):
    """The lines by which it has a part in IPVS, each with its file; None where it has none."""

    virtual_server: str | None = None
    sync_daemon: str | None = None


def keepalived(files: Files) -> Keepalived:
    """Read its configuration with all that it includes."""
    found: dict[str, str] = {}
    for path, line in _lines(files, CONFIGURATION, set()):
        found.setdefault(line.split()[0], f"{path}: {line}")
    return Keepalived(found.get("virtual_server"), found.get("lvs_sync_daemon"))


def _lines(files: Files, path: str, seen: set[str]) -> Iterator[tuple[str, str]]:
    """Give all lines that are not empty, without comments and conditions."""
    if path in seen:
        return
    seen.add(path)
    for raw in (files.read(path) or "").splitlines():
        line = _CONDITION.sub("", _COMMENT.sub("", raw).strip(), count=1).strip()
        include = _INCLUDE.match(line)
        if include:
            for included in files.glob(os.path.join(os.path.dirname(path), include["pattern"])):
                yield from _lines(files, included, seen)
        elif line:
            yield path, line
