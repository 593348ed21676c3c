# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Addresses and ports as text, in the one form in which they are compared."""

from __future__ import annotations

import socket
from typing import Dict


class _Canonical(Dict[str, str]):
    """Each text that was asked for, by the canonical one: in a table the same addresses appear again and again."""

    def __missing__(self, text: str) -> str:
        # inet_pton takes four decimal numbers only. "010" is 8 for inet_aton and ipvsadm, and 10 for a person.
        family = socket.AF_INET6 if ":" in text else socket.AF_INET
        try:
            found = socket.inet_ntop(family, socket.inet_pton(family, text))
        except OSError:
            raise ValueError(text) from None
        self[text] = found
        return found


_canonical = _Canonical()


def canonical(text: str) -> str:
    """Give an IPv4 or IPv6 address as inet_ntop(3) writes it.

    :raises ValueError: if it is none.
    """
    return _canonical[text]


def endpoint(text: str) -> tuple[str, int]:
    """Split ``192.0.2.1:80`` or ``[2001:db8::1]:80``.

    :raises ValueError: if it is nothing of the kind.
    """
    if text.startswith("["):
        address, found, port = text[1:].partition("]:")
    else:
        address, found, port = text.partition(":")
    if not found or not (port.isascii() and port.isdigit()):
        raise ValueError(text)
    return _canonical[address], int(port)


def joined(address: str, port: int) -> str:
    """The reverse of :func:`endpoint`."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
