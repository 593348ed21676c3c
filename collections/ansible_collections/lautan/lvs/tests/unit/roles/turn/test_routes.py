# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What sends packets for the media ports of other real servers there, run against an ``ip`` that only keeps a list."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.lautan.lvs.tests.unit.roles.rendering import rendered

KERNEL = {"0": "lookup local", "32766": "lookup main"}
MEDIA = [
    {"address": "192.0.2.22", "address6": "2001:db8::22", "first": 20200, "last": 20399},
    {"address": "192.0.2.23", "address6": None, "first": 20400, "last": 20599},
]
# Read by bash before the script. Rules and routes are files. It complains where there is no rule for the local
# table, and where a rule is there already.
FAKE_IP = r"""
ip() {
    [[ $1 == -oneline ]] && return
    local family=$1 what="$2 $3" words=("$@") file
    case $what in
        "rule show")
            for file in $(cd "$STATE/rules$family" && printf '%s\n' * | sort -n); do
                [[ $4 == preference && $5 != "$file" ]] ||
                    printf '%s:\tfrom all %s\n' "$file" "$(< "$STATE/rules$family/$file")"
            done ;;
        "rule add")
            file=$STATE/rules$family/$5
            [[ ! -e $file ]] || echo "twice: $*" >&2
            echo "${words[*]:5}" > "$file" ;;
        "rule delete") rm "$STATE/rules$family/$5" ;;
        "route add") echo "$4 $6" > "$STATE/routes$family/$8" ;;
        "route show") [[ ! -e $STATE/routes$family/$5 ]] || cat "$STATE/routes$family/$5" ;;
        "route flush") rm -f "$STATE/routes$family/$5" ;;
        *) echo "unknown: $*" >&2 ;;
    esac
    grep -q "^lookup local" "$STATE/rules$family"/* || echo "no local table: $*" >&2
}
"""


class Host:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        (directory / "fake-ip").write_text(FAKE_IP)
        for family in ("-4", "-6"):
            (directory / f"routes{family}").mkdir()
            rules = directory / f"rules{family}"
            rules.mkdir()
            for number, rule in KERNEL.items():
                (rules / number).write_text(rule)

    def rules(self, family: str) -> dict[str, str]:
        return {
            file.name: file.read_text().strip().removesuffix(" protocol kernel")
            for file in (self.directory / f"rules{family}").iterdir()
        }

    def routes(self, family: str) -> dict[str, str]:
        return {file.name: file.read_text().strip() for file in (self.directory / f"routes{family}").iterdir()}

    def run(self, *words: str, media: Sequence[dict[str, Any]] = tuple(MEDIA)) -> None:
        variables = {
            "ansible_managed": "",
            "turn_vips": ["192.0.2.100", "2001:db8::100"],
            "turn_media": media,
        }
        script = self.directory / "lvs-turn-routes"
        script.write_text(rendered("turn", "lvs-turn-routes.j2", variables))
        environment = {
            "PATH": "/usr/bin:/bin",
            "BASH_ENV": str(self.directory / "fake-ip"),
            "STATE": str(self.directory),
        }
        done = subprocess.run(["bash", script, *words], env=environment, capture_output=True, text=True, check=True)
        assert done.stderr == ""


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_rules_come_before_the_local_table(host: Host) -> None:
    host.run()
    assert host.rules("-4") == {
        "1": "to 192.0.2.100 ipproto udp dport 20200-20399 lookup 20200",
        "3": "to 192.0.2.100 ipproto udp dport 20400-20599 lookup 20400",
        "4": "lookup local",
        "32766": "lookup main",
    }
    assert host.routes("-4") == {"20200": "192.0.2.100 192.0.2.22", "20400": "192.0.2.100 192.0.2.23"}
    assert host.rules("-6") == {
        "2": "to 2001:db8::100 ipproto udp dport 20200-20399 lookup 20200",
        "4": "lookup local",
        "32766": "lookup main",
    }
    assert host.routes("-6") == {"20200": "2001:db8::100 2001:db8::22"}


def test_what_it_did_is_undone(host: Host) -> None:
    host.run()
    for _again in range(2):
        host.run("stop")
        for family in ("-4", "-6"):
            assert (host.rules(family), host.routes(family)) == (KERNEL, {})


def test_with_another_number_of_servers(host: Host) -> None:
    host.run()
    host.run(media=MEDIA[:1])
    assert host.rules("-4") == {
        "1": "to 192.0.2.100 ipproto udp dport 20200-20399 lookup 20200",
        "3": "lookup local",
        "32766": "lookup main",
    }
    assert list(host.routes("-4")) == ["20200"]


def test_without_other_servers(host: Host) -> None:
    host.run(media=[])
    assert host.rules("-4") == KERNEL
