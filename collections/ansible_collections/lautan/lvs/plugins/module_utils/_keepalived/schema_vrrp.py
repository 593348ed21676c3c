# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""VRRP and what it tracks: keepalived/vrrp/vrrp_parser.c, trackers/track_file.c, bfd/bfd_parser.c."""

from __future__ import annotations

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.kinds import (
    INTERFACE,
    NAME,
    PATH,
    TEXT,
    Address,
    Choice,
    Decimal,
    Flag,
    Int,
    Line,
    Listed,
    Word,
)
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.records import NAMED, Part, Record, Script, option
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.schema import (
    Block,
    Keyword,
    Lines,
    Section,
    boolean,
    choice,
    decimal,
    flag,
    maybe,
    text,
    whole,
)

_UINT = 2**32 - 1
_INT = 2**31 - 1

MAC = Word(
    r"([0-9A-Fa-f]{1,2}:){4}[0-9A-Fa-f]{1,2}(:[0-9A-Fa-f]{1,2})?",
    "must have 5 or 6 octets",
)


def _tracked(limit: int, noreverse: bool = True) -> Lines:
    """Names with a weight. A weight of 254 is a remainder of older versions where keepalived still takes it."""
    words = (option("reverse", Flag()), *([option("noreverse", Flag())] if noreverse else []))
    return Lines(Record(Part("name", NAME, required=True), option("weight", Int(-limit, limit)), *words))


_TRACKING = (
    Keyword("track_interface", _tracked(253, noreverse=False)),
    Keyword("track_script", _tracked(253)),
    Keyword("track_file", _tracked(254)),
    Keyword("track_process", _tracked(254)),
    Keyword("track_bfd", _tracked(253)),
)

_STATE_SCRIPTS = tuple(Keyword(f"notify_{state}", Script()) for state in ("master", "backup", "fault", "stop"))

_SCOPE = Word(r"site|link|host|nowhere|global|\d{1,3}", "must be site, link, host, nowhere, global or a number")
_LIFETIME = Word(r"forever|\d+", "must be forever or a number of seconds")


def _address(*more: Part) -> Record:
    """keepalived/vrrp/vrrp_ipaddress.c."""
    return Record(
        Part("ip", Address(prefix=True), required=True),
        option("dev", INTERFACE),
        option("scope", _SCOPE),
        option("brd", Word(r"[-+]|[0-9.]+", "must be an IPv4 address, + or -"), aliases=("broadcast",)),
        option("label", Word(r"\S{1,15}", "must have at most 15 characters")),
        option("peer", Address(prefix=True)),
        option("preferred_lft", _LIFETIME),
        option("home", Flag()),
        option("-nodad", Flag()),
        option("mngtmpaddr", Flag()),
        option("noprefixroute", Flag()),
        option("autojoin", Flag()),
        option("no_track", Flag()),
        *more,
    )


_ROUTE = Line(".+", "must be a route in the syntax of ip-route(8)")
_RULE = Line(".+", "must be a rule in the syntax of ip-rule(8)")
_VIRTUAL_ADDRESS = _address(option("use_vmac", Flag()))

AUTHENTICATION = Section(
    (
        choice("auth_type", "PASS", "AH", required=True),
        text("auth_pass", secret=True, required=True),
    )
)

