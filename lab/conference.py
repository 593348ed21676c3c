# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which real server people of a room are on, and what they notice when something fails."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from . import cluster, fleet, network, schools
from .browsers import Person, Recording, wait_until_all_see_each_other
from .faults import DIRECTOR_FAULTS, Fault
from .process import LabError, run, succeeds, wait_until
from .topology import INVENTORY, Node, nodes

_SECRETS = INVENTORY.parent / "secrets" / "conference"
_COUNTERS = "lautan_counters"

# Runs on a real server: who is in which room of its Janus, as Janus itself says. Nothing when it does not answer.
_PARTICIPANTS = """
import json, urllib.request
def ask(**request):
    message = {"janus": "message_plugin", "plugin": "janus.plugin.videoroom", "request": request}
    body = json.dumps(message | {"transaction": "lab", "admin_secret": SECRET}).encode()
    headers = {"Content-Type": "application/json"}
    asked = urllib.request.Request("http://127.0.0.1:7088/admin", body, headers)
    return json.load(urllib.request.urlopen(asked, timeout=2))["response"]
found = {}
try:
    for room in ask(request="list", admin_key=KEY)["list"]:
        if room["num_participants"]:
            people = ask(request="listparticipants", room=room["room"], admin_key=KEY)["participants"]
            found[room["room"]] = sorted(person.get("display", "") for person in people)
except OSError:
    pass
print(json.dumps(found))
"""


def real_servers() -> list[Node]:
    return [node for node in nodes().values() if node.role == "real_servers"]


def rooms() -> list[str]:
    """The names of the lab's rooms."""
    return [room["name"] for room in cluster.cluster_facts()["lvs_rooms"]]


def secret(name: str) -> str:
    """One of the secrets that playbooks/site.yml made for the conference.

    :raises LabError: when it is not there.
    """
    path = _SECRETS / name
    if not path.exists():
        raise LabError(f"{path} is missing: the conference was never deployed (make site)")
    return path.read_text().strip()


def participants(room: str) -> dict[str, list[str]]:
    """The names of the people in a room, by real server; a server that nobody is on, or that is off, is left out."""
    running = [server for server in real_servers() if network.port_state(server) != "absent"]
    known = f"SECRET, KEY = {secret('janus_admin')!r}, {secret('room_admin')!r}\n"

    def ask(server: Node) -> list[str]:
        # Over standard input: a command line can be read by everybody on the host.
        said = run(fleet.ssh(server, "python3 -"), stdin=known + _PARTICIPANTS, check=False)
        return json.loads(said or "{}").get(room, [])

    with ThreadPoolExecutor() as pool:
        found = zip(running, pool.map(ask, running), strict=True)
        return {server.name: people for server, people in found if people}


def wait_until_together(room: str, names: list[str]) -> str:
    """Wait until exactly these people are in a room, on one real server, and return its name.

    :raises LabError: when that does not come about.
    """
    where: dict[str, list[str]] = {}

    def together() -> bool:
        where.clear()
        where.update(participants(room))
        return list(where.values()) == [sorted(names)]

    try:
        wait_until(together, f"{', '.join(names)} to be in room {room} on one real server", timeout=20)
    except LabError as error:
        raise LabError(f"{error}: {where}") from error
    return next(iter(where))


def owner(room: str) -> Node:
    """The real server that newcomers to a room are sent to, as nginx on the first real server in service says.

    :raises LabError: when none says.
    """
    program = f"""
import urllib.error, urllib.request
try:
    headers = urllib.request.urlopen("http://127.0.0.1:8082/owner/{room}", timeout=3).headers
except urllib.error.HTTPError as error:
    headers = error.headers
print(headers["X-Owner"] or "")
"""
    by_address = {str(node.address): node for node in real_servers()}
    for server in real_servers():
        said = run(fleet.ssh(server, "python3 -"), stdin=program, check=False).strip()
        if said in by_address:
            return by_address[said]
    raise LabError(f"no real server knows who owns room {room}")


def wait_whole() -> None:
    """Wait until the cluster is whole and the Janus of every real server answers.

    :raises LabError: when that does not come about.
    """
    cluster.wait_whole()
    for server in real_servers():
        answers = fleet.ssh(server, "curl --silent --fail --max-time 2 http://127.0.0.1:8088/janus/info")
        wait_until(lambda answers=answers: succeeds(answers), f"Janus on {server.name} to answer", timeout=30)


# --- What people notice ---


@dataclass(frozen=True)
class Noticed:
    """What the people in a room noticed of one fault. Times in seconds."""

    fault: str
    gap: float  # the longest time in which anybody did not see somebody move
    known: float  # the recorders looked at least this often
    rejoins: int  # of all people
    seen: tuple[str, ...]  # the states that each page went through
    split: float  # for how long the room was on more than one real server
    before: str  # the real server that the room was on
    after: str  # and where it ended


def _on_janus(signal: str) -> Callable[[Node], None]:
    return lambda node: run(fleet.ssh(node, f"systemctl kill --signal={signal} janus.service")) and None


def _vip(change: str) -> Callable[[Node], None]:
    """Take the first VIP away from a real server, or give it back as role real_server has it."""
    return lambda node: (
        run(fleet.ssh(node, change.replace("VIP", f"{cluster.cluster_facts()['lvs_vips'][0]}/32 dev eth0"))) and None
    )


def _power_on(node: Node) -> None:
    fleet.start([node])


