# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Why a module fails: what is wrong before it begins, and what is not as it should be when it has ended."""

from __future__ import annotations


class Mistakes(Exception):  # noqa: N818  # what went wrong is the operator's, and it is several things
    """All that is wrong with the options or with the host; nothing was changed."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("; ".join(mistakes))
        self.mistakes = mistakes


class NotReached(Exception):  # noqa: N818  # the state, after all steps went well
    """Something is not what it was made: each difference is named."""

    def __init__(self, differences: list[str]) -> None:
        super().__init__("; ".join(differences))
        self.differences = differences
