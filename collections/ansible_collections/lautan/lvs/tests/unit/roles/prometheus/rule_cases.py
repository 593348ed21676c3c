# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with a cluster, as metrics, and which alerts that is, for ``promtool test rules``.

Values are as promtool wants them: one each 15 seconds. ``1x200`` is 1, and 200 times the same again. Alerts are looked
at after 40 minutes, when every one that is to come has come.
"""

from __future__ import annotations

from typing import Any

_STEPS, _AT = 200, "40m"
# promtool begins at 1970.
_YEAR = 365 * 86400
_HOSTS = {"director1": "director", "director2": "director", "rs1": "real_server", "rs2": "real_server"}
_SERVICE = 'service="https-ipv4",vip="192.0.2.100"'


def _well() -> dict[str, str]:
    """A cluster that is well, director1 master."""
    series: dict[str, str] = {}
    for host, role in _HOSTS.items():
        own = f'instance="{host}"'
        series[f'up{{job="lautan",{own}}}'] = f"1x{_STEPS}"
        series[f"lautan_metrics_timestamp_seconds{{{own}}}"] = f"0+15x{_STEPS}"
        if role == "director":
            is_master = int(host == "director1")
            series[f"lautan_keepalived_up{{{own}}}"] = f"1x{_STEPS}"
            series[f'lautan_vrrp_ready{{{own},vrrp_instance="lvs_50"}}'] = f"1x{_STEPS}"
            series[f'lautan_vip_held{{{own},vrrp_instance="lvs_50",vip="192.0.2.100"}}'] = f"{is_master}x{_STEPS}"
            series[f'lautan_sync_daemon_up{{{own},daemon="master"}}'] = f"1x{_STEPS}"
            series[f"lautan_ipvs_drift{{{own}}}"] = f"0x{_STEPS}"
            series[f"lautan_pool_minimum{{{own}}}"] = f"1x{_STEPS}"
            series[f"lautan_pool_size{{{own},{_SERVICE}}}"] = f"2x{_STEPS}"
            series[f'lautan_collector_success{{{own},collector="drift"}}'] = f"1x{_STEPS}"
            for server in ("rs1", "rs2"):
                for metric, value in (("up", 1), ("weight", 1)):
                    name = f'lautan_real_server_{metric}{{{own},{_SERVICE},real_server="{server}"}}'
                    series[name] = f"{value}x{_STEPS}"
                series[f'lautan_real_server_drained{{{own},real_server="{server}"}}'] = f"0x{_STEPS}"
        else:
            series[f"lautan_certificate_not_after_timestamp_seconds{{{own}}}"] = f"{_YEAR}x{_STEPS}"
            series[f"lautan_janus_up{{{own}}}"] = f"1x{_STEPS}"
            series[f"lautan_media_ports{{{own}}}"] = f"1000x{_STEPS}"
            series[f"lautan_media_ports_used{{{own}}}"] = f"800x{_STEPS}"
    return series


def _held(host: str) -> str:
    return f'lautan_vip_held{{instance="{host}",vrrp_instance="lvs_50",vip="192.0.2.100"}}'


def _server(metric: str, director: str, name: str = "rs1") -> str:
    return f'lautan_real_server_{metric}{{instance="{director}",{_SERVICE},real_server="{name}"}}'


def _drained(director: str, what: str = "drained") -> str:
    return f'lautan_real_server_{what}{{instance="{director}",real_server="rs1"}}'


_DIRECTORS = ("director1", "director2")

# What is wrong: what is another value than in a cluster that is well (None: there is none), and what is alerted of.
CASES: dict[str, tuple[dict[str, str | None], set[str]]] = {
    "nothing": ({}, set()),
    "nobody holds the VIP": ({_held("director1"): f"0x{_STEPS}"}, {"LautanNoMaster"}),
    "no director tells anything": ({_held(each): None for each in _DIRECTORS}, {"LautanNoMaster"}),
    "both hold the VIP": ({_held("director2"): f"1x{_STEPS}"}, {"LautanTwoMasters"}),
    "a switchover": ({_held("director1"): f"1x60 0x{_STEPS - 61}", _held("director2"): f"0x61 1x{_STEPS - 62}"}, set()),
    # That the table cannot be compared without it goes without saying.
    "keepalived is stopped": (
        {
            'lautan_keepalived_up{instance="director2"}': f"0x{_STEPS}",
            'lautan_vrrp_ready{instance="director2",vrrp_instance="lvs_50"}': f"0x{_STEPS}",
            'lautan_collector_success{instance="director2",collector="drift"}': f"0x{_STEPS}",
            'lautan_ipvs_drift{instance="director2"}': None,
        },
        {"LautanKeepalivedDown"},
    ),
    "an instance in FAULT": (
        {'lautan_vrrp_ready{instance="director2",vrrp_instance="lvs_50"}': f"0x{_STEPS}"},
        {"LautanDirectorNotReady"},
    ),
    "no sync daemon": (
        {'lautan_sync_daemon_up{instance="director2",daemon="master"}': f"0x{_STEPS}"},
        {"LautanSyncDaemonDown"},
    ),
    "another weight on one director": ({_server("weight", "director2"): f"7x{_STEPS}"}, {"LautanDirectorsDisagree"}),
    "drained on one director": ({_drained("director2"): f"1x{_STEPS}"}, {"LautanDirectorsDisagree"}),
    "a stray rule": ({'lautan_ipvs_drift{instance="director2"}': f"1x{_STEPS}"}, {"LautanDrift"}),
    "nobody serves": (
        {f'lautan_pool_size{{instance="{each}",{_SERVICE}}}': f"0x{_STEPS}" for each in _DIRECTORS},
        {"LautanPoolBelowMinimum"},
    ),
    "a dead real server": ({_server("up", each): f"0x{_STEPS}" for each in _DIRECTORS}, {"LautanRealServerDown"}),
    "a drained one that is being worked on": (
        {
            name: f"{value}x{_STEPS}"
            for each in _DIRECTORS
            for name, value in ((_server("up", each), 0), (_drained(each), 1))
        },
        set(),
    ),
    "one that comes and goes": (
        {_server("up", each): " ".join(["1", "0"] * 90) for each in _DIRECTORS},
        {"LautanRealServerFlapping"},
    ),
    "drained for two days": (
        {
            name: value
            for each in _DIRECTORS
            for name, value in (
                (_drained(each), f"1x{_STEPS}"),
                (_drained(each, "drained_timestamp_seconds"), f"-172800x{_STEPS}"),
            )
        },
        {"LautanDrainedTooLong"},
    ),
    "drained for half an hour": (
        {
            name: f"{value}x{_STEPS}"
            for each in _DIRECTORS
            for name, value in ((_drained(each), 1), (_drained(each, "drained_timestamp_seconds"), 600))
        },
        set(),
    ),
    "no Janus": ({'lautan_janus_up{instance="rs1"}': f"0x{_STEPS}"}, {"LautanJanusDown"}),
    "hardly any port": ({'lautan_media_ports_used{instance="rs1"}': f"801x{_STEPS}"}, {"LautanMediaPortsNearlyFull"}),
    "a certificate for two days": (
        {'lautan_certificate_not_after_timestamp_seconds{instance="rs1"}': f"172800x{_STEPS}"},
        {"LautanCertificateExpires"},
    ),
    "a host that does not answer": ({'up{job="lautan",instance="rs1"}': f"0x{_STEPS}"}, {"LautanHostNotScraped"}),
    "a timer that does not run": (
        {'lautan_metrics_timestamp_seconds{instance="rs1"}': f"0+15x10 150x{_STEPS - 11}"},
        {"LautanMetricsStale"},
    ),
    "a program that never ran": ({'lautan_metrics_timestamp_seconds{instance="rs1"}': None}, {"LautanMetricsStale"}),
    "a part that fails": (
        {'lautan_collector_success{instance="director2",collector="drift"}': f"0x{_STEPS}"},
        {"LautanCollectorFailed"},
    ),
}


def document(rules: str) -> dict[str, Any]:
    """:param rules: the path of the rules, as promtool is to read it."""
    return {
        "rule_files": [rules],
        "evaluation_interval": "15s",
        "tests": [_test(name, *case) for name, case in CASES.items()],
    }


def _test(name: str, other: dict[str, str | None], alerts: set[str]) -> dict[str, Any]:
    series = {**_well(), **other}
    return {
        "name": name,
        "interval": "15s",
        "input_series": [{"series": each, "values": values} for each, values in series.items() if values is not None],
        "promql_expr_test": [
            {
                "expr": 'count by (alertname) (ALERTS{alertstate="firing"}) > bool 0',
                "eval_time": _AT,
                "exp_samples": [{"labels": f'{{alertname="{alert}"}}', "value": 1} for alert in sorted(alerts)],
            }
        ],
    }
