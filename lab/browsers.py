# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""People in a conference: real browsers (Debian's Chromium, without a screen), each in the network of a pupil.

A browser trusts the cluster's authority and ignores no mistake of a certificate. Its camera and microphone are made up.
It is steered over a pipe, so that nothing but the conference goes through the pupil's network.
"""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import TracebackType

from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from . import camera, schools
from .cluster import authority, cluster_facts
from .process import LabError, run, wait_until
from .topology import ROOT

SCREENSHOTS = ROOT / ".cache" / "screenshots"
DESKTOP, PHONE = (1280, 800), (390, 844)
_RECORDER = Path(__file__).parent / "recorder.js"
# Throws pictures away before they are decoded, which costs most of what watching costs. Key frames are let through:
# a decoder that gets nothing at all would ask the sender for one several times a second.
_DO_NOT_WATCH = """
    const work = `onrtctransform = ({ transformer: { readable, writable } }) => {
        const keep = (frame, out) => frame.type === "key" && out.enqueue(frame);
        readable.pipeThrough(new TransformStream({ transform: keep })).pipeTo(writable);
    }`;
    const worker = new Worker(URL.createObjectURL(new Blob([work])));
    const Native = window.RTCPeerConnection;
    window.RTCPeerConnection = class RTCPeerConnection extends Native {
        constructor(...words) {
            super(...words);
            this.addEventListener("track", ({ receiver, track }) => {
                if (track.kind === "video") receiver.transform = new RTCRtpScriptTransform(worker);
            });
        }
    };
"""
# What getUserMedia says of a camera and a microphone with which something is wrong.
_DEVICE_ERRORS = {"blocked": "NotAllowedError", "none": "NotFoundError", "busy": "NotReadableError"}
_NO_MICROPHONE = """
    const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = (asked) =>
        asked.audio ? Promise.reject(new DOMException("made up by a test", "NotFoundError")) : ask(asked);
"""


@dataclass(frozen=True)
class Recording:
    """What recorder.js noted in a page. Times are seconds since 1970."""

    moments: dict[str, list[float]]
    frames: dict[str, int]
    states: list[tuple[float, str, int]]
    looks: int
    slowest: float
    loudest: float
    received: int
    lost: int
    paths: list[dict]

    def gap(self, name: str, since: float, until: float) -> float:
        """The longest time without a new frame of somebody's picture, of what lies between the two moments."""
        return longest_gap(self.moments.get(name, []), since, until)

    def rejoins(self, since: float) -> int:
        """How often the page joined again after a moment."""
        counts = [(when, rejoins) for when, _, rejoins in self.states]
        before = [rejoins for when, rejoins in counts if when <= since]
        return counts[-1][1] - before[-1] if before else 0

    def seen(self, since: float) -> str:
        """The states that the page was in after a moment, as one line."""
        before = [state for when, state, _ in self.states if when <= since]
        path = before[-1:] + [state for when, state, _ in self.states if when > since]
        return " > ".join(state for place, state in enumerate(path) if place == 0 or path[place - 1] != state)

    @property
    def loss(self) -> float:
        """The share of the packets that did not arrive."""
        return self.lost / max(1, self.lost + self.received)


def longest_gap(moments: Iterable[float], since: float, until: float) -> float:
    """The longest pause between frames; one that has begun before ``since``, or not ended by ``until``, counts too."""
    upto = [moment for moment in moments if moment < until]
    begin = max((moment for moment in upto if moment <= since), default=since)
    return max(later - earlier for earlier, later in pairwise([begin, *(m for m in upto if m > since), until]))


