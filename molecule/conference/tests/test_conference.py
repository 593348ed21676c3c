# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conferences of real browsers in schools behind the router, from where only the VIPs can be reached.

Limits of time are wide: they tell a conference that goes on from one that does not. The figures to quote come from
tools/measure_conference.py. How each page looked in the end is in .cache/screenshots.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
from contextlib import suppress

import pytest

from lab import browsers, cluster, conference, fleet, process, schools, topology
from lab.ansible import play, unfolded

VIPS = cluster.cluster_facts()["lvs_vips"]
ROOM = "class-1a"


def switch_all_on() -> None:
    fleet.start(list(topology.nodes().values()))
    conference.wait_whole()


@pytest.fixture(scope="module", autouse=True)
def one_director(all_browsers):
    """The director that stands by is off until a test needs it: browsers need its share of the processor."""
    active = cluster.active_director()
    for director in topology.nodes().values():
        if director.role == "directors" and director != active:
            fleet.kill(director)
    yield
    switch_all_on()


@pytest.fixture(scope="module")
def both_directors(one_director):
    """From here on both are there."""
    switch_all_on()


@pytest.fixture
def whole_again(both_directors):
    """Mend whatever a test broke."""
    yield
    fleet.start(list(topology.nodes().values()))
    for server in conference.real_servers():
        process.run(fleet.ssh(server, "systemctl kill --signal=CONT janus.service"), check=False)
        conference.FAULTS["vip-lost"][1].undo(server)
    conference.wait_whole()


def on_different_servers() -> tuple[str, str]:
    """Two rooms that different real servers own."""
    owners = {}
    for room in conference.rooms():
        owners.setdefault(conference.owner(room).name, room)
    assert len(owners) > 1, f"all rooms are on {owners}"
    first, second, *_ = owners.values()
    return first, second


def connects(pupil: str, address: str, port: int) -> bool:
    program = f"import socket; socket.create_connection(('{address}', {port}), 2)"
    return process.succeeds(schools.inside(pupil, ["python3", "-c", program]))


# --- A conference ---


def test_schools_reach_the_cluster_only(all_browsers):
    for pupil in ("alice", "carol"):
        assert connects(pupil, VIPS[0], 443)
        assert not any(connects(pupil, str(node.address), 443) for node in conference.real_servers())
    assert connects("erin", VIPS[1], 443)


def test_two_rooms_of_two_people_on_two_servers(person, ask_janus):
    """Pictures and sound both ways; the people of the second room are behind one address."""
    rooms = on_different_servers()
    pairs = [("Alice", "Bob"), ("Carol", "Dave")]
    seated = []
    for room, names in zip(rooms, pairs, strict=True):
        seated.append([person(name, name.lower()) for name in names])
        for someone in seated[-1]:
            someone.enter(room)
    for room, names, people in zip(rooms, pairs, seated, strict=True):
        browsers.wait_until_all_see_each_other(people, frames=30)
        owner = conference.owner(room)
        assert conference.wait_until_together(room, names) == owner.name
        for someone in people:
            assert {someone.name, *someone.people()} == set(names)
            assert someone.stats()["serverName"] == owner.name
            seen = someone.recording()
            assert seen.loudest > 0
            assert seen.loss < 0.05
            assert {path["address"] for path in seen.paths} <= set(VIPS), seen.paths
            assert {path["type"] for path in seen.paths} <= {"host", "prflx"}, seen.paths
    # An operator who asks is told the same.
    told = ask_janus()
    assert {name: facts["people"] for name, facts in told.items() if facts["people"]} == {
        conference.owner(room).name: 2 for room in rooms
    }
    assert told.keys() == {server.name for server in conference.real_servers()}
    there = {
        room["name"]: sorted(each["name"] for each in room["participants"])
        for facts in told.values()
        for room in facts["rooms"]
        if room["participants"]
    }
    assert there == {room: sorted(names) for room, names in zip(rooms, pairs, strict=True)}
    # Behind nginx on one port, and still the logs say who it was.
    logs = [process.run(fleet.ssh(each, "cat /var/log/nginx/access.log")) for each in conference.real_servers()]
    for pupil in ("alice", "carol"):
        assert any(f"{schools.address(pupil)} " in log for log in logs)