# By name: who is hurt (the active director, or the owner of the room), and what happens.
FAULTS: dict[str, tuple[str, Fault]] = {
    "director": ("director", DIRECTOR_FAULTS["director"]),
    "switchover": ("director", DIRECTOR_FAULTS["switchover"]),
    "janus-killed": ("owner", Fault("Janus killed", _on_janus("KILL"), after=15)),
    "janus-hung": ("owner", Fault("Janus hung", _on_janus("STOP"), _on_janus("CONT"), after=15)),
    "vip-lost": (
        "owner",
        Fault("VIP lost", _vip("ip address del VIP"), _vip("ip address replace VIP scope host"), after=18),
    ),
    "real-server": ("owner", Fault("power cut", fleet.kill, _power_on, after=15)),
    # People see each other again before it boots: they are on another one then.
    "return": ("owner", Fault("boots again", _power_on, first=fleet.kill, after=20)),
}


def hurt(
    name: str, room: str, people: list[Person], meanwhile: Callable[[], object] = lambda: None
) -> tuple[Noticed, Callable[[], None]]:
    """Do something to the cluster while people see each other; say what they noticed, and how to undo it.

    :param meanwhile: done as soon as it has happened.
    :raises LabError: when they do not see each other before.
    """
    which, fault = FAULTS[name]
    victim = cluster.active_director() if which == "director" else owner(room)
    wait_until_all_see_each_other(people)
    fault.first(victim)
    wait_until_all_see_each_other(people)
    before = wait_until_together(room, [person.name for person in people])
    at = time.time()
    fault.do(victim)
    meanwhile()
    split, where = _watch(room, fault.after)
    until = time.time()
    recordings = {person.name: person.recording() for person in people}
    seen = judge(f"{victim.name}: {fault.what}", recordings, at, until)
    noticed = Noticed(**seen, split=split, before=before, after=" ".join(where))
    return noticed, lambda: fault.undo(victim)


def judge(fault: str, recordings: dict[str, Recording], at: float, until: float) -> dict:
    """What people noticed between two moments, from what their pages noted."""
    gaps = [
        recording.gap(other, at, until)
        for name, recording in recordings.items()
        for other in recordings
        if other != name
    ]
    return {
        "fault": fault,
        "gap": max(gaps),
        "known": max(recording.slowest for recording in recordings.values()),
        "rejoins": sum(recording.rejoins(at) for recording in recordings.values()),
        "seen": tuple(recording.seen(at) for recording in recordings.values()),
    }


def _watch(room: str, seconds: float) -> tuple[float, list[str]]:
    """Watch for some time where the people of a room are; longer while they are on none or several real servers.

    Returns the longest time in which they were seen on more than one real server, and where they are in the end.
    """
    end, split, begin = time.monotonic() + seconds, 0.0, None
    while True:
        where = list(participants(room))
        now = time.monotonic()
        if len(where) > 1:
            begin = begin or now
            split = max(split, now - begin)
        else:
            begin = None
        if now > end + 10 or (now > end and len(where) == 1):
            return split, where
        time.sleep(0.5)


# --- Direct return ---


@dataclass(frozen=True)
class Traffic:
    """Bytes of IP packets, of one node of the lab."""

    from_vip: int  # sent with a VIP as their source: answers to clients
    to_vip: int  # sent with a VIP as their destination: what a director hands over to a real server


@contextmanager
def traffic_counted() -> Iterator[Callable[[], dict[str, Traffic]]]:
    """Count, in the switch, what each director and real server sends."""
    counted = [node for node in nodes().values() if node.role in ("directors", "real_servers")]
    chains = []
    for node in counted:
        lines = []
        for what, field in (("from_vip", "saddr"), ("to_vip", "daddr")):
            for vip in cluster.cluster_facts()["lvs_vips"]:
                lines.append(f"{'ip6' if ':' in vip else 'ip'} {field} {vip} counter name {node.name}_{what}")
        rules = "\n".join(lines)
        counters = f"counter {node.name}_from_vip {{ }}\ncounter {node.name}_to_vip {{ }}\n"
        hook = f"type filter hook ingress device {node.name} priority filter"
        chains.append(f"{counters}chain {node.name} {{\n{hook}\n{rules}\n}}\n")
    table = f"table netdev {_COUNTERS}"
    run(network.inside(["nft", "-f", "-"]), stdin=f"{table} {{ }}\ndelete {table}\n{table} {{\n{''.join(chains)}}}\n")

    def read() -> dict[str, Traffic]:
        listing = json.loads(run(network.inside(["nft", "--json", "list", "counters", "table", "netdev", _COUNTERS])))
        size = {each["counter"]["name"]: each["counter"]["bytes"] for each in listing["nftables"] if "counter" in each}
        return {node.name: Traffic(size[f"{node.name}_from_vip"], size[f"{node.name}_to_vip"]) for node in counted}

    try:
        yield read
    finally:
        run(network.inside(["nft", "delete", "table", "netdev", _COUNTERS]), check=False)


@dataclass(frozen=True)
class DirectReturn:
    """Who carried how many bytes while a conference went on."""

    clients_received: int
    directors_to_clients: int
    directors_to_real_servers: int
    real_servers_to_clients: int


def direct_return(pupils: list[str], seconds: float) -> DirectReturn:
    """Count for some time what pupils receive, and what directors and real servers send."""
    with traffic_counted() as read:
        before = read(), sum(schools.received(pupil) for pupil in pupils)
        time.sleep(seconds)
        after = read(), sum(schools.received(pupil) for pupil in pupils)
    sent = {"directors": [0, 0], "real_servers": [0, 0]}
    for name, later in after[0].items():
        earlier, total = before[0][name], sent[nodes()[name].role]
        total[0] += later.from_vip - earlier.from_vip
        total[1] += later.to_vip - earlier.to_vip
    return DirectReturn(after[1] - before[1], *sent["directors"], sent["real_servers"][0])
