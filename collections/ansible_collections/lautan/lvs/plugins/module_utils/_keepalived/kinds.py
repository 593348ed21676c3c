# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""The kinds of values that keywords have. Each checks a value, writes it as words, and reads it from words."""

from __future__ import annotations

import re
from decimal import Decimal as Number
from decimal import InvalidOperation
from ipaddress import ip_address, ip_interface
from typing import Any, Sequence

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived import quoting
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.model import Faults, Version, version_text
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.quoting import Unreadable

_TRUE, _FALSE = ("true", "on", "yes"), ("false", "off", "no")


class Kind:
    """A kind of value.

    ``check`` gives the value in its one normal form, or reports what is wrong and gives None. ``words`` takes a value
    in normal form, ``read`` gives one, from all words behind the keyword.
    """

    # Whether keepalived splits the line as it does with commands
    escaped = False

    def check(self, value: Any, path: str, faults: Faults) -> Any:
        raise NotImplementedError

    def words(self, value: Any) -> list[str]:
        raise NotImplementedError

    def read(self, words: Sequence[str]) -> Any:
        return self._read_checked(_single(words))

    def is_written(self, value: Any) -> bool:
        """Whether the keyword appears at all with this value."""
        return True

    def _read_checked(self, value: Any) -> Any:
        faults = Faults()
        checked = self.check(value, "", faults)
        if faults.lines:
            raise Unreadable(faults.lines[0])
        return checked


def _single(words: Sequence[str]) -> str:
    if len(words) != 1:
        raise Unreadable(f"one value expected, {len(words)} found")
    return words[0]