def test_one_class(person):
    """Three people, one at a phone; what servers send does not pass the directors again."""
    names = ("Alice", "Bob", "Dave")
    people = [person(name, name.lower(), size=browsers.PHONE if name == "Dave" else browsers.DESKTOP) for name in names]
    alice, bob, dave = people
    for someone in people:
        someone.enter(ROOM)
    browsers.wait_until_all_see_each_other(people)
    assert conference.wait_until_together(ROOM, names) == conference.owner(ROOM).name
    alice.screenshot("class-desktop")
    dave.screenshot("class-phone")

    carried = conference.direct_return([name.lower() for name in names], seconds=10)
    assert carried.clients_received > 300_000, carried
    assert carried.directors_to_clients < carried.clients_received / 100, carried
    assert carried.real_servers_to_clients > 0.9 * carried.clients_received, carried

    alice.say("Selamat pagi!")
    for other in (bob, dave):
        other.wait_for(lambda other=other: "Selamat pagi!" in other.page.text_content("body"), "to read it")
    bob.page.click("#hand")
    alice.wait_for(lambda: alice.people()["Bob"]["hand"], "to see Bob's hand")
    camera = bob.width_of("Alice")
    alice.page.click("#share")
    bob.wait_for(lambda: bob.width_of("Alice") > camera, "to see Alice's screen")
    bob.wait_until_sees(["Alice"], frames=3)
    bob.screenshot("screen-shared")
    alice.page.click("#share")
    bob.wait_for(lambda: bob.width_of("Alice") == camera, "to see Alice herself")
    bob.page.click("#camera")
    alice.wait_for(lambda: not alice.people()["Bob"]["video"], "to see that Bob's camera is off")
    dave.leave()
    alice.wait_for(lambda: list(alice.people()) == ["Bob"], "to see that Dave left")
    conference.wait_until_together(ROOM, names[:2])


def test_moderator(person):
    """Mutes somebody, removes somebody, and closes the room, which is there for the next lesson."""
    names = ("Alice", "Bob", "Carol")
    alice, bob, carol = people = [person(name, name.lower()) for name in names]
    for someone in people:
        someone.enter("staff", pin="4711")
    browsers.wait_until_all_see_each_other(people)
    assert alice.page.locator(".powers:visible").count() == 0

    def prove(pin: str) -> None:
        alice.page.fill("#moderator-pin", pin)
        alice.page.click("#moderator-ok")

    def act(on: str, button: str) -> None:
        powers = alice.page.locator(f'.tile[data-person="{alice.people()[on]["id"]}"] .powers')
        powers.locator("summary").click()
        powers.locator(button).click()

    alice.page.click("#moderate")
    prove("4711")
    alice.page.wait_for_selector("#moderator-problem:visible")
    alice.screenshot("moderator-wrong-pin")
    prove("0815")
    alice.page.wait_for_selector("#close-room:visible")
    alice.page.click("#moderator-powers .cancel")
    act("Bob", ".silence")
    bob.wait_for(lambda: "moderator has muted you" in bob.text, "to be told that he is muted")
    alice.screenshot("moderator")

    def follow(entry: str, moves: int) -> None:
        """Have the owner of the room take no rooms, or take them again, as when it is drained; everybody follows."""
        role = {"name": "lautan.lvs.webrtc", "tasks_from": entry}
        play(owner, [{"name": entry, "ansible.builtin.include_role": role}])
        for someone in people:
            someone.wait_for(lambda page=someone.page: page.evaluate("lautan.moves") == moves, "to follow the room")
        assert (conference.wait_until_together("staff", names) == owner.name) == (entry == "open")
        browsers.wait_until_all_see_each_other(people)
        # What was decided before holds there, too.
        muted = carol.page.locator(".tile", has_text="Bob").filter(has_text="muted by the moderator")
        carol.wait_for(lambda: muted.count() == 1, "to see that Bob is muted")

    owner = conference.owner("staff")
    try:
        follow("close", moves=1)
    finally:
        follow("open", moves=2)
    act("Bob", ".remove")
    bob.wait_for(lambda: "moderator has removed you" in bob.text, "to be told that he was removed")
    bob.screenshot("removed")
    carol.wait_for(lambda: list(carol.people()) == ["Alice"], "to see that Bob is gone")
    conference.wait_until_together("staff", ["Alice", "Carol"])
    alice.page.click("#moderate")
    alice.page.click("#close-room")
    with schools.udp_blocked("carol"):  # the words are late, the order is not
        alice.page.click("#close-room-sure")
        time.sleep(0.5)
    carol.wait_for(lambda: "moderator has closed the room" in carol.text, "to be told that the room is closed")
    process.wait_until(lambda: not any(conference.participants("staff").values()), "nobody to be there", timeout=10)
    carol.enter("staff", pin="4711")