VRRP_INSTANCE = Section(
    (
        choice("state", "MASTER", "BACKUP"),
        Keyword("interface", INTERFACE),
        Keyword("vrf", INTERFACE),
        Keyword(
            "use_vmac",
            Record(
                Part("name", INTERFACE),
                Part("mac", MAC),
                option("netlink_notify_msg", Flag(), since=(2, 3, 0)),
                option("group", Int(0, _UINT), since=(2, 3, 0)),
                may_be_empty=True,
            ),
        ),
        flag("use_vmac_addr"),
        flag("vmac_xmit_base"),
        Keyword(
            "use_ipvlan",
            Record(
                Part("address", Address(prefix=True)),
                Part("mode", Choice("bridge", "private", "vepa")),
                Part("name", INTERFACE),
                option("group", Int(0, _UINT), since=(2, 3, 0)),
                may_be_empty=True,
            ),
        ),
        whole("version", 2, 3),
        flag("native_ipv6"),
        whole("virtual_router_id", 1, 255, required=True),
        whole("priority", 1, 255),
        decimal("advert_int", "0.01", "255"),
        whole("down_timer_adverts", 1, 100),
        flag("nopreempt"),
        flag("preempt"),
        decimal("preempt_delay", "0", "1000"),
        flag("dont_track_primary"),
        Keyword("unicast_src_ip", Address()),
        Keyword("mcast_src_ip", Address()),
        Keyword("mcast_dst_ip", Address(multicast=True)),
        flag("track_src_ip"),
        Keyword(
            "unicast_peer",
            Lines(
                Record(
                    Part("ip", Address(), required=True),
                    option("min_ttl", Int(0, 255)),
                    option("max_ttl", Int(0, 255)),
                )
            ),
        ),
        flag("unicast_fault_no_peer"),
        flag("check_unicast_src"),
        whole("unicast_ttl", 0, 255),
        maybe("old_unicast_checksum", Choice("never")),
        boolean("v3_checksum_as_v2", since=(2, 2, 8)),
        Keyword("authentication", Block(AUTHENTICATION)),
        flag("no_virtual_ipaddress", since=(2, 2, 8)),
        Keyword("virtual_ipaddress", Lines(_VIRTUAL_ADDRESS)),
        Keyword("virtual_ipaddress_excluded", Lines(_VIRTUAL_ADDRESS)),
        flag("promote_secondaries"),
        Keyword("virtual_routes", Lines(_ROUTE)),
        Keyword("virtual_rules", Lines(_RULE)),
        *_TRACKING,
        flag("accept"),
        flag("no_accept"),
        boolean("skip_check_adv_addr"),
        boolean("strict_mode"),
        whole("debug", 0, 4),
        whole("garp_master_delay", 0, 4294),
        whole("garp_master_repeat", 1, _UINT),
        whole("garp_master_refresh", 0, _UINT),
        whole("garp_master_refresh_repeat", 1, _UINT),
        whole("garp_lower_prio_delay", 0, 4294),
        whole("garp_lower_prio_repeat", 0, _INT),
        Keyword(
            "garp_extra_if",
            Record(Part("interval", Int(0, 86400), required=True), Part("all", Flag(), word="all")),
            aliases=("vmac_garp_intvl",),
        ),
        boolean("lower_prio_no_advert"),
        boolean("higher_prio_send_advert"),
        whole("kernel_rx_buf_size", 0, _UINT),
        flag("linkbeat_use_polling"),
        Keyword("lvs_sync_daemon_interface", INTERFACE),
        maybe("timer_expired_backup", Int(1, 254), since=(2, 2, 8), aliases=("thread_timer_expired",)),
        boolean("owner_ignore_adverts", since=(2, 3, 3)),
        *_STATE_SCRIPTS,
        maybe("notify_deleted", Script()),
        Keyword("notify", Script()),
        Keyword("notify_master_rx_lower_pri", Script()),
        boolean("notify_priority_changes"),
        boolean("smtp_alert"),
    )
)

_SYNC_GROUP = Section(
    (
        Keyword("group", Lines(NAME, many_a_line=True), required=True),
        *_TRACKING,
        *_STATE_SCRIPTS,
        Keyword("notify", Script()),
        boolean("notify_priority_changes"),
        boolean("smtp_alert"),
        flag("global_tracking"),
        flag("sync_group_tracking_weight"),
    )
)

# Fractions of a second: lib/timer.h and commit of 2.3.2
_SCRIPT_SECONDS = Decimal("0.001", "4294", 3, fractions_since=(2, 3, 2))


def _weighted(limit: int, *words: str) -> Record:
    parts = [option(word, Flag()) for word in words or ("reverse",)]
    return Record(Part("weight", Int(-limit, limit), required=True), *parts)


