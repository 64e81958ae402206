#!/usr/bin/env python3
"""Speaks to a running server with python-socketio, the other end of the protocol's own makers.

    PYTHON foreign_client.py URL

PYTHON: see scripts/oracles/socketio_python. The server answers the event "echo" with "echoed" and
the same arguments, and sends "told" to everybody on "all". By polling alone, by WebSocket alone, and
from one to the other; each with text, a megabyte, and many events at once. Exit status 1 and a line
for each thing that differs.
"""

import queue
import sys

import socketio

WAYS = {"polling": ["polling"], "websocket": ["websocket"], "upgrade": ["polling", "websocket"]}
problems = []


def expect(way, what, wanted, got):
    if wanted != got:
        problems.append(f"{way}: {what}: wanted {str(wanted)[:80]}, got {str(got)[:80]}")


def open_client(url, transports):
    client = socketio.Client(reconnection=False)
    # Left alone, the client hands each message to a thread of its own, and these may overtake.
    handle = client.eio._trigger_event
    client.eio._trigger_event = lambda *event, **how: handle(*event, **{**how, "run_async": False})
    heard = queue.Queue()
    client.on("echoed", lambda *arguments: heard.put(("echoed", arguments)))
    client.on("told", lambda *arguments: heard.put(("told", arguments)))
    client.connect(url, transports=transports, wait_timeout=10)
    return client, heard


def check(url, way, transports):
    client, heard = open_client(url, transports)
    expect(way, "transport", "polling" if way == "polling" else "websocket", client.transport())
    for arguments in [("text", 1, None, {"ü": [1.5, True]}), ("x" * 1_000_000,)]:
        client.emit("echo", arguments)
        expect(way, "echo", ("echoed", arguments), heard.get(timeout=10))
    for number in range(200):
        client.emit("echo", (number,))
    expect(way, "order", list(range(200)), [heard.get(timeout=10)[1][0] for _ in range(200)])
    expect(way, "acknowledgement", None, client.call("echo", ("ack",), timeout=10))
    expect(way, "echo", ("echoed", ("ack",)), heard.get(timeout=10))
    other, other_heard = open_client(url, transports)
    client.emit("all", ("news",))
    expect(way, "broadcast", ("told", ("news",)), other_heard.get(timeout=10))
    expect(way, "broadcast", ("told", ("news",)), heard.get(timeout=10))
    other.disconnect()
    refused = socketio.Client(reconnection=False)
    try:
        refused.connect(url, transports=transports, namespaces=["/admin"], wait_timeout=10)
        problems.append(f"{way}: the namespace /admin was let in")
    except socketio.exceptions.ConnectionError as error:
        expect(way, "namespace", True, "Invalid namespace" in str(error) or "failed to connect" in str(error))
    client.disconnect()


def main():
    for way, transports in WAYS.items():
        check(sys.argv[1], way, transports)
    print("\n".join(problems) or "three ways, no difference")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