def paths_of_alice(person) -> list[dict]:
    """Which ways her media take when she and Bob see each other."""
    alice, bob = person("Alice", "alice"), person("Bob", "bob")
    for someone in (alice, bob):
        someone.enter(ROOM)
    browsers.wait_until_all_see_each_other([alice, bob])
    paths = alice.recording().paths
    assert paths
    return paths


def test_school_that_drops_udp(person):
    with schools.udp_blocked("alice"):
        paths = paths_of_alice(person)
        assert {(path["type"], path["relayProtocol"] in ("tcp", "tls")) for path in paths} == {("relay", True)}, paths


def test_school_that_lets_https_through_only(person):
    """Media go to coturn, over TLS and the port of the web server, which tells them by the name asked for."""
    with schools.https_only("alice"):
        for path in paths_of_alice(person):
            assert (path["type"], path["relayProtocol"]) == ("relay", "tls"), path
            assert re.fullmatch(r"turns:[^:]+:443\b.*", path["url"]), path
    logs = [process.run(fleet.ssh(each, "cat /var/log/nginx/turn.log")) for each in conference.real_servers()]
    assert any(f"{schools.address('alice')} " in log for log in logs)


def test_school_with_ipv6_only(person):
    erin, bob = person("Erin", "erin"), person("Bob", "bob")
    for someone in (erin, bob):
        someone.enter(ROOM)
    browsers.wait_until_all_see_each_other([erin, bob])
    assert {path["address"] for path in erin.recording().paths} == {VIPS[1]}


# --- Bad input ---


def test_pin(person):
    alice = person("Alice", "alice")
    alice.join("staff", pin="0000")
    assert "PIN" in alice.wait_until_refused()
    alice.screenshot("wrong-pin")
    alice.page.fill("#pin", "4711")
    alice.page.click("#join")
    alice.wait_for(lambda: alice.state == "in", "to be in the room")


def test_room_that_does_not_exist(person):
    alice = person("Alice", "alice")
    alice.open("no-such-room")
    assert "no room of this name" in alice.wait_until_refused()


def test_too_many_people(person):
    for name in ("Alice", "Bob"):
        person(name, name.lower()).enter("pair")
    carol = person("Carol", "carol")
    carol.join("pair")
    assert "room is full" in carol.wait_until_refused()


def expired_tokens(room: str) -> dict[str, str]:
    secret = conference.secret("janus_api_token").encode()

    def signed(words: str) -> str:
        return f"{words}:{base64.b64encode(hmac.digest(secret, words.encode(), hashlib.sha1)).decode()}"

    then = 1_700_000_000
    core, in_room = f"{then},janus,janus.plugin.videoroom", f"{then},janus.plugin.videoroom,room={room}"
    return {"token": signed(core), "room_token": signed(in_room)}


# Puts another token into what the site answers.
EXCHANGE = """
    const original = window.fetch;
    window.fetch = async (...words) => {
        const answer = await original(...words);
        if (!String(words[0]).includes("/api/token/")) return answer;
        return new Response(JSON.stringify({ ...(await answer.json()), ...TOKENS }), answer);
    };
"""


