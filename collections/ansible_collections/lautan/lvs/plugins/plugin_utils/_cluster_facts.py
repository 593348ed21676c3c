# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""How the facts of a cluster are read, and how a mistake in them is said.

What is here knows variables, values and addresses, and nothing of directors, real servers or virtual IPs.

Every mistake has the form ``variable=value on host 'name': what is wrong``, with the value as the operator wrote it.
"""

from __future__ import annotations

import re
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

# Guarded, as every import from outside the standard library must be in a collection; plan() raises it again.
NETADDR_IMPORT_ERROR: ImportError | None = None
try:
    import netaddr
except ImportError as exc:
    NETADDR_IMPORT_ERROR = exc

DEFAULTS: Final[Mapping[str, Any]] = {
    "lvs_forwarding": "dr",
    "lvs_vrid": 50,
    "lvs_vrids_taken": (),
    # Maglev hashing: every director computes the same choice from the same servers, so a connection survives a failover
    # even if it was never synchronised, and few connections move when a server comes or goes.
    "lvs_scheduler": "mh",
    "lvs_services": ({"name": "https", "port": 443, "check": "https"}, {"name": "http", "port": 80, "check": "http"}),
    "lvs_conference": True,
    "lvs_rooms": (),
    "lvs_media_first_port": 20000,
    "lvs_media_ports_per_server": 1000,
    "lvs_weight": 1,
}

# By IP version: the family's name in the plan, its title for people, the prefix length of a single address.
FAMILIES: Final[Mapping[int, tuple[str, str, int]]] = {4: ("ipv4", "IPv4", 32), 6: ("ipv6", "IPv6", 128)}

_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,18}")
# Narrows what netaddr gets to see: no zone ("%eth0"), no white space, no surrogates.
_ADDRESS: Final = re.compile(r"[0-9A-Fa-f:.]{2,45}")
_HOSTS_SHOWN: Final = 3


class PlanError(ValueError):
    """The description cannot become a cluster.

    ``mistakes`` holds one line of text for each mistake; ``str()`` is a heading and these lines.
    """

    def __init__(self, mistakes: Iterable[str]) -> None:
        self.mistakes = list(mistakes)
        super().__init__(self.mistakes)

    def __str__(self) -> str:
        count = len(self.mistakes)
        heading = f"The cluster description has {count} mistake{'' if count == 1 else 's'}:"
        return "\n".join([heading, *(f"- {mistake}" for mistake in self.mistakes)])


@dataclass(frozen=True)
class Unusable:
    """Stands for the value of a variable that could not be collected.

    ``mistake`` is the complete line to report where the plan needs the value. An empty one means that nobody tried to
    read it, and that what depends on it is to be left unchecked in silence.
    """

    mistake: str = ""


class _Repr(reprlib.Repr):
    """repr() on one line that stays short and survives whatever a YAML file may hold."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = 120
        self.maxlist = self.maxtuple = self.maxdict = 8

    def repr_int(self, x: int, level: int) -> str:
        # repr() of an int of more than 4300 digits raises ValueError.
        return f"<a number of {x.bit_length()} bits>" if x.bit_length() > 256 else repr(x)


shown: Final = _Repr().repr


def hosts_shown(names: Sequence[str]) -> str:
    """Host names for a message: ``host 'a'``, ``hosts 'a', 'b'``, ``hosts 'a', 'b', 'c' and 4 more``."""
    listed = ", ".join(shown(name) for name in names[:_HOSTS_SHOWN])
    more = f" and {len(names) - _HOSTS_SHOWN} more" if len(names) > _HOSTS_SHOWN else ""
    return f"host{'' if len(names) == 1 else 's'} {listed}{more}"


def word(name: object) -> str:
    """A name as it is, but a strange one quoted, so that a message stays one line."""
    return name if isinstance(name, str) and re.fullmatch(r"\w{1,80}", name) else shown(name)


