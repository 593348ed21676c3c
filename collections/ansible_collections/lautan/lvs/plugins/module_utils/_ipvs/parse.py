# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""What ipvsadm prints, and what it is given: from text to values."""

from __future__ import annotations

import re
from typing import Callable, Dict, Iterator, NamedTuple, Sequence

from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.address import canonical, endpoint
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.model import (
    DEFAULT_SCHEDULER,
    NUMBERED_FLAGS,
    OWN_FLAGS,
    Forwarding,
    RealKey,
    Scheduling,
    Service,
    ServiceKey,
    Table,
    family_of,
)

# An argument that may be left out: popt takes the next word unless it begins with a dash.
_NONE, _ONE, _MAYBE = range(3)
_ARGUMENTS = {
    **dict.fromkeys(
        ["A", "E", "D", "C", "L", "l", "Z", "a", "e", "d", "h", "v", "R", "S", "m", "i", "g", "n", "c", "X", "6", "o"],
        _NONE,
    ),
    **dict.fromkeys(["t", "u", "f", "s", "M", "r", "w", "x", "y", "b"], _ONE),
    "p": _MAYBE,
    **dict.fromkeys(
        ["set", "timeout", "daemon", "stats", "rate", "thresholds", "persistent-conn", "nosort", "sort", "tun-info"],
        _NONE,
    ),
    **dict.fromkeys(["tun-nocsum", "tun-csum", "tun-remcsum"], _NONE),
    **dict.fromkeys(["start-daemon", "stop-daemon", "mcast-interface", "syncid", "mcast-group", "mcast-port"], _ONE),
    **dict.fromkeys(["mcast-ttl", "sync-maxlen", "sctp-service", "pe", "tun-type", "tun-port"], _ONE),
}
_LONG_NAMES = {
    "add-service": "A",
    "edit-service": "E",
    "delete-service": "D",
    "clear": "C",
    "list": "L",
    "zero": "Z",
    "add-server": "a",
    "edit-server": "e",
    "delete-server": "d",
    "help": "h",
    "version": "v",
    "restore": "R",
    "save": "S",
    "tcp-service": "t",
    "udp-service": "u",
    "fwmark-service": "f",
    "scheduler": "s",
    "persistent": "p",
    "netmask": "M",
    "real-server": "r",
    "masquerading": "m",
    "ipip": "i",
    "gatewaying": "g",
    "weight": "w",
    "u-threshold": "x",
    "l-threshold": "y",
    "numeric": "n",
    "connection": "c",
    "exact": "X",
    "ipv6": "6",
    "ops": "o",
    "sched-flags": "b",
}
_VERBS = frozenset("AEDCLlZaedhvRS") | {"set", "start-daemon", "stop-daemon"}
_SERVICE_OPTIONS = {"t": "tcp", "u": "udp", "sctp-service": "sctp"}
_SIMPLE_PLACES = {"-A -t ": "tcp", "-A -u ": "udp"}
_METHODS = {"g": "dr", "m": "nat", "i": "tun"}
_CHECKSUMS = {"tun-nocsum": "none", "tun-csum": "csum", "tun-remcsum": "remcsum"}
# IPVS_SVC_PERSISTENT_TIMEOUT in ipvsadm 1.31; its manual page says 300.
_DEFAULT_TIMEOUT = 360
WHOLE_ADDRESS = {4: "255.255.255.255", 6: "128"}

PortOf = Callable[[str, str], int]


class ParseError(ValueError):
    """A text that is not what ipvsadm prints or takes."""


class Command(NamedTuple):
    """A command line of ipvsadm. Which parts are there depends on the verb."""

    verb: str
    service: ServiceKey | None = None
    scheduling: Scheduling | None = None
    real: RealKey | None = None
    forwarding: Forwarding | None = None


def _no_names(name: str, protocol: str) -> int:
    raise ValueError(name)


def parse_command(words: Sequence[str], port_of: PortOf = _no_names) -> Command:
    """Read the words of a command line, without the program's name, as ipvsadm itself does.

    What the values mean for the kernel is not judged here.

    :param port_of: looks up the name of a port for a protocol; ValueError if there is none.
    :raises ParseError: if ipvsadm would not understand it.
    """
    verb = next(_options(words), ("", ""))[0]
    if verb not in _VERBS:
        raise ParseError("does not begin with a command of ipvsadm")
    if verb not in "AEDaed":
        return Command(verb)
    options = dict(_options(words))
    key = _service_key(options, port_of)
    if verb in "AE":
        return Command(verb, key, _scheduling(options, key))
    if verb == "D":
        return Command(verb, key)
    forwarding = _forwarding(options)
    return Command(verb, key, None, _real_key(options, key, forwarding, port_of), forwarding if verb != "d" else None)


