# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""global_defs: keepalived/core/global_parser.c."""

from __future__ import annotations

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.kinds import (
    INTERFACE,
    NAME,
    PATH,
    PORT,
    TEXT,
    Address,
    Choice,
    Flag,
    Int,
    Listed,
    Word,
)
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.records import Part, Record, Script, option
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.schema import (
    Keyword,
    Lines,
    Section,
    boolean,
    decimal,
    flag,
    maybe,
    text,
    whole,
)

_UINT = 2**32 - 1
# ip_vs_conn timeouts: 31 days, LVS_MAX_TIMEOUT
_LVS_SECONDS = Int(0, 86400 * 31)
SYNC_ID = Int(0, 255)

_PROCESS_NAME = r"\S{1,15}"
_PROCESS_NAME_WHAT = "must be a name of at most 15 characters"

SYNC_DAEMON = Record(
    Part("interface", INTERFACE, required=True),
    option("inst", NAME),
    option("id", SYNC_ID),
    option("maxlen", Int(1, 65507)),
    option("port", PORT),
    option("ttl", Int(1, 255)),
    option("group", Address(multicast=True)),
)


def _process(name: str) -> tuple[Keyword, ...]:
    """The settings that the VRRP, checker and BFD processes have alike."""
    limit_alias = (f"{name}_rlimit_rtime",)
    return (
        whole(f"{name}_priority", -20, 19),
        flag(f"{name}_no_swap"),
        whole(f"{name}_rt_priority", 1, 99),
        Keyword(f"{name}_cpu_affinity", Listed(Int(0, 4095))),
        whole(f"{name}_rlimit_rttime", 1, _UINT, aliases=limit_alias),
    )


def _buffers(name: str) -> tuple[Keyword, ...]:
    return (whole(f"{name}_rcv_bufs", 0, _UINT), boolean(f"{name}_rcv_bufs_force"))