class Facts:
    """The variables of the cluster, or of one host: read, checked, and reported to the common list of mistakes.

    A reader returns ``None`` for a value that was reported as a mistake; what depends on it is then left unchecked.
    """

    def __init__(self, values: Mapping[str, Any], mistakes: list[str], host: str = "") -> None:
        self._values = values
        self._mistakes = mistakes
        self._where = f" on host {shown(host)}" if host else ""

    def wrong(self, label: str, value: object, what: str) -> None:
        """Report ``value`` of the variable (or list element) ``label``."""
        self._mistakes.append(f"{label}={shown(value)}{self._where}: {what}")

    def wrong_secret(self, label: str, what: str) -> None:
        """Report a value that nobody who reads the message should see."""
        self._mistakes.append(f"{label}{self._where}: {what}")

    def missing(self, name: str, why: str) -> None:
        """Report that the variable ``name`` has no value."""
        self._mistakes.append(f"{name} is not set{self._where}: {why}")

    def value(self, name: str) -> Any:
        """The value, or its default, or ``None`` when there is neither; Unusable after reporting it."""
        value = self._values.get(name)
        if isinstance(value, Unusable) and value.mistake:
            self._mistakes.append(value.mistake)
        return DEFAULTS.get(name) if value is None else value

    def integer(self, name: str, bounds: tuple[int, int], rule: str) -> int | None:
        """An integer within ``bounds``, both included."""
        value = self.value(name)
        return None if isinstance(value, Unusable) else self.checked_integer(name, value, bounds, rule)

    def checked_integer(self, label: str, value: object, bounds: tuple[int, int], rule: str) -> int | None:
        number = whole_number(value)
        if number is None or not bounds[0] <= number <= bounds[1]:
            self.wrong(label, value, f"must be a whole number from {bounds[0]} to {bounds[1]} ({rule})")
            return None
        return number

    def boolean(self, name: str) -> bool | None:
        """``true`` or ``false``, or the text of one, as INI inventories and ``-e`` give."""
        value = self.value(name)
        if isinstance(value, Unusable):
            return None
        truth = {"true": True, "false": False}.get(value.lower()) if isinstance(value, str) else value
        if not isinstance(truth, bool):
            self.wrong(name, value, "must be true or false")
            return None
        return truth

    def elements(self, name: str, example: str, secret: bool = False) -> list[tuple[str, Any]] | None:
        """The elements of a list, each with its label, such as ``lvs_vips[0]``.

        ``None`` if it is not set, or not a list (a string is not taken for a list of one). No message shows the value
        of a ``secret`` one.
        """
        value = self.value(name)
        if value is None or isinstance(value, Unusable):
            return None
        if not isinstance(value, (list, tuple)):
            what = f"must be a list, for example {example}"
            self.wrong_secret(name, what) if secret else self.wrong(name, value, what)
            return None
        return [(f"{name}[{index}]", element) for index, element in enumerate(value)]


def whole_number(value: object) -> int | None:
    """A whole number, or the text of one, as INI inventories and ``-e`` give; not a boolean, not 50.0."""
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        return int(value)
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else None


def ip_address(value: object) -> netaddr.IPAddress | None:
    """An IP address in full, without prefix length and zone; never "10.1" for 10.0.0.1."""
    if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
        return None
    try:
        return netaddr.IPAddress(value, flags=netaddr.INET_PTON)
    except netaddr.AddrFormatError:
        return None


def ip_network(value: object) -> netaddr.IPNetwork | None:
    """A network in CIDR notation; host bits may be set."""
    text, slash, length = value.partition("/") if isinstance(value, str) else ("", "", "")
    address, bits = ip_address(text), whole_number(length)
    if address is None or not slash or bits is None or not 0 <= bits <= FAMILIES[address.version][2]:
        return None
    return netaddr.IPNetwork(f"{address}/{bits}")


def why_no_address(value: object) -> str:
    text = value.partition("/")[0] if isinstance(value, str) else ""
    if text != value and ip_address(text) is not None:
        return f"must be an address without a prefix length: {text}"
    return "is not an IP address"
