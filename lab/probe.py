# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a client sees of the cluster: a request every few milliseconds, and one connection that is held all the time.

Runs on the client node with nothing but Python's standard library; lab/measure.py sends it and reads what it prints.

The requests are an open loop: each is sent at its time, on a connection of its own, whether earlier ones were answered
or not, as the requests of many independent people are. The held connection asks again when it has been answered.

It says so on standard error when the first request is over, and goes on until its standard input ends.

Usage: python3 -c "$(cat probe.py)" '{"address": ..., "host": ..., "ca": ..., "interval": ..., "timeout": ...}'
"""

import asyncio
import json
import ssl
import sys
import time


async def connect(config, tls):
    return await asyncio.open_connection(config["address"], 443, ssl=tls, server_hostname=config["host"])


async def ask(reader, writer, host, connection):
    """Send one request and read the whole answer; return the name of the real server that gave it."""
    writer.write(f"GET /lb-ok HTTP/1.1\r\nHost: {host}\r\nConnection: {connection}\r\n\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    lines = head.split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
    await reader.readexactly(int(headers["content-length"]))
    if lines[0].split()[1] != "200":
        raise ValueError(lines[0])
    return headers["x-real-server"]


async def one_request(config, tls, results):
    sent = time.time()

    async def whole():
        reader, writer = await connect(config, tls)
        try:
            return await ask(reader, writer, config["host"], "close")
        finally:
            writer.transport.abort()

    try:
        server = await asyncio.wait_for(whole(), config["timeout"])
        results.append({"sent": sent, "answered": time.time(), "server": server})
    except Exception as error:
        results.append({"sent": sent, "answered": None, "error": f"{type(error).__name__}: {error}"})
    if len(results) == 1:
        print("asking", file=sys.stderr, flush=True)


async def held_connection(config, tls, end, held):
    """Ask on one connection until it is over or the connection is lost.

    A server that ends it between two requests, as one does that is taken out of service, is asked no more: a new one is
    made, as browsers do.
    """
    try:
        reader, writer = await connect(config, tls)
        begin = time.time()
        while not end.done():
            if reader.at_eof():
                reader, writer = await connect(config, tls)
                held["ended"] += 1
            held["server"] = await asyncio.wait_for(ask(reader, writer, config["host"], "keep-alive"), 60)
            held["answers"].append(time.time())
            # nginx ends a connection after a thousand requests: that many are asked in a quarter of an hour.
            await asyncio.sleep(max(0.1, (time.time() - begin) / 200))
        writer.transport.abort()
    except Exception as error:
        held["error"] = f"{type(error).__name__}: {error}"


async def main(config):
    tls = ssl.create_default_context(cadata=config["ca"])
    results, held, running = [], {"answers": [], "error": None, "server": None, "ended": 0}, set()
    begin = time.time()
    end = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    holder = asyncio.create_task(held_connection(config, tls, end, held))
    count = 0
    while not end.done():
        task = asyncio.create_task(one_request(config, tls, results))
        running.add(task)
        task.add_done_callback(running.discard)
        count += 1
        await asyncio.sleep(max(0, begin + count * config["interval"] - time.time()))
    if running:
        await asyncio.wait(running)
    await holder
    json.dump({"requests": results, "held": held}, sys.stdout)


asyncio.run(main(json.loads(sys.argv[1])))
