# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Show a change without showing secrets."""

from __future__ import annotations

import re

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.ensure import Outcome
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.model import (
    MASK,
    File,
    mask_text,
    secret_parts,
)

_SHOWN_SECRET = re.compile(rf"(?m)(?<= ){re.escape(MASK)}$")


def diff_of(path: str, outcome: Outcome) -> list[dict[str, str]]:
    """The change in the form that Ansible shows. That a secret is another one is said, both are hidden."""
    entries = []
    before, after = outcome.before, outcome.after
    if after is not None and before != after:
        old, new = _show(before, after), _show(after, before)
        if before is not None and set(secret_parts(before.text)) != set(secret_parts(after.text)):
            new = _SHOWN_SECRET.sub(f"{MASK} # not the same secrets as before", new)
        entries.append(_entry(path, old, new))
    if outcome.unread:
        entries.append(_entry("keepalived", "has not read the file since it was written\n", "has read the file\n"))
    return entries


def _entry(name: str, before: str, after: str) -> dict[str, str]:
    return {"before_header": name, "after_header": name, "before": before, "after": after}


def _show(file: File | None, other: File | None) -> str:
    if file is None:
        return ""
    text = mask_text(file.text)
    if other is not None and (file.mode, file.uid, file.gid) != (other.mode, other.uid, other.gid):
        return f"mode {file.mode:04o} owner {file.uid}:{file.gid}\n{text}"
    return text