class Person:
    """Somebody at a browser of their own profile, with the conference's page."""

    def __init__(
        self, browser: Browser, name: str, devices: str, watches: bool, size: tuple[int, int], options: dict
    ) -> None:
        self.name = name
        self.console: list[str] = []
        if not watches:
            options = options | {"bypass_csp": True}
        context = browser.new_context(viewport={"width": size[0], "height": size[1]}, **options)
        context.set_default_timeout(15_000)
        context.add_init_script(path=_RECORDER)
        if not watches:
            context.add_init_script(_DO_NOT_WATCH)
        if error := _DEVICE_ERRORS.get(devices):
            refusal = f"() => Promise.reject(new DOMException('made up by a test', '{error}'))"
            context.add_init_script(f"navigator.mediaDevices.getUserMedia = {refusal};")
        if devices == "none":
            context.add_init_script("navigator.mediaDevices.enumerateDevices = () => Promise.resolve([]);")
        if devices == "no-microphone":
            context.add_init_script(_NO_MICROPHONE)
        if devices == "no-webrtc":
            context.add_init_script("delete window.RTCPeerConnection; delete window.webkitRTCPeerConnection;")
        self.page: Page = context.new_page()
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.console.append(f"error: {error}"))

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.console.append(f"{message.type}: {message.text}")

    def open(self, room: str) -> None:
        """Open the page of a room."""
        self.page.goto(f"https://{cluster_facts()['lvs_domain']}/?room={room}", wait_until="load")

    def join(self, room: str, pin: str | None = None) -> None:
        """Open the page of a room, fill in the form and send it off, however that ends."""
        self.open(room)
        self.page.wait_for_function("room => document.querySelector('#room')?.value === room", arg=room)
        self.page.fill("#name", self.name)
        if pin is not None:
            self.page.fill("#pin", pin)
        self.page.click("#join")

    def enter(self, room: str, pin: str | None = None) -> None:
        """Join a room and wait until that is done.

        :raises LabError: if it does not come about.
        """
        self.join(room, pin)
        self.wait_for(lambda: self.state == "in", "to be in the room")

    @property
    def state(self) -> str:
        return self.page.evaluate("window.lautan?.state ?? 'no page'")

    @property
    def message(self) -> str:
        """What the page tells its user at the moment: what a screen reader would say of its own accord."""
        texts = self.page.locator("#message:visible, [role=alert]:visible, [role=status]:visible").all_inner_texts()
        return " ".join(dict.fromkeys(text.strip() for text in texts if text.strip()))

    @property
    def text(self) -> str:
        """All that can be read on the page."""
        return self.page.inner_text("body")

    def say(self, text: str) -> None:
        """Write into the chat."""
        if not self.page.is_visible("#chat-input"):
            self.page.click("#chat")
        self.page.fill("#chat-input", text)
        self.page.click("#chat-send")

    def people(self) -> dict[str, dict]:
        """The others in the room as the page knows them, by name."""
        people = self.page.evaluate("window.lautan.people")
        return {person["name"]: person for person in people if person["name"] != self.name}

    def stats(self) -> dict:
        return self.page.evaluate("window.lautan.stats()")

    def frames(self) -> dict[str, int]:
        """How many frames of everybody's picture were decoded since the page was opened."""
        return self.page.evaluate("window.lautanRecord.frames")

    def recording(self) -> Recording:
        """What was seen and heard so far, since the page was opened."""
        noted = self.page.evaluate("window.lautanRecord")
        return Recording(**(noted | {"states": [tuple(state) for state in noted["states"]]}))

    def wait_until_refused(self) -> str:
        """Wait until the page has given up joining; return what it says.

        :raises LabError: if it gets in, or says nothing.
        """
        self.wait_for(lambda: self.state != "joining" and self.message, "to be told something")
        if self.state == "in":
            raise LabError(f"{self.name} is in the room")
        return self.message

    def wait_for(self, condition, what: str, timeout: float = 30) -> None:
        """Wait for something on the page.

        :raises LabError: with the page's state and message, when it does not come about.
        """
        try:
            wait_until(condition, f"{self.name} {what}", timeout)
        except LabError as error:
            said = [f"state {self.state!r}", f"message {self.message!r}", *self.console[-5:]]
            raise LabError("\n    ".join([str(error), *said])) from error

    def wait_until_sees(self, names: Iterable[str], frames: int = 15, timeout: float = 30) -> None:
        """Wait until so many new frames of everybody's picture were decoded.

        :raises LabError: naming who cannot be seen.
        """
        names, before = list(names), self.frames()
        for name in names:
            enough = before.get(name, 0) + frames
            self.wait_for(
                lambda name=name, enough=enough: self.frames().get(name, 0) >= enough,
                f"to see {name}",
                timeout,
            )

    def screenshot(self, name: str) -> Path:
        """Take a picture of the page."""
        path = SCREENSHOTS / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=path)
        return path

    def width_of(self, name: str) -> int:
        """How wide somebody's picture is, in pixels that were sent."""
        return self.page.evaluate(
            """name => {
                const person = window.lautan.people.find((each) => each.name === name);
                return document.querySelector(`.tile[data-person="${person?.id}"] video`)?.videoWidth ?? 0;
            }""",
            name,
        )

    def leave(self) -> None:
        """Leave the room as people do, and close the window."""
        if self.state in ("in", "reconnecting"):
            self.page.click("#leave")
            self.wait_for(lambda: self.state == "left", "to have left")
        self.close()

    def close(self) -> None:
        """Close the window, as if the battery was empty."""
        self.page.context.close()