def as_bool(value: Any) -> bool | None:
    """The truth value that this is, or None if it is none."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _TRUE + _FALSE:
        return value.lower() in _TRUE
    return None


class Flag(Kind):
    """A keyword that is there or not."""

    def check(self, value: Any, path: str, faults: Faults) -> Any:
        found = as_bool(value)
        if found is None:
            faults.add(path, value, "must be true or false")
        return found

    def words(self, value: Any) -> list[str]:
        return []

    def read(self, words: Sequence[str]) -> Any:
        if words:
            raise Unreadable(f"no value expected, {' '.join(words)!r} found")
        return True

    def is_written(self, value: Any) -> bool:
        return bool(value)


class Bool(Flag):
    """A keyword with true or false; nothing means true."""

    def words(self, value: Any) -> list[str]:
        return ["true" if value else "false"]

    def read(self, words: Sequence[str]) -> Any:
        return True if not words else self._read_checked(_single(words))

    def is_written(self, value: Any) -> bool:
        return True


class Int(Kind):
    """A whole number in a range."""

    def __init__(self, low: int, high: int) -> None:
        self.low, self.high = low, high

    def check(self, value: Any, path: str, faults: Faults) -> Any:
        text = str(value)
        if isinstance(value, bool) or not re.fullmatch(r"[-+]?\d+", text):
            if re.fullmatch(r"\d+-\d+", text):
                faults.add(path, value, "must be one number; keepalived has no ranges here")
            else:
                faults.add(path, value, f"must be a whole number from {self.low} to {self.high}")
        elif not self.low <= int(text) <= self.high:
            faults.add(path, value, f"must be from {self.low} to {self.high}")
        else:
            return int(text)
        return None

    def words(self, value: Any) -> list[str]:
        return [str(value)]


class Decimal(Kind):
    """A number of seconds, or of whatever it is, with so many digits behind the point.

    :param fractions_since: the version that first knew anything but whole numbers.
    """

    def __init__(self, low: str, high: str, digits: int = 6, fractions_since: Version | None = None) -> None:
        self.low, self.high, self.digits = Number(low), Number(high), digits
        self._fractions_since = fractions_since

    def check(self, value: Any, path: str, faults: Faults) -> Any:
        try:
            number = None if isinstance(value, bool) else Number(str(value))
        except InvalidOperation:
            number = None
        if number is None or not number.is_finite():
            faults.add(path, value, "must be a number")
            return None
        if not self.low <= number <= self.high:
            faults.add(path, value, f"must be from {self.low} to {self.high}")
            return None
        if number == number.to_integral_value():
            return int(number)
        if self._fractions_since and faults.too_old(self._fractions_since):
            needed = version_text(self._fractions_since)
            faults.add(path, value, f"must be a whole number; fractions need keepalived {needed}")
        elif -number.normalize().as_tuple().exponent > self.digits:
            faults.add(path, value, f"must not have more than {self.digits} digits behind the point")
        return float(number)

    def words(self, value: Any) -> list[str]:
        return [format(Number(str(value)), "f")]


class Word(Kind):
    """A word, or a string in quotes where that is necessary.

    :param pattern: what it must look like, and ``what`` in words.
    """

    def __init__(self, pattern: str = ".+", what: str = "must not be empty", secret: bool = False) -> None:
        self._pattern, self._what, self.secret = re.compile(pattern), what, secret

    def check(self, value: Any, path: str, faults: Faults) -> Any:
        fault = None
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            fault = "must be a string"
        elif not self._pattern.fullmatch(str(value)):
            fault = self._what
        else:
            fault = self._writable(str(value))
        if fault is None:
            return str(value)
        if self.secret:
            faults.add_secret(path, fault)
        else:
            faults.add(path, value, fault)
        return None

    def _writable(self, text: str) -> str | None:
        return quoting.plain_fault(text)

    def words(self, value: Any) -> list[str]:
        return [quoting.plain(value)]


class Escaped(Word):
    """A string that may hold anything, as regular expressions and commands do."""

    escaped = True

    def _writable(self, text: str) -> str | None:
        return "must not contain control characters" if quoting.CONTROL.search(text) else None

    def words(self, value: Any) -> list[str]:
        return [quoting.escaped(value)]


class Line(Word):
    """Several words of which keepalived knows more than this does: routes and rules."""

    def _writable(self, text: str) -> str | None:
        if re.search(r'["#!{}\\$@~]', text):
            return 'must consist of words without " # ! { } \\ $ @ ~'
        return super()._writable(text)

    def words(self, value: Any) -> list[str]:
        return quoting.split_plain(value)

    def read(self, words: Sequence[str]) -> Any:
        return self._read_checked(" ".join(words))


class Choice(Kind):
    """One of some words.

    :param fold: keepalived does not tell upper case from lower case.
    """

    def __init__(self, *values: str, fold: bool = False) -> None:
        self.values, self._fold = values, fold

    def check(self, value: Any, path: str, faults: Faults) -> Any:
        for known in self.values:
            if str(value) == known or (self._fold and str(value).lower() == known.lower()):
                return known
        faults.add(path, value, f"must be one of {', '.join(self.values)}")
        return None

    def words(self, value: Any) -> list[str]:
        return [value]


class Address(Kind):
    """An IP address.

    :param prefix: it may have a prefix length behind it.
    """

    def __init__(self, version: int = 0, prefix: bool = False, multicast: bool = False) -> None:
        self._version, self._prefix, self._multicast = version, prefix, multicast

    def check(self, value: Any, path: str, faults: Faults) -> Any:
        family = f"IPv{self._version} address" if self._version else "IP address"
        try:
            if isinstance(value, (bool, int, float)):
                raise ValueError(value)
            address, _slash, _length = str(value).partition("/")
            ip = ip_address(address)
            normal = str(ip_interface(str(value))) if "/" in str(value) else str(ip)
        except ValueError:
            faults.add(path, value, f"must be an {family}{' or that with a prefix length' if self._prefix else ''}")
            return None
        if self._version and ip.version != self._version:
            faults.add(path, value, f"must be an {family}")
        elif "/" in normal and not self._prefix:
            faults.add(path, value, "must not have a prefix length")
        elif self._multicast and not ip.is_multicast:
            faults.add(path, value, "must be a multicast address")
        else:
            return normal
        return None

    def words(self, value: Any) -> list[str]:
        return [value]


class Maybe(Kind):
    """A keyword that may stand alone (true), or have a value; it is not there if false."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self.escaped = kind.escaped

    def check(self, value: Any, path: str, faults: Faults) -> Any:
        if isinstance(value, bool):
            return value
        return self._kind.check(value, path, faults)

    def words(self, value: Any) -> list[str]:
        return [] if value is True else self._kind.words(value)

    def read(self, words: Sequence[str]) -> Any:
        return self._kind.read(words) if words else True

    def is_written(self, value: Any) -> bool:
        return value is not False


class Listed(Kind):
    """Several values on one line. A single one may be given without a list."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self.escaped = kind.escaped

    def check(self, value: Any, path: str, faults: Faults) -> Any:
        values = value if isinstance(value, list) else [value]
        if not values:
            faults.add(path, value, "must not be empty")
        return [self._kind.check(item, f"{path}[{index}]", faults) for index, item in enumerate(values)]

    def words(self, value: Any) -> list[str]:
        return [word for item in value for word in self._kind.words(item)]

    def read(self, words: Sequence[str]) -> Any:
        if not words:
            raise Unreadable("a value expected, none found")
        return [self._kind.read([word]) for word in words]


NAME = Word(r"[^\s\"'#!{}\\$@~]+", "must be a name without spaces, quotes, braces, # ! \\ $ @ ~")
INTERFACE = Word(r"[^\s/:\"'#!{}\\$@~]{1,15}", "must be the name of a network interface, at most 15 characters")
PATH = Word(r"/.+", "must be an absolute path")
TEXT = Word()
U16, U32 = Int(0, 2**16 - 1), Int(0, 2**32 - 1)
PORT = Int(1, 65535)
# The greatest that keepalived's timers take: UINT_MAX microseconds
SECONDS = Int(0, 4294)
TIMER = Decimal("0", "4294")