@pytest.mark.parametrize("which", ["token", "room_token"])
def test_token_that_has_expired(person, which):
    alice = person("Alice", "alice")
    tokens = json.dumps({which: expired_tokens(ROOM)[which]})
    alice.page.add_init_script(EXCHANGE.replace("TOKENS", tokens))
    alice.join(ROOM)
    assert "permission to join has expired" in alice.wait_until_refused()


@pytest.mark.parametrize(
    ("devices", "told"),
    [
        ("blocked", "browser may not use camera and microphone"),
        ("none", "No camera and no microphone was found"),
        ("busy", "used by another program"),
    ],
)
def test_camera_that_cannot_be_used(person, devices, told):
    """One sentence; and who insists takes part without a picture."""
    alice, bob = person("Alice", "alice", devices=devices), person("Bob", "bob")
    bob.enter(ROOM)
    # The page looks for them at once if it may, and otherwise when somebody wants to join.
    alice.open(ROOM)
    with suppress(process.LabError):
        alice.wait_for(lambda: alice.message, "to be told something", timeout=3)
    if not alice.message:
        alice.join(ROOM)
    assert told in alice.wait_until_refused()
    alice.screenshot(f"camera-{devices}")
    alice.page.fill("#name", alice.name)
    alice.page.click("#join")
    alice.wait_for(lambda: alice.state == "in", "to be in the room")
    alice.wait_until_sees(["Bob"])


def test_microphone_that_is_missing(person):
    alice, bob = person("Alice", "alice", devices="no-microphone"), person("Bob", "bob")
    bob.enter(ROOM)
    alice.open(ROOM)
    alice.wait_for(lambda: "others cannot hear you" in alice.message, "to be told that there is no microphone")
    alice.enter(ROOM)
    browsers.wait_until_all_see_each_other([alice, bob])


def test_network_that_lets_no_media_through(person):
    """UDP is blocked, and so is every way to coturn."""
    alice = person("Alice", "alice")
    alice.page.add_init_script(EXCHANGE.replace("TOKENS", '{"ice": []}'))
    with schools.udp_blocked("alice"):
        alice.join(ROOM)
        assert "allow UDP, or TURN on port 443" in alice.wait_until_refused()


def test_browser_without_webrtc(person):
    alice = person("Alice", "alice", devices="no-webrtc")
    alice.open(ROOM)
    assert "browser" in alice.text
    assert not alice.page.is_visible("#join")


def test_nonsense_over_the_websocket(person):
    """It is answered with an error, or not at all, and others notice nothing."""
    alice, bob = person("Alice", "alice"), person("Bob", "bob")
    for someone in (alice, bob):
        someone.enter(ROOM)
    talk = """async ([path, text]) => {
        const socket = new WebSocket(`wss://${location.host}${path}`, "janus-protocol");
        return await new Promise((resolve) => {
            socket.onopen = () => socket.send(text);
            socket.onmessage = ({ data }) => resolve(data);
            socket.onerror = socket.onclose = () => resolve("closed");
            setTimeout(() => resolve("silence"), 3000);
        });
    }"""
    texts = (
        "nonsense",
        "{}",
        '{"janus": "create", "transaction": "x"}',
        '{"janus": 7, "transaction": []}',
        "x" * 70_000,
    )
    for text in texts:
        said = bob.page.evaluate(talk, [f"/ws/{ROOM}", text])
        assert '"success"' not in said, (text, said)
    # What makes sense is answered on the same way.
    assert '"pong"' in bob.page.evaluate(talk, [f"/ws/{ROOM}", '{"janus": "ping", "transaction": "x"}'])
    assert bob.page.evaluate(talk, ["/ws/no-such-room", "{}"]) == "closed"
    browsers.wait_until_all_see_each_other([alice, bob])
    assert (alice.page.evaluate("lautan.rejoins"), bob.page.evaluate("lautan.rejoins")) == (0, 0)


def test_nonsense_from_the_websocket(person):
    alice = person("Alice", "alice")
    alice.page.route_web_socket(
        re.compile("/ws/"), lambda socket: socket.on_message(lambda _: socket.send("<html>Please log in</html>"))
    )
    alice.join(ROOM)
    assert "an answer that this page does not understand" in alice.wait_until_refused()


