# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Virtual servers, real servers and their checkers: keepalived/check/*.c."""

from __future__ import annotations

from typing import Any, Iterable, Sequence

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.kinds import (
    INTERFACE,
    NAME,
    PORT,
    TEXT,
    Address,
    Choice,
    Decimal,
    Escaped,
    Flag,
    Int,
    Listed,
    Word,
)
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.model import Faults
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.records import (
    NAMED,
    REAL_SERVER,
    GroupMember,
    Part,
    Record,
    Script,
    ServiceHeader,
    option,
)
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.schema import (
    Block,
    Keyword,
    Lines,
    Section,
    boolean,
    choice,
    flag,
    maybe,
    text,
    whole,
)

_UINT = 2**32 - 1
_WEIGHT = 2**31 - 1

SCHEDULERS = ("rr", "wrr", "lc", "wlc", "lblc", "sh", "mh", "dh", "fo", "ovf", "lblcr", "sed", "nq", "twos")

# Seconds with microseconds: read_timer()
_DELAY = Decimal("0", "4294")
_PERIOD = Decimal("0.000001", "4294")

_METHOD = Record(
    Part("method", Choice("NAT", "DR", "TUN"), required=True),
    option("type", Choice("ipip", "gue", "gre")),
    option("port", PORT),
    option("nocsum", Flag()),
    option("csum", Flag()),
    option("remcsum", Flag()),
)

# Virtual server, real server and checker have these; what is not set is taken from the next outer one.
_TIMING = (
    Keyword("delay_loop", _PERIOD),
    Keyword("warmup", _DELAY),
    Keyword("delay_before_retry", _DELAY),
)


def _retry(low: int, *aliases: str) -> Keyword:
    return whole("retry", low, _UINT, aliases=aliases)


_TIMEOUT = Keyword("connect_timeout", _PERIOD)


def _common(*aliases: str) -> tuple[Keyword, ...]:
    """What all checkers that run by the clock have. keepalived/check/check_api.c."""
    return (*_TIMING, _retry(0, *aliases), boolean("alpha"), boolean("log_all_failures"))


def _connection(*aliases: str) -> tuple[Keyword, ...]:
    """What all checkers that connect have."""
    return (
        Keyword("connect_ip", Address()),
        Keyword("connect_port", PORT),
        Keyword("bindto", Address()),
        Keyword("bind_port", PORT),
        Keyword("bind_if", INTERFACE),
        _TIMEOUT,
        whole("fwmark", 0, _UINT),
        *_common(*aliases),
    )


_CONNECTION = _connection()


class _Status(Word):
    """A status or a range of them."""

    def check(self, value: Any, path: str, faults: Faults) -> Any:
        checked = super().check(value, path, faults)
        first, _dash, last = (checked or "").partition("-")
        if last and first > last:
            faults.add(path, value, "must have the lower status first")
            return None
        return checked


_STATUS = _Status(r"[1-5]\d\d(-[1-5]\d\d)?", "must be a status from 100 to 599, or two with - between")
_REGEX_OPTIONS = [
    "allow_empty_class",
    "alt_bsux",
    "auto_callout",
    "caseless",
    "dollar_endonly",
    "dotall",
    "dupnames",
    "extended",
    "firstline",
    "match_unset_backref",
    "multiline",
    "never_ucp",
    "never_utf",
    "no_auto_capture",
    "no_auto_possess",
    "no_dotstar_anchor",
    "no_start_optimize",
    "ucp",
    "ungreedy",
    "utf",
    "never_backslash_c",
    "alt_circumflex",
    "alt_verbnames",
    "use_offset_limit",
]

_URL = Section(
    (
        Keyword("path", Word(r"\S+", "must be a path without spaces"), required=True),
        text("digest", "[0-9a-fA-F]{32}", "must be 32 hexadecimal digits, as genhash(1) prints them"),
        Keyword("status_code", Listed(_STATUS)),
        text("virtualhost"),
        Keyword("regex", Escaped()),
        Keyword("regex_no_match", Flag()),
        Keyword("regex_options", Listed(Choice(*_REGEX_OPTIONS))),
        whole("regex_min_offset", 0, _UINT),
        whole("regex_max_offset", 0, _UINT),
        Keyword("regex_stack", Record(Part("start", Int(0, _UINT), required=True), Part("max", Int(0, _UINT)))),
        boolean("tls_compliant", since=(2, 2, 8)),
    )
)

_HTTP = (
    text("virtualhost"),
    choice("http_protocol", "1.0", "1.1", "1.0C"),
    boolean("enable_sni"),
    boolean("fast_recovery"),
    boolean("tls_compliant", since=(2, 2, 8)),
    *_connection("nb_get_retry"),
    Keyword("url", Block(_URL), many=True, required=True),
)


class _HexWords(Word):
    """Hexadecimal digits; those who write them by hand like spaces between."""

    def read(self, words: Sequence[str]) -> Any:
        return self._read_checked(" ".join(words))

    def words(self, value: Any) -> list[str]:
        return value.split()


