# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""What to do about ipvsadm when it does not work at all."""

from __future__ import annotations

from ansible_collections.lautan.lvs.plugins.module_utils._runner import CommandError

NOT_FOUND = 127


def advice(error: CommandError, release: str) -> str:
    """Say what to do if the reason is known, as a sentence without its full stop; empty if it is not.

    :param release: the release of the running kernel.
    """
    said = error.stderr.lower()
    if error.rc == NOT_FOUND and "was not found" in said:
        return "Install it with: apt install ipvsadm"
    if "you must be root" in said or "operation not permitted" in said or "permission denied" in said:
        return "Only root may read and change the table: set become: true"
    if "can't initialize ipvs" in said:
        return (
            f"The kernel {release} has no IPVS. Load it with: modprobe ip_vs. If there is no such module, install a "
            "kernel that has it, on Debian linux-image-amd64 or linux-image-cloud-amd64, and reboot. In a container, "
            "the host must load it"
        )
    return ""


def explain(error: CommandError, release: str) -> str:
    """Give the message for a table that could not be read, with a way out if the reason is known."""
    known = advice(error, release)
    return f"The table could not be read. {known}. ({error})" if known else f"The table could not be read: {error}"