@pytest.mark.long
def test_room_that_goes_while_somebody_is_in_it(playbook, ask_janus, person):
    """The operator is told, and may insist."""
    alice, bob = person("Alice", "alice"), person("Bob", "bob")
    alice.enter(ROOM)
    owner = conference.wait_until_together(ROOM, ["Alice"])
    others = {"lvs_rooms": [room for room in cluster.cluster_facts()["lvs_rooms"] if room["name"] != ROOM]}
    without = ["--limit", "real_servers", "-e", json.dumps(others)]

    def there() -> set[str]:
        """The real servers whose Janus has the room."""
        told = ask_janus()
        assert told.keys() == {server.name for server in conference.real_servers()}
        return {name for name, facts in told.items() if ROOM in {room["name"] for room in facts["rooms"]}}

    try:
        status, out = playbook("site", *without)
        assert status != 0
        assert f"room {ROOM} would be removed with 1 people in it" in unfolded(out)
        assert conference.wait_until_together(ROOM, ["Alice"]) == owner
        assert owner in there()
        bob.open(ROOM)
        assert "no room of this name" in bob.wait_until_refused()

        status, out = playbook("site", *without, "-e", "webrtc_rooms_force=true")
        assert status == 0, out
        assert there() == set()
    finally:
        status, out = playbook("site", "--limit", "real_servers")
    assert status == 0, out
    assert there() == {server.name for server in conference.real_servers()}
    for someone in (alice, bob):
        someone.enter(ROOM)
    browsers.wait_until_all_see_each_other([alice, bob])


# --- Attacks ---


def test_page_of_which_others_have_got_hold(person):
    """What somebody smuggles into the page does not run, does not reach other sites, and cannot be framed."""
    alice = person("Alice", "alice")
    alice.open(ROOM)
    headers = alice.page.evaluate("fetch('/').then((answer) => Object.fromEntries(answer.headers))")
    assert "max-age=" in headers["strict-transport-security"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] in ("no-referrer", "same-origin")
    assert not re.search(r"\d", headers["server"])
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    smuggled = """async ([kind, content]) => {
        const refused = new Promise((resolve) => {
            document.addEventListener("securitypolicyviolation", (event) => resolve(event.effectiveDirective));
            setTimeout(() => resolve("nothing was refused"), 5000);
        });
        document.body.append(Object.assign(document.createElement(kind), content));
        return await refused;
    }"""
    for kind, content, directive in (
        ("script", {"textContent": "window.smuggled = true"}, "script-src-elem"),
        ("img", {"src": "https://elsewhere.example/"}, "img-src"),
        ("iframe", {"src": "https://elsewhere.example/"}, "frame-src"),
    ):
        assert alice.page.evaluate(smuggled, [kind, content]) == directive
    assert not alice.page.evaluate("window.smuggled")


def test_pins_tried_one_after_the_other(person):
    """After a hundred or so hardly any is looked at, the right one neither; another school notices nothing."""
    erin, bob = person("Erin", "erin"), person("Bob", "bob")
    for someone in (erin, bob):
        someone.open("staff")
    attempt = """async (pins) => {
        const answers = [];
        for (const pin of pins) {
            const answer = await fetch("/api/key/staff", { headers: { "X-Kind": "pin", "X-Pin": pin } });
            answers.push(answer.status);
        }
        return answers;
    }"""
    # On one connection, and so on one real server, of which there are three. Now and then one more is looked at.
    answers = erin.page.evaluate(attempt, [f"{number:04}" for number in range(200)] + ["4711"] * 20)
    assert answers[:100] == [403] * 100
    assert answers[-20:].count(429) > 15
    assert bob.page.evaluate(attempt, ["0000", "4711"]) == [403, 200]


