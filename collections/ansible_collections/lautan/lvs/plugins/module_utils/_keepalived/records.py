# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Kinds whose values have parts: addresses with options, commands with a user, what stands behind a block's keyword."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any, Mapping, Sequence

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived import quoting
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.kinds import (
    NAME,
    PORT,
    U16,
    U32,
    Address,
    Choice,
    Flag,
    Kind,
)
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.model import Faults, Version, join, version_text
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.quoting import Unreadable


def unknown_key(name: Any, known: Sequence[str]) -> str:
    """What to say of a key that is not known."""
    close = difflib.get_close_matches(str(name), known, n=1, cutoff=0.6)
    hint = f"; did you mean {close[0]}?" if close else f"; known are {', '.join(known)}"
    return f"unknown{hint}" if close or len(known) <= 12 else "unknown"


@dataclass(frozen=True)
class Part:
    """One part of a record.

    :param word: the word that comes before it; without one its place tells what it is.
    :param needs: the part without which its place would be that part's.
    """

    name: str
    kind: Kind
    word: str = ""
    required: bool = False
    since: Version | None = None
    aliases: tuple[str, ...] = ()
    needs: str = ""


def option(name: str, kind: Kind, **more: Any) -> Part:
    return Part(name, kind, word=name, **more)


class Record(Kind):
    """Parts on one line: first those that have a place, then those that a word announces, in any order.

    A record of which only the first part is set is that part's value. One that may have no parts is then true.
    """

    def __init__(self, *parts: Part, may_be_empty: bool = False, escaped: bool = False) -> None:
        self.parts, self._may_be_empty, self.escaped = parts, may_be_empty, escaped
        self.names = [part.name for part in parts]

    def check(self, value: Any, path: str, faults: Faults) -> Any:
        if self._may_be_empty and isinstance(value, bool):
            return value
        if not isinstance(value, Mapping):
            if isinstance(value, (list, tuple)) or value is None:
                faults.add(path, value, f"must be a dictionary of {', '.join(self.names)}")
                return None
            value = {self.parts[0].name: value}
        for name in value:
            if name not in self.names:
                faults.missing(join(path, str(name)), unknown_key(name, self.names))
        return self._short(self.check_parts(value, path, faults))

    def check_parts(self, value: Mapping[str, Any], path: str, faults: Faults) -> dict[str, Any]:
        """Check the parts in this mapping, which may hold other things as well."""
        found = {}
        for part in self.parts:
            given = value.get(part.name)
            if given is None:
                if part.required:
                    faults.missing(join(path, part.name), "is missing")
                continue
            if part.needs and value.get(part.needs) is None:
                faults.add(join(path, part.name), given, f"needs {part.needs}")
            if part.since and faults.too_old(part.since):
                faults.add(join(path, part.name), given, f"needs keepalived {version_text(part.since)}")
            checked = part.kind.check(given, join(path, part.name), faults)
            if checked is not None and part.kind.is_written(checked):
                found[part.name] = checked
        return found

    def words(self, value: Any) -> list[str]:
        return self.parts_words(self._long(value))

    def parts_words(self, value: Mapping[str, Any]) -> list[str]:
        words = []
        for part in self.parts:
            if part.name in value:
                words += [part.word] if part.word else []
                words += part.kind.words(value[part.name])
        return words

    def read(self, words: Sequence[str]) -> Any:
        return self._short(self.read_parts(words))

    def read_parts(self, words: Sequence[str]) -> dict[str, Any]:
        """:raises Unreadable: if there is a word with no part for it, or a part that must be there and is not."""
        found: dict[str, Any] = {}
        places = [part for part in self.parts if not part.word]
        options = {word: part for part in self.parts if part.word for word in (part.word, *part.aliases)}
        position = 0
        while position < len(words):
            word = words[position]
            part = options.get(word)
            # A name may be spelt as an option is, but what must be there goes first if the word can be that.
            if part is not None and not self._is_required(places, word):
                takes = [] if isinstance(part.kind, Flag) else list(words[position + 1 : position + 2])
                found[part.name] = part.kind.read(takes)
                position += 1 + len(takes)
                continue
            place = self._place(places, word)
            found[place.name] = place.kind.read([word])
            places.remove(place)
            position += 1
        for part in self.parts:
            if part.required and part.name not in found:
                raise Unreadable(f"no {part.name} found")
        return {part.name: found[part.name] for part in self.parts if part.name in found}

    @staticmethod
    def _is_required(places: Sequence[Part], word: str) -> bool:
        for place in places:
            if place.required:
                try:
                    place.kind.read([word])
                except Unreadable:
                    return False
                return True
        return False

    @staticmethod
    def _place(places: Sequence[Part], word: str) -> Part:
        """The first part that this word can be; what must be there cannot be passed over."""
        for place in places:
            try:
                place.kind.read([word])
            except Unreadable:
                if place.required or len(places) == 1:
                    raise
            else:
                return place
        raise Unreadable(f"unknown word {word!r}")

    def _short(self, found: dict[str, Any]) -> Any:
        if not found and self._may_be_empty:
            return True
        if list(found) == [self.parts[0].name]:
            return found[self.parts[0].name]
        return found

    def _long(self, value: Any) -> dict[str, Any]:
        if isinstance(value, Mapping):
            return dict(value)
        return {} if self._may_be_empty and value is True else {self.parts[0].name: value}

    def is_written(self, value: Any) -> bool:
        return value is not False


# More services than anybody has; keepalived makes one of each address.
_MOST_ADDRESSES = 2**16


