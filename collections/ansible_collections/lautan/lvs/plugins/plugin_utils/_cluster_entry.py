# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""How the elements of a list of dictionaries are read, such as those of ``lvs_services``."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_facts import Facts, word


class Entry:
    """The options of one element. ``None`` means "not set".

    ``secrets`` are the keys whose values no message may show; nor does one show the value of a key that is not known,
    where there are any: it may be one of them, misspelt.
    """

    def __init__(self, cluster: Facts, label: str, values: Mapping[Any, Any], secrets: Sequence[str] = ()) -> None:
        self._cluster = cluster
        self.label = label
        self._values = values
        self._secrets = secrets

    def value(self, key: str, default: Any = None) -> Any:
        value = self._values.get(key)
        return default if value is None else value

    def wrong(self, key: str, what: str) -> None:
        if key in self._secrets:
            self._cluster.wrong_secret(f"{self.label}.{key}", what)
        else:
            self._cluster.wrong(f"{self.label}.{key}", self._values.get(key), what)

    def missing(self, key: str, why: str) -> None:
        self._cluster.missing(f"{self.label}.{key}", why)

    def integer(self, key: str, bounds: tuple[int, int], rule: str, default: int) -> int | None:
        return self._cluster.checked_integer(f"{self.label}.{key}", self.value(key, default), bounds, rule)

    def text(self, key: str, pattern: re.Pattern[str], what: str) -> str | None:
        """The value if it looks like this; reported if it is something else."""
        value = self.value(key)
        if value is None or (isinstance(value, str) and pattern.fullmatch(value)):
            return value
        self.wrong(key, what)
        return None

    def choice(self, key: str, choices: Sequence[str], remark: str = "") -> str | None:
        value = self.value(key)
        if value is None or (isinstance(value, str) and value in choices):
            return value
        self.wrong(key, f"must be one of {' '.join(choices)}{remark}")
        return None

    def check_keys(self, keys: Sequence[str], what: str) -> None:
        """Report every key that ``what`` does not have."""
        for key, value in self._values.items():
            if key not in keys:
                close = difflib.get_close_matches(key, keys, n=1) if isinstance(key, str) else []
                hint = f"did you mean {close[0]}?" if close else f"the keys are {' '.join(keys)}"
                label, wrong = f"{self.label}.{word(key)}", f"is no key of {what}; {hint}"
                if self._secrets:
                    self._cluster.wrong_secret(label, wrong)
                else:
                    self._cluster.wrong(label, value, wrong)