_SCRIPT = Section(
    (
        Keyword("script", Script(with_user=False), required=True),
        Keyword("interval", _SCRIPT_SECONDS),
        Keyword("timeout", _SCRIPT_SECONDS),
        Keyword("weight", _weighted(253)),
        whole("rise", 1, _INT),
        whole("fall", 1, _INT),
        Keyword("user", Record(Part("user", NAME, required=True), Part("group", NAME))),
        flag("init_fail"),
    )
)

_TRACK_FILE = Section(
    (
        Keyword("file", PATH, required=True),
        Keyword("weight", _weighted(254)),
        Keyword(
            "init_file",
            Record(
                Part("value", Int(-(2**31), _INT)),
                option("overwrite", Flag()),
                may_be_empty=True,
            ),
        ),
    )
)

_TRACK_PROCESS = Section(
    (
        Keyword("process", Listed(TEXT), required=True),
        maybe("param_match", Choice("initial", "partial")),
        Keyword("weight", _weighted(254)),
        whole("quorum", 1, 65535),
        whole("quorum_max", 0, 65535),
        decimal("delay", "0.000001", "3600"),
        decimal("terminate_delay", "0.000001", "3600"),
        decimal("fork_delay", "0.000001", "3600"),
        flag("full_command"),
    )
)

_BFD = Section(
    (
        Keyword("neighbor_ip", Address(), required=True, aliases=("neighbour_ip",)),
        Keyword("source_ip", Address()),
        decimal("min_rx", "1", "4294967", 3),
        decimal("min_tx", "1", "4294967", 3),
        decimal("idle_tx", "1000", "4294967", 3),
        whole("multiplier", 1, 255),
        flag("passive"),
        whole("ttl", 1, 255, aliases=("hoplimit",)),
        whole("max_hops", -1, 255),
        boolean("multihop", since=(2, 2, 8)),
        Keyword("weight", _weighted(253)),
        flag("vrrp"),
        flag("checker"),
    )
)

_GARP_GROUP = Section(
    (
        decimal("garp_interval", "0", "2147"),
        decimal("gna_interval", "0", "2147"),
        Keyword("interface", INTERFACE),
        Keyword("interfaces", Lines(INTERFACE, many_a_line=True)),
    )
)

_DELAY = Decimal("0", "255")

VRRP_ROOT = (
    Keyword(
        "linkbeat_interfaces",
        Lines(Record(Part("name", INTERFACE, required=True), Part("type", Choice("MII", "ETHTOOL", "IOCTL")))),
    ),
    Keyword(
        "interface_up_down_delays",
        Lines(
            Record(
                Part("name", INTERFACE, required=True),
                Part("down_delay", _DELAY, required=True),
                Part("up_delay", _DELAY),
            )
        ),
    ),
    Keyword("garp_group", Block(_GARP_GROUP), key="garp_groups", many=True),
    Keyword(
        "track_group",
        Block(Section((Keyword("group", Lines(NAME, many_a_line=True), required=True),)), NAMED),
        key="track_groups",
        many=True,
    ),
    Keyword("static_ipaddress", Lines(_address(option("track_group", NAME)))),
    Keyword("static_routes", Lines(_ROUTE)),
    Keyword("static_rules", Lines(_RULE)),
    Keyword("bfd_instance", Block(_BFD, NAMED), key="bfd_instances", many=True),
    Keyword("vrrp_script", Block(_SCRIPT, NAMED), key="vrrp_scripts", many=True),
    Keyword("track_file", Block(_TRACK_FILE, NAMED), key="track_files", many=True, aliases=("vrrp_track_file",)),
    Keyword("vrrp_track_process", Block(_TRACK_PROCESS, NAMED), key="vrrp_track_processes", many=True),
    Keyword("vrrp_sync_group", Block(_SYNC_GROUP, NAMED), key="vrrp_sync_groups", many=True),
    Keyword("vrrp_instance", Block(VRRP_INSTANCE, NAMED), key="vrrp_instances", many=True),
)