def test_coturn_relays_to_the_cluster_only():
    """It is asked on a real server itself, where nothing is in the way, for a VIP and for somebody else's address."""
    server, other = conference.real_servers()[:2]
    for peer, refused in ((VIPS[0], False), (str(other.address), True), ("127.0.0.1", True)):
        ask = f'turnutils_uclient -t -v -c -n 1 -m 1 -u test -W "$(cat)" -p 3478 -e {peer} {server.address}'
        said = process.run(fleet.ssh(server, f"{ask} 2>&1"), stdin=conference.secret("turn"), check=False)
        assert "allocate response received" in said, said
        assert ("error 403" in said) == refused, said


# --- While something fails ---

# What two people may notice of each fault: the longest gap in seconds; and may anybody have to join again?
LIMITS = {
    "director": (4, False),
    "janus-killed": (6, True),
    "janus-hung": (12, True),
    "vip-lost": (16, True),
    "real-server": (12, True),
    "return": (4, False),  # pages follow their room
}


def test_every_fault_is_tried():
    # A planned one is a director's death without the waiting; the scenario operations tries it.
    assert {*LIMITS, "switchover"} == set(conference.FAULTS)


# Scenario failover does these to a cluster without people.
LONG = {"vip-lost", "return"}


@pytest.mark.parametrize(
    "fault", [pytest.param(fault, marks=[pytest.mark.long] if fault in LONG else []) for fault in LIMITS]
)
def test_fault(whole_again, person, fault):  # so that no browser keeps the processors busy while the cluster is mended
    """Everybody sees everybody again, on one real server; so does who comes later."""
    longest, rejoins = LIMITS[fault]
    alice, bob = people = [person(name, name.lower()) for name in ("Alice", "Bob")]
    for someone in people:
        someone.enter(ROOM)

    def moves() -> int:
        return sum(someone.page.evaluate("lautan.moves") for someone in people)

    def look() -> None:
        if fault == "real-server":
            gone = "to join again, or to have followed the room"
            alice.wait_for(lambda: "reconnecting" in alice.recording().seen(0) or moves(), gone)
            alice.screenshot("real-server-lost")

    seen, _ = conference.hurt(fault, ROOM, people, meanwhile=look)
    assert seen.gap < longest, seen
    # A page asks now and then where its room is at home: it may know that before it misses what it received.
    assert (seen.rejoins + moves() > 0) if rejoins else seen.rejoins == 0, seen
    assert seen.split < 8, seen
    carol = person("Carol", "carol")
    carol.enter(ROOM)
    browsers.wait_until_all_see_each_other([alice, bob, carol])
    assert conference.wait_until_together(ROOM, ["Alice", "Bob", "Carol"]) == seen.after
    if fault == "director":
        assert seen.after == seen.before, seen
    if fault == "return":
        assert seen.after != seen.before, seen


def test_reload_of_nginx(person):
    """A conference goes on, and who comes afterwards is in the same one."""
    alice, bob = person("Alice", "alice"), person("Bob", "bob")
    alice.enter(ROOM)
    bob.enter(ROOM)
    for server in conference.real_servers():
        process.run(fleet.ssh(server, "systemctl reload nginx.service"))
    carol = person("Carol", "carol")
    carol.enter(ROOM)
    browsers.wait_until_all_see_each_other([alice, bob, carol], frames=30)
    conference.wait_until_together(ROOM, ["Alice", "Bob", "Carol"])
    assert [someone.page.evaluate("lautan.rejoins") for someone in (alice, bob)] == [0, 0]


@pytest.mark.long
def test_page_left_open_over_an_upgrade(both_directors, person):
    """Every program that serves it is stopped and started, on one real server after the other, as packages do it."""
    alice, bob = people = [person(name, name.lower()) for name in ("Alice", "Bob")]
    for someone in people:
        someone.enter(ROOM)
    for server in conference.real_servers():
        process.run(fleet.ssh(server, "systemctl restart nginx.service janus.service coturn.service"))
        conference.wait_whole()
        browsers.wait_until_all_see_each_other(people, timeout=60)
    conference.wait_until_together(ROOM, ["Alice", "Bob"])
    carol = person("Carol", "carol")
    carol.enter(ROOM)
    browsers.wait_until_all_see_each_other([alice, bob, carol])