class AddressRange(Kind):
    """What a virtual_server_group takes: an address, ADDRESS-ADDRESS, ADDRESS-LAST_PART, NETWORK/LENGTH."""

    def check(self, value: Any, path: str, faults: Faults) -> Any:
        try:
            return self._normal(str(value))
        except ValueError:
            faults.add(path, value, "must be an address, FIRST-LAST, FIRST-LAST_PART or NETWORK/LENGTH; at most 65536")
        return None

    @staticmethod
    def _normal(text: str) -> str:
        if "/" in text:
            if ip_network(text).num_addresses > _MOST_ADDRESSES:
                raise ValueError(text)
            return str(ip_network(text))
        first_text, dash, last = text.partition("-")
        first = ip_address(first_text)
        if not dash:
            return str(first)
        if "." in last or ":" in last:
            end = ip_address(last)
            if end.version != first.version or not 0 <= int(end) - int(first) < _MOST_ADDRESSES:
                raise ValueError(text)
            return f"{first}-{end}"
        base, limit = (10, 0xFF) if first.version == 4 else (16, 0xFFFF)
        if not int(first) & limit < int(last, base) <= limit:
            raise ValueError(text)
        return f"{first}-{last.lower()}"

    def words(self, value: Any) -> list[str]:
        return [value]


def addresses_in(text: str) -> tuple[int, list[int]]:
    """The IP version and the addresses of an AddressRange in normal form, as numbers."""
    if "/" in text:
        network = ip_network(text)
        return network.version, list(range(int(network[0]), int(network[-1]) + 1))
    first_text, dash, last = text.partition("-")
    first = ip_address(first_text)
    if not dash:
        return first.version, [int(first)]
    if "." in last or ":" in last:
        end = int(ip_address(last))
    else:
        base, mask = (10, 0xFF) if first.version == 4 else (16, 0xFFFF)
        end = (int(first) & ~mask) | int(last, base)
    return first.version, list(range(int(first), end + 1))


class Script(Record):
    """A command with its arguments in one string; behind it perhaps the user and group that execute it."""

    def __init__(self, with_user: bool = True) -> None:
        command = Part("command", _Command(), required=True)
        users = (Part("user", NAME), Part("group", NAME, needs="user")) if with_user else ()
        super().__init__(command, *users, escaped=True)


class _Command(Kind):
    """keepalived takes the string apart once more to get the arguments, so it must be well-formed."""

    escaped = True

    def check(self, value: Any, path: str, faults: Faults) -> Any:
        fault = None
        if not isinstance(value, str) or not value.strip():
            fault = "must be a command"
        elif quoting.CONTROL.search(value):
            fault = "must not contain control characters"
        else:
            try:
                quoting.split_escaped(value)
            except Unreadable as exc:
                fault = str(exc)
        if fault:
            faults.add(path, value, fault)
            return None
        return value

    def words(self, value: Any) -> list[str]:
        return [quoting.escaped(value)]


NAMED = Record(Part("name", NAME, required=True))
REAL_SERVER = Record(Part("ip", Address(), required=True), Part("port", PORT))


class ServiceHeader(Record):
    """What a virtual server is: an address with a port, a firewall mark, or a group."""

    def __init__(self) -> None:
        super().__init__(Part("ip", Address()), Part("port", U16), Part("fwmark", U32), Part("group", NAME))

    def check_parts(self, value: Mapping[str, Any], path: str, faults: Faults) -> dict[str, Any]:
        given = [name for name in ("ip", "fwmark", "group") if value.get(name) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none of them"
            faults.missing(path, f"must have exactly one of ip, fwmark and group; it has {found}")
        elif given != ["ip"] and value.get("port") is not None:
            faults.add(join(path, "port"), value["port"], f"a {given[0]} has no port")
        return super().check_parts(value, path, faults)

    def parts_words(self, value: Mapping[str, Any]) -> list[str]:
        for name in ("fwmark", "group"):
            if name in value:
                return [name, *super().parts_words({name: value[name]})]
        return super().parts_words(value)

    def read_parts(self, words: Sequence[str]) -> dict[str, Any]:
        if words and words[0] in ("fwmark", "group"):
            if len(words) != 2:
                raise Unreadable(f"one {words[0]} expected")
            return {words[0]: U32.read(words[1:]) if words[0] == "fwmark" else NAME.read(words[1:])}
        return Record(Part("ip", Address(), required=True), Part("port", U16)).read_parts(words)


class GroupMember(Record):
    """One line of a virtual_server_group."""

    def __init__(self) -> None:
        mark = (option("fwmark", U32), Part("family", Choice("inet", "inet6")))
        super().__init__(Part("ip", AddressRange()), Part("port", U16), *mark)

    def check_parts(self, value: Mapping[str, Any], path: str, faults: Faults) -> dict[str, Any]:
        allowed = ("fwmark", "family") if value.get("fwmark") is not None else ("ip", "port")
        if value.get(allowed[0]) is None:
            faults.missing(path, "must have ip or fwmark")
        for name in self.names:
            if name not in allowed and value.get(name) is not None:
                faults.add(join(path, name), value[name], f"does not go with {allowed[0]}")
        return super().check_parts(value, path, faults)

    def read_parts(self, words: Sequence[str]) -> dict[str, Any]:
        if words[:1] == ["fwmark"]:
            return Record(Part("fwmark", U32, required=True), Part("family", Choice("inet", "inet6"))).read_parts(
                words[1:]
            )
        return Record(Part("ip", AddressRange(), required=True), Part("port", U16)).read_parts(words)