class Browsers:
    """The browsers of all pupils; each is started when the first person sits down at it. Use it as a context."""

    def __init__(self, size: tuple[int, int] = (320, 180)) -> None:
        self._size = size
        self._running: dict[tuple[str, str], Browser] = {}

    def __enter__(self) -> Browsers:
        self._directory = Path(tempfile.mkdtemp(prefix="lautan-browsers-"))
        self._facts = cluster_facts()
        schools.up(self._facts["lvs_vips"])
        self._trust(authority())
        self._playwright = sync_playwright().start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            for browser in self._running.values():
                browser.close()
        finally:
            self._running.clear()
            self._playwright.stop()
            shutil.rmtree(self._directory, ignore_errors=True)

    def person(
        self,
        name: str,
        at: str,
        *,
        devices: str = "good",
        watches: bool = True,
        vip: str | None = None,
        size: tuple[int, int] = DESKTOP,
        **options: object,
    ) -> Person:
        """Somebody who sits down at a pupil's browser, where others may sit already.

        :param at: the pupil, see :mod:`lab.schools`.
        :param devices: ``good``, or what is wrong with camera and microphone: ``blocked``, ``none``, ``busy``,
            ``no-microphone``; or ``no-webrtc``, a browser that cannot do it.
        :param watches: without it pictures are received, but not decoded: load for the servers, and little for this
            machine.
        :param vip: the cluster's address; the first one of the pupil's address family by default.
        :param options: of Playwright's ``new_context``, such as ``locale`` and ``color_scheme``.
        """
        is_ipv4 = schools.PUPILS[at].ipv4
        vip = vip or next(each for each in self._facts["lvs_vips"] if (":" not in each) == is_ipv4)
        if (at, vip) not in self._running:
            self._running[at, vip] = self._start(at, vip)
        return Person(self._running[at, vip], name, devices, watches, size, {"locale": "en-US", **options})

    def _trust(self, authority: str) -> None:
        """Make the place where Chromium looks for authorities, in a home directory of its own."""
        database = self._directory / ".pki" / "nssdb"
        database.mkdir(parents=True)
        run(["certutil", "-N", "-d", f"sql:{database}", "--empty-password"])
        run(["certutil", "-A", "-d", f"sql:{database}", "-n", "lautan.lvs lab", "-t", "C,,"], stdin=authority)

    def _start(self, pupil: str, vip: str) -> Browser:
        program = shutil.which("chromium")
        if program is None:
            raise LabError("chromium is not installed: `make browsers` installs it")
        wrapper = self._directory / f"chromium-{len(self._running)}"
        files = wrapper.with_suffix(".etc")
        files.mkdir()
        domain = self._facts["lvs_domain"]
        (files / "hosts").write_text(f"{vip} {domain} {self._facts.get('lvs_turn_domain', f'turn.{domain}')}\n")
        # Nobody answers there, and says so at once: Chromium asks for the name of a TURN server, whatever is in hosts,
        # and uses hosts after it has waited for an answer.
        (files / "resolv.conf").write_text("nameserver 127.0.0.1\n")
        # `ip netns exec` gives a mount namespace as well: these files are for this browser only.
        start = 'cd "$0"; for file in *; do mount --bind "$file" "/etc/$file"; done; cd ..; exec "$@"'
        command = schools.inside(pupil, ["sh", "-euc", start, str(files), program])
        wrapper.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
        wrapper.chmod(0o755)
        film = self._directory / f"{pupil}.y4m"
        film.write_bytes(camera.film(list(schools.PUPILS).index(pupil), *self._size))
        arguments = [
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-video-capture={film.name}",  # its name is what the page calls the camera
            "--use-fake-ui-for-media-stream",  # nobody is there to allow it
        ]
        home = {"HOME": str(self._directory), "XDG_CONFIG_HOME": str(self._directory / "config")}
        # Chromium's sandbox does not work for root, and only root can enter a pupil's network.
        return self._playwright.chromium.launch(
            executable_path=wrapper, args=arguments, env=os.environ | home, chromium_sandbox=False
        )


def wait_until_all_see_each_other(people: Iterable[Person], frames: int = 15, timeout: float = 40) -> None:
    """Wait until everybody has got so many new frames of everybody else.

    :raises LabError: naming who cannot see whom.
    """
    people, end = list(people), time.monotonic() + timeout
    for person in people:
        others = [other.name for other in people if other is not person]
        person.wait_until_sees(others, frames, max(1.0, end - time.monotonic()))
