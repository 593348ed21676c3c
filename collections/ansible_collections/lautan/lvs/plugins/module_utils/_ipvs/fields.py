# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Single values of a document, which may be anything: each is read, or refused with the reason."""

from __future__ import annotations

import re
from typing import Any, Callable, Sequence

from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.address import canonical
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.model import (
    CHECKSUMS,
    ENGINES,
    MAX_FWMARK,
    MAX_PORT,
    MAX_THRESHOLD,
    MAX_TIMEOUT,
    MAX_WEIGHT,
    METHODS,
    PROTOCOLS,
    TUNNEL_TYPES,
    family_of,
)

_DIGITS = re.compile(r"\s*([0-9]{1,20})\s*")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,15}")
_PORT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+*-]{0,62}")
_LONGEST = 80
_TRUE = ("true", "yes", "on", "1", "y", "t")
_FALSE = ("false", "no", "off", "0", "n", "f")


class RefusedError(ValueError):
    """A value that cannot be, and why."""


def shown(value: Any) -> str:
    """Show any value in one line, short, without ever failing."""
    if isinstance(value, dict):
        return "a dictionary"
    if isinstance(value, (list, tuple)) and not all(isinstance(word, str) for word in value):
        return "a list"
    if value is None:
        return "null"
    if isinstance(value, int) and value.bit_length() > 64:
        return "a number beyond 64 bits"
    text = ascii(value) if isinstance(value, (str, int, float, list, tuple)) else type(value).__name__
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def is_number(value: Any) -> bool:
    """Whether it is a whole number, which a boolean is not."""
    return isinstance(value, int) and not isinstance(value, bool)


def _integer(value: Any, low: int, high: int) -> int:
    if is_number(value):
        if low <= value <= high:
            return value
        raise RefusedError(f"must be from {low} to {high}")
    if isinstance(value, str):
        match = _DIGITS.fullmatch(value)
        # Also a number below 0 is a number, if not one that there may be.
        if match is not None or re.fullmatch(r"\s*-[0-9]{1,20}\s*", value):
            return _integer(int(value), low, high)
    raise RefusedError(f"must be a whole number from {low} to {high}")


def _integer_field(low: int, high: int) -> Callable[[Any], int]:
    return lambda value: _integer(value, low, high)


weight = _integer_field(0, MAX_WEIGHT)
threshold = _integer_field(0, MAX_THRESHOLD)
timeout = _integer_field(1, MAX_TIMEOUT)
fwmark = _integer_field(1, MAX_FWMARK)
tunnel_port = _integer_field(1, MAX_PORT)


def address(value: Any) -> str:
    if isinstance(value, str):
        try:
            return canonical(value)
        except ValueError:
            pass
        text = value.strip()
        try:
            return canonical(text)
        except ValueError:
            raise RefusedError(_why_no_address(text)) from None
    raise RefusedError("must be an IPv4 or IPv6 address")


def _why_no_address(text: str) -> str:
    if "/" in text:
        return "must be an address without a prefix length"
    if "%" in text:
        return "must be an address without a zone"
    if text.startswith("["):
        return "must be an address without brackets"
    if re.fullmatch(r"[0-9.]+:[0-9]+", text):
        return "must be an address without a port; the port has an option of its own"
    if re.fullmatch(r"[0-9.]+", text) or ":" in text:
        return "is not an IPv4 or IPv6 address"
    if re.fullmatch(r"[A-Za-z0-9_.-]+", text):
        return (
            "must be an address; names of hosts are refused, because a name may have several addresses of both "
            "families, and the table would depend on what a resolver says at the moment"
        )
    return "is not an IPv4 or IPv6 address"


def unreachable(address: str, service_family: int, method: str) -> str:
    """Say why the kernel would not take this address of a real server, as ip_vs_new_dest() judges it."""
    kind = family_of(address)
    if kind != service_family and method != "tun":
        return f"must be IPv{service_family} like the service: only the method tun may mix families, and it is {method}"
    if kind == 4:
        if address.startswith(("0.", "255.255.255.255")) or 224 <= int(address[: address.index(".")]) <= 239:
            return "must be a unicast address"
    elif address == "::" or address.startswith("ff"):
        return "must be a unicast address"
    elif address.startswith("::ffff:") and "." in address:
        return f"must be a unicast address; write the IPv4 address {address[7:]} if that is meant"
    elif address.startswith(("fe8", "fe9", "fea", "feb")):
        return "must not be a link-local address"
    return ""


def port(value: Any) -> int | str:
    """Give a number, or the name of a port, which is yet to be looked up."""
    if is_number(value) and 0 <= value <= MAX_PORT:
        return value
    if isinstance(value, str) and not value.strip().isdigit() and _PORT_NAME.fullmatch(value.strip()):
        return value.strip()
    return _integer(value, 0, MAX_PORT)


def boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    # Jinja gives strings.
    text = value.strip().lower() if isinstance(value, str) else ""
    if is_number(value) and value in (0, 1):
        return bool(value)
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise RefusedError("must be true or false")


def _choice_field(choices: Sequence[str]) -> Callable[[Any], str]:
    allowed = frozenset(choices)

    def read(value: Any) -> str:
        if isinstance(value, str) and value in allowed:
            return value
        raise RefusedError(f"must be one of {', '.join(choices)}")

    return read


protocol = _choice_field(PROTOCOLS)
family = _choice_field(("ipv4", "ipv6"))
engine = _choice_field(ENGINES)
method = _choice_field(METHODS)
tunnel_type = _choice_field(TUNNEL_TYPES)
checksum = _choice_field(CHECKSUMS)


def scheduler(value: Any) -> str:
    """Whether the kernel has it depends on the host."""
    if isinstance(value, str) and _NAME.fullmatch(value):
        return value
    raise RefusedError("must be the name of a scheduler")


def flags(value: Any) -> list[str]:
    if isinstance(value, str):
        value = [word.strip() for word in value.split(",") if word.strip()]
    if isinstance(value, (list, tuple)) and all(isinstance(word, str) for word in value):
        return list(value)
    raise RefusedError("must be a list of names")


def netmask(value: Any) -> str:
    """A prefix length or an IPv4 mask. Which of them it may be depends on the service."""
    if isinstance(value, str) and "." in value:
        try:
            return canonical(value.strip())
        except ValueError:
            raise RefusedError("must be a prefix length or an IPv4 netmask such as 255.255.255.0") from None
    text = value.strip() if isinstance(value, str) else value
    if isinstance(text, str) and text.startswith("/"):
        text = text[1:]
    try:
        return str(_integer(text, 0, 128))
    except RefusedError:
        raise RefusedError("must be a prefix length or an IPv4 netmask such as 255.255.255.0") from None


def mask_of(length: int) -> str:
    """Give the IPv4 mask of a prefix length."""
    bits = (0xFFFFFFFF << (32 - length)) & 0xFFFFFFFF
    return ".".join(str(bits >> shift & 0xFF) for shift in (24, 16, 8, 0))
