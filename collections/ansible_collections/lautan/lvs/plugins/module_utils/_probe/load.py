# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""What a client sees of a service: a request every few milliseconds, and one connection that is held all the time.

The requests are an open loop: each is sent at its time, on a connection of its own, whether earlier ones were answered
or not, as the requests of many independent people are. The held connection asks again when it has been answered.

A program of its own as well, which needs nothing but Python: it says so on standard error when the first request is
over, goes on until its standard input ends, and prints what it saw.

Usage: python3 -c "$(cat load.py)" '{"address": ..., "port": ..., "host": ..., "path": ..., "ca": ..., "interval": ...,
"timeout": ...}'
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import time


async def connect(config, tls):
    return await asyncio.open_connection(config["address"], config["port"], ssl=tls, server_hostname=config["host"])


async def ask(reader, writer, config, connection):
    """Send one request and read the whole answer; return the name of the real server that gave it."""
    writer.write(
        f"GET {config['path']} HTTP/1.1\r\nHost: {config['host']}\r\nConnection: {connection}\r\n\r\n".encode()
    )
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    lines = head.split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
    await reader.readexactly(int(headers["content-length"]))
    if lines[0].split()[1] != "200":
        raise ValueError(lines[0])
    return headers.get("x-real-server", "")


async def one_request(config, tls, results, begun):
    sent = time.time()

    async def whole():
        reader, writer = await connect(config, tls)
        try:
            return await ask(reader, writer, config, "close")
        finally:
            writer.transport.abort()

    try:
        server = await asyncio.wait_for(whole(), config["timeout"])
        results.append({"sent": sent, "answered": time.time(), "server": server})
    except Exception as error:
        results.append({"sent": sent, "answered": None, "error": f"{type(error).__name__}: {error}"})
    if len(results) == 1:
        begun()


async def held_connection(config, tls, is_over, held):
    """Ask on one connection until it is over or the connection is lost.

    A server may end it in good order, as one does that is taken out of service: then a new one is made, as browsers do.
    A request that was under way by then is asked again if nothing of an answer has come (RFC 9110, 9.2.2).
    """
    try:
        reader, writer = await connect(config, tls)
        begin, is_new = time.time(), True
        while not is_over():
            try:
                held["server"] = await asyncio.wait_for(ask(reader, writer, config, "keep-alive"), 60)
            except asyncio.IncompleteReadError as error:
                # Within the body, whose length is known, the head has come.
                if is_new or error.partial or error.expected is not None:
                    raise
                reader, writer = await connect(config, tls)
                held["ended"] += 1
                is_new = True
                continue
            is_new = False
            held["answers"].append(time.time())
            # nginx ends a connection after a thousand requests: that many are asked in a quarter of an hour.
            await asyncio.sleep(max(0.1, (time.time() - begin) / 200))
        writer.transport.abort()
    except Exception as error:
        held["error"] = f"{type(error).__name__}: {error}"


async def load(config, is_over, begun):
    """Ask until it is over; return the requests and what became of the held connection.

    :param config: what the usage above shows; without ``ca``, PEM text, what the host trusts.
    :param is_over: tells whether it is; asked all the time.
    :param begun: called when the first request is over.
    """
    tls = ssl.create_default_context(cadata=config["ca"])
    results, held, running = [], {"answers": [], "error": None, "server": None, "ended": 0}, set()
    begin = time.time()
    holder = asyncio.ensure_future(held_connection(config, tls, is_over, held))
    count = 0
    while not is_over():
        task = asyncio.ensure_future(one_request(config, tls, results, begun))
        running.add(task)
        task.add_done_callback(running.discard)
        count += 1
        await asyncio.sleep(max(0, begin + count * config["interval"] - time.time()))
    if running:
        await asyncio.wait(running)
    await holder
    return {"requests": results, "held": held}


def _say_that_it_asks():
    sys.stderr.write("asking\n")
    sys.stderr.flush()


async def _main():
    end = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    return await load(json.loads(sys.argv[1]), end.done, _say_that_it_asks)


if __name__ == "__main__":
    json.dump(asyncio.run(_main()), sys.stdout)