GLOBAL_DEFS = Section(
    (
        flag("process_names"),
        text("process_name", _PROCESS_NAME, _PROCESS_NAME_WHAT),
        text("vrrp_process_name", _PROCESS_NAME, _PROCESS_NAME_WHAT),
        text("checker_process_name", _PROCESS_NAME, _PROCESS_NAME_WHAT, aliases=("lvs_process_name",)),
        text("bfd_process_name", _PROCESS_NAME, _PROCESS_NAME_WHAT),
        boolean("use_symlink_paths", since=(2, 3, 0)),
        text("router_id"),
        Keyword("notification_email", Lines(TEXT, many_a_line=True)),
        text("notification_email_from"),
        Keyword("smtp_server", Record(Part("host", NAME, required=True), Part("port", PORT))),
        text("smtp_helo_name"),
        whole("smtp_connect_timeout", 1, 4294),
        boolean("smtp_alert"),
        boolean("smtp_alert_vrrp"),
        boolean("smtp_alert_checker"),
        flag("no_email_faults"),
        boolean("no_checker_emails"),
        boolean("checker_log_all_failures"),
        flag("enable_script_security"),
        Keyword("script_user", Record(Part("user", NAME, required=True), Part("group", NAME))),
        Keyword("startup_script", Script()),
        whole("startup_script_timeout", 1, 1000),
        Keyword("shutdown_script", Script()),
        whole("shutdown_script_timeout", 1, 1000),
        maybe("max_auto_priority", Int(-1, 99)),
        whole("min_auto_priority_delay", 1, 10000000),
        maybe("dynamic_interfaces", Choice("allow_if_changes")),
        Keyword("default_interface", INTERFACE),
        flag("disable_local_igmp"),
        Keyword(
            "lvs_timeouts",
            Record(option("tcp", _LVS_SECONDS), option("tcpfin", _LVS_SECONDS), option("udp", _LVS_SECONDS)),
        ),
        flag("lvs_flush"),
        maybe("lvs_flush_on_stop", Choice("VS"), aliases=("lvs_flush_onstop",)),
        Keyword("lvs_sync_daemon", SYNC_DAEMON),
        whole("vrrp_version", 2, 3),
        Keyword("vrrp_mcast_group4", Address(4, multicast=True)),
        Keyword("vrrp_mcast_group6", Address(6, multicast=True)),
        whole("vrrp_garp_master_delay", 0, 4294),
        whole("vrrp_garp_master_repeat", 1, _UINT),
        whole("vrrp_garp_master_refresh", 0, _UINT),
        whole("vrrp_garp_master_refresh_repeat", 1, _UINT),
        whole("vrrp_garp_lower_prio_delay", 0, 4294),
        whole("vrrp_garp_lower_prio_repeat", 0, 2**31 - 1),
        whole("vrrp_down_timer_adverts", 1, 100),
        decimal("vrrp_garp_interval", "0.000001", "4294"),
        decimal("vrrp_gna_interval", "0.000001", "4294"),
        boolean("vrrp_min_garp"),
        Keyword(
            "vrrp_garp_extra_if",
            Record(Part("interval", Int(1, 86400), required=True), Part("all", Flag(), word="all")),
            aliases=("vrrp_vmac_garp_intvl",),
        ),
        boolean("vrrp_lower_prio_no_advert"),
        boolean("vrrp_higher_prio_send_advert"),
        boolean("v3_checksum_as_v2", since=(2, 2, 8)),
        boolean("vrrp_owner_ignore_adverts", since=(2, 3, 3)),
        maybe("vrrp_iptables", Listed(NAME)),
        maybe("vrrp_ipsets", Listed(NAME)),
        maybe("nftables", NAME),
        whole("nftables_priority", -(2**31), 2**31 - 1),
        flag("nftables_ifindex"),
        maybe("nftables_ipvs", NAME),
        whole("nftables_ipvs_priority", -(2**31), 2**31 - 1),
        whole("nftables_ipvs_start_fwmark", 1, _UINT),
        flag("nftables_counters"),
        flag("vrrp_check_unicast_src"),
        flag("vrrp_skip_check_adv_addr"),
        flag("vrrp_strict"),
        *_process("vrrp"),
        Keyword("notify_fifo", PATH),
        Keyword("notify_fifo_script", Script()),
        Keyword("vrrp_notify_fifo", PATH),
        Keyword("vrrp_notify_fifo_script", Script()),
        boolean("vrrp_notify_priority_changes"),
        flag("fifo_write_vrrp_states_on_reload"),
        Keyword("lvs_notify_fifo", PATH),
        Keyword("lvs_notify_fifo_script", Script()),
        *_process("checker"),
        *_process("bfd"),
        text("snmp_socket"),
        flag("enable_traps"),
        flag("enable_snmp_vrrp", aliases=("enable_snmp_keepalived",)),
        flag("enable_snmp_checker"),
        flag("enable_snmp_rfc"),
        flag("enable_snmp_rfcv2"),
        flag("enable_snmp_rfcv3"),
        decimal("snmp_vs_stats_update_interval", "0.001", "4294", since=(2, 3, 0)),
        decimal("snmp_rs_stats_update_interval", "0.001", "4294", since=(2, 3, 0)),
        flag("enable_dbus"),
        text("dbus_service_name"),
        text("dbus_no_interface_name", since=(2, 3, 0)),
        *_buffers("vrrp_netlink_cmd"),
        *_buffers("vrrp_netlink_monitor"),
        *_buffers("lvs_netlink_cmd"),
        *_buffers("lvs_netlink_monitor"),
        *_buffers("process_monitor"),
        boolean("rs_init_notifies"),
        Keyword("vrrp_rx_bufs_policy", Listed(Word(r"(?i:MTU|ADVERT)|\d+", "must be MTU, ADVERT or a size in bytes"))),
        whole("vrrp_rx_bufs_multiplier", 1, _UINT),
        decimal("vrrp_startup_delay", "0.001", "4294"),
        flag("log_unknown_vrids"),
        text("vmac_prefix", r"\S{1,14}", "must be a name of at most 14 characters"),
        text("vmac_addr_prefix", r"\S{1,14}", "must be a name of at most 14 characters"),
        text("umask", r"0[0-7]{1,3}|I[RWX](USR|GRP|OTH)(\|I[RWX](USR|GRP|OTH))*", "must be octal or as IWGRP|IWOTH"),
        whole("random_seed", 0, _UINT),
        maybe("reload_check_config", PATH),
        Keyword("reload_time_file", PATH),
        flag("reload_repeat"),
        maybe("reload_file", PATH),
        Keyword("include_check", Listed(Word(r"[-+]?(read|match|wildcard_match|brace_match)", "must be such a check"))),
        Keyword("config_save_dir", PATH),
        maybe("tmp_config_directory", PATH),
        boolean("data_use_instance"),
        whole("json_version", 1, 2, since=(2, 2, 8)),
        Keyword("state_dump_file", TEXT, since=(2, 3, 3)),
        Keyword("stats_dump_file", TEXT, since=(2, 3, 3)),
        Keyword("json_dump_file", TEXT, since=(2, 3, 3)),
        Keyword("iproute_usr_dir", PATH, since=(2, 3, 2)),
        Keyword("iproute_etc_dir", PATH, since=(2, 3, 2)),
        whole("vrrp_delay_after_boot", 0, 4294, since=(2, 4, 0)),
    )
)