_PAYLOAD = _HexWords(r"[0-9a-fA-F]{2}( ?[0-9a-fA-F]{2})*", "must be pairs of hexadecimal digits")
_REPLY = _HexWords(r"[0-9a-fA-FxX]{2}( ?[0-9a-fA-FxX]{2})*", "must be pairs of hexadecimal digits or X for any")

_CHECKERS: dict[str, Iterable[Keyword]] = {
    "HTTP_GET": _HTTP,
    "SSL_GET": _HTTP,
    "TCP_CHECK": _CONNECTION,
    "UDP_CHECK": (
        *_CONNECTION,
        Keyword("payload", _PAYLOAD),
        maybe("require_reply", _REPLY),
        whole("min_reply_length", 0, 65535),
        whole("max_reply_length", 0, 65535),
    ),
    "DNS_CHECK": (
        *_CONNECTION,
        Keyword("type", Choice("A", "NS", "CNAME", "SOA", "MX", "TXT", "AAAA", "RRSIG", "DNSKEY"), key="dns_type"),
        text("name"),
    ),
    "PING_CHECK": _CONNECTION,
    "SMTP_CHECK": (
        text("helo_name"),
        *_CONNECTION,
        Keyword("host", Block(Section(_CONNECTION)), many=True),
    ),
    "MISC_CHECK": (
        Keyword("misc_path", Script(with_user=False), required=True),
        whole("misc_timeout", 1, 4294),
        flag("misc_dynamic"),
        Keyword("user", Record(Part("user", NAME, required=True), Part("group", NAME))),
        *_common(),
    ),
    "FILE_CHECK": (
        Keyword("track_file", NAME, required=True),
        Keyword(
            "weight",
            Record(
                Part("weight", Int(-_WEIGHT, _WEIGHT), required=True),
                option("reverse", Flag()),
                option("noreverse", Flag()),
            ),
        ),
    ),
    "BFD_CHECK": (
        Keyword("name", NAME, required=True),
        boolean("alpha"),
    ),
}

_REAL_SERVER = Section(
    (
        whole("weight", 0, _WEIGHT),
        Keyword("lvs_method", _METHOD),
        whole("uthreshold", 0, _UINT),
        whole("lthreshold", 0, _UINT),
        boolean("inhibit_on_failure"),
        boolean("alpha"),
        *_TIMING,
        _retry(1),
        _TIMEOUT,
        Keyword("notify_up", Script()),
        Keyword("notify_down", Script()),
        boolean("smtp_alert"),
        text("virtualhost"),
        text("snmp_name"),
        *(
            Keyword(name, Block(Section(tuple(keywords))), key="checks", many=True, tagged=True)
            for name, keywords in _CHECKERS.items()
        ),
    )
)

_VIRTUAL_SERVER = Section(
    (
        choice("ip_family", "inet", "inet6"),
        Keyword("lvs_sched", Choice(*SCHEDULERS), required=True, aliases=("lb_algo",)),
        flag("hashed"),
        flag("ops"),
        # What sh and mh call them; flag-1 and flag-2 mean the same and are for schedulers yet to come.
        *(flag(name) for name in ("flag-1", "flag-2", "flag-3", "sh-port", "sh-fallback", "mh-port", "mh-fallback")),
        Keyword("lvs_method", _METHOD, aliases=("lb_kind",)),
        Keyword("protocol", Choice("TCP", "UDP", "SCTP", fold=True)),
        text("persistence_engine", r"\S{1,15}", "must be a name of at most 15 characters"),
        maybe("persistence_timeout", Int(1, 86400 * 31)),
        text("persistence_granularity", r"\d+(\.\d+){3}|\d{1,3}", "must be an IPv4 netmask or an IPv6 prefix length"),
        *_TIMING,
        _retry(1),
        _TIMEOUT,
        flag("inhibit_on_failure"),
        flag("ha_suspend"),
        flag("alpha"),
        flag("omega"),
        whole("quorum", 1, _UINT),
        whole("hysteresis", 0, _UINT),
        Keyword("quorum_up", Script()),
        Keyword("quorum_down", Script()),
        whole("weight", 1, _WEIGHT),
        boolean("smtp_alert"),
        text("virtualhost"),
        text("snmp_name"),
        Keyword("sorry_server", REAL_SERVER),
        flag("sorry_server_inhibit"),
        Keyword("sorry_server_lvs_method", _METHOD),
        Keyword("real_server", Block(_REAL_SERVER, REAL_SERVER), key="real_servers", many=True, required=True),
    )
)

SSL = Section(
    (
        text("password", secret=True),
        Keyword("ca", TEXT),
        Keyword("certificate", TEXT),
        Keyword("key", TEXT),
    )
)

LVS_ROOT = (
    Keyword("SSL", Block(SSL)),
    Keyword(
        "virtual_server_group",
        Lines(GroupMember(), header=NAMED, key="members"),
        key="virtual_server_groups",
        many=True,
    ),
    Keyword("virtual_server", Block(_VIRTUAL_SERVER, ServiceHeader()), key="virtual_servers", many=True),
)