def _options(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Give each option with its argument. Like ipvsadm, take none twice."""
    seen: set[str] = set()
    rest = list(reversed(words))
    while rest:
        word = rest.pop()
        for name, argument in _word_options(word, rest):
            if name in seen:
                raise ParseError(f"has {_dashed(name)} twice")
            seen.add(name)
            yield name, argument


def _word_options(word: str, rest: list[str]) -> Iterator[tuple[str, str]]:
    if word.startswith("--"):
        name, attached, argument = word[2:].partition("=")
        name = _LONG_NAMES.get(name, name if len(name) > 1 else "")
        yield name, _argument(name, word, argument if attached else None, rest)
    elif len(word) > 1 and word.startswith("-"):
        letters = word[1:]
        while letters:
            name, letters = letters[0], letters[1:]
            attached_argument = None
            if letters and _ARGUMENTS.get(name, _NONE) != _NONE:
                attached_argument, letters = (letters[1:] if letters[0] == "=" else letters), ""
            yield name, _argument(name, word, attached_argument, rest)
    else:
        raise ParseError(f"has {word!r}, which is no option")


def _argument(name: str, word: str, attached: str | None, rest: list[str]) -> str:
    kind = _ARGUMENTS.get(name)
    if kind is None:
        raise ParseError(f"has {word!r}, which is no option of ipvsadm")
    if kind == _NONE:
        if attached is not None:
            raise ParseError(f"has {word!r}, which takes no argument")
        return ""
    if attached is not None:
        return attached
    if kind == _MAYBE and (not rest or rest[-1].startswith("-")):
        return ""
    if not rest:
        # An empty list of flags: flag-3 of sh and mh, which ipvsadm does not print.
        if name == "b":
            return ""
        raise ParseError(f"has nothing after {word!r}")
    return rest.pop()


def _dashed(name: str) -> str:
    return f"-{name}" if len(name) == 1 else f"--{name}"


def _number(options: dict[str, str], name: str, default: int) -> int:
    text = options.get(name)
    if text is None:
        return default
    if not re.fullmatch("[0-9]{1,10}", text):
        raise ParseError(f"has {_dashed(name)} {text}, which is not a number")
    return int(text)


def _address(text: str) -> str:
    try:
        return canonical(text)
    except ValueError:
        raise ParseError(f"has {text!r}, which is not an address; names of hosts are not resolved") from None


def _service_key(options: dict[str, str], port_of: PortOf) -> ServiceKey:
    given = [name for name in ("t", "u", "sctp-service", "f") if name in options]
    if len(given) != 1:
        raise ParseError("needs exactly one of -t, -u, --sctp-service and -f")
    option, text = given[0], options[given[0]]
    if option != "f":
        if "6" in options:
            raise ParseError("has -6 without -f")
        protocol = _SERVICE_OPTIONS[option]
        address, port = _split(text, protocol, port_of)
        return ServiceKey(protocol, address, port or 0, 0, family_of(address))
    if not re.fullmatch("-?[0-9]{1,10}", text):
        raise ParseError(f"has -f {text}, which is not a number")
    # ipvsadm prints marks from 2**31 on as negative numbers, but does not take those.
    mark = int(text)
    if not mark:
        raise ParseError("has -f 0, and a firewall mark is greater than 0")
    return ServiceKey("", "", 0, mark + 2**32 if mark < 0 else mark, 6 if "6" in options else 4)


def _split(text: str, protocol: str, port_of: PortOf) -> tuple[str, int | None]:
    if text.startswith("["):
        address, found, port = text[1:].partition("]:")
        if not found:
            raise ParseError(f"has {text!r}: an address in brackets needs a port")
    elif text.count(":") > 1:
        address, found, port = text, "", ""
    else:
        address, found, port = text.partition(":")
    if not found:
        return _address(address), None
    if re.fullmatch("[0-9]{1,10}", port):
        return _address(address), int(port)
    try:
        return _address(address), port_of(port, protocol)
    except ParseError:
        raise
    except ValueError:
        raise ParseError(f"has {text!r}, and {port!r} is neither a port nor the name of one") from None


def _scheduling(options: dict[str, str], key: ServiceKey) -> Scheduling:
    scheduler = options.get("s", DEFAULT_SCHEDULER)
    timeout = _DEFAULT_TIMEOUT if options.get("p") == "" else _number(options, "p", 0)
    netmask = options.get("M", "")
    if netmask and key.family == 4:
        netmask = _address(netmask)
    # Without persistence a netmask means nothing, and ipvsadm does not show it.
    if not timeout or netmask == WHOLE_ADDRESS[key.family]:
        netmask = ""
    flags = flag_names(scheduler, [flag for flag in options.get("b", "").split(",") if flag])
    return Scheduling(scheduler, flags, timeout, netmask, options.get("pe", ""), "o" in options)


def flag_names(scheduler: str, flags: Sequence[str]) -> tuple[str, ...]:
    """Give the flags of a scheduler by the names and in the order of ``ipvsadm -S``.

    :raises ParseError: if the scheduler does not have them, or ipvsadm would not show them.
    """
    own = OWN_FLAGS.get(scheduler)
    if own is None:
        names = {flag: flag for flag in NUMBERED_FLAGS}
    else:
        names = {**{flag: flag for flag in own}, **dict(zip(NUMBERED_FLAGS, own))}
    for flag in flags:
        if flag not in names:
            raise ParseError(f"has the flag {flag!a}; flags of the scheduler {scheduler} are {', '.join(names)}")
    given = {names[flag] for flag in flags}
    return tuple(flag for flag in (own or NUMBERED_FLAGS) if flag in given)


def _forwarding(options: dict[str, str]) -> Forwarding:
    method, checksum = "dr", "none"
    # The last one counts.
    for name in options:
        method = _METHODS.get(name, method)
        checksum = _CHECKSUMS.get(name, checksum)
    tunnel_type = options.get("tun-type", "ipip")
    tunnel = method == "tun"
    return Forwarding(
        method,
        _number(options, "w", 1),
        tunnel_type if tunnel else options.get("tun-type", ""),
        _number(options, "tun-port", 0),
        checksum if (tunnel and tunnel_type != "ipip") or checksum != "none" else "",
        _number(options, "x", 0),
        _number(options, "y", 0),
    )


def _real_key(options: dict[str, str], key: ServiceKey, forwarding: Forwarding, port_of: PortOf) -> RealKey:
    if "r" not in options:
        raise ParseError("needs -r")
    address, port = _split(options["r"], key.protocol or "tcp", port_of)
    return RealKey(address, key.port if port is None else port)


# ---- tables


class _RealKeys(Dict[str, RealKey]):
    """By the names that ipvsadm gives them: the same real servers appear again and again."""

    def __missing__(self, name: str) -> RealKey:
        self[name] = real = RealKey(*endpoint(name))
        return real


_real_keys = _RealKeys()


def real_key(name: str) -> RealKey:
    """Read what ipvsadm prints for a real server, such as ``192.0.2.21:80``.

    :raises ValueError: if it is nothing of the kind.
    """
    return _real_keys[name]


class _Forwardings(Dict[str, Forwarding]):
    """By the options that their lines end in: thousands of lines end in a few."""

    def __missing__(self, options: str) -> Forwarding:
        self[options] = forwarding = _forwarding(dict(_options(options.split())))
        return forwarding


def parse_rules(text: str) -> Table:
    """Read what ``ipvsadm -Sn`` prints, or lines of the same form with thresholds.

    :raises ParseError: if there is anything else in it.
    """
    table: Table = {}
    prefix, length = "\n", 1
    real_servers: dict[RealKey, Forwarding] = {}
    forwardings, schedulings = _Forwardings(), {}
    line = ""
    try:
        for line in text.split("\n"):
            if line.startswith(prefix):
                name, _space, options = line[length:].partition(" ")
                real_servers[_real_keys[name]] = forwardings[options]
            elif line.startswith("-A "):
                key, scheduling = _service(line, schedulings)
                real_servers = {}
                table[key] = Service(scheduling, real_servers)
                prefix = f"-a {line[3:].partition(' -s ')[0]} -r "
                length = len(prefix)
            elif line.strip():
                raise ParseError("is neither a service nor a real server of the one before")
    except ValueError as exc:
        raise unexpected(line, exc) from None
    return table


def _service(line: str, known: dict[tuple[str, int], Scheduling]) -> tuple[ServiceKey, Scheduling]:
    """Read the line of a service.

    :param known: what scheduler and options mean for a family, from lines before.
    """
    place, _s, options = line.partition(" -s ")
    key = _simple_key(place)
    scheduling = None if key is None else known.get((options, key.family))
    if key is not None and scheduling is not None:
        return key, scheduling
    command = parse_command(line.split())
    if key is not None:
        known[options, key.family] = command.scheduling
    return command.service, command.scheduling


def _simple_key(place: str) -> ServiceKey | None:
    """Read the beginning of most lines of services, such as ``-A -t 192.0.2.100:80``. None if it is another one."""
    protocol = _SIMPLE_PLACES.get(place[:6])
    if protocol is None:
        return None
    try:
        address, port = endpoint(place[6:])
    except ValueError:
        return None
    return ServiceKey(protocol, address, port, 0, family_of(address))


def unexpected(line: str, reason: object) -> ParseError:
    return ParseError(f"ipvsadm printed {line!r}: {reason}")
