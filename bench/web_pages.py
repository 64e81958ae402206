#!/usr/bin/env python3
"""Times pages of a large gallery over HTTP.

  bench/web_pages.py BUILD_FOLDER GALLERY_FOLDER [REQUESTS]

Starts the server on the fake engine with a folder that fill_gallery made as its output folder, waits
for the index, then asks over one connection. Prints milliseconds: median, 99th percentile, longest.
Where wrk is installed it then asks over 32 connections at once, 5 seconds for each address.
"""

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time


def start(build, gallery, root):
    command = [f"{build}/bin/invokeai", "--web", "--port", "0", "--root_dir", root, "--outdir", gallery, "--model", root]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                              env={**os.environ, "INVOKEAI_ENGINE": "fake"})
    begin = time.monotonic()
    for line in server.stdout:
        if found := re.search(r"http://127\.0\.0\.1:(\d+)", line):
            return server, int(found.group(1)), time.monotonic() - begin
    sys.exit("the server did not start")


def ask(connection, target):
    connection.request("GET", target)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        sys.exit(f"{target}: {answer.status} {body[:200]}")
    return body


def measure(connection, what, count, target):
    spent = []
    for i in range(count):
        address = target(i)
        begin = time.perf_counter()
        ask(connection, address)
        spent.append((time.perf_counter() - begin) * 1000)
    spent.sort()
    print(f"{what:36} median {spent[count // 2]:8.2f} ms  p99 {spent[count * 99 // 100]:8.2f} ms  longest {spent[-1]:8.2f} ms")


def load(port, what, target):
    """Answers per second and how long they took when many ask at once."""
    said = subprocess.run(["wrk", "-t2", "-c32", "-d5s", "--latency", f"http://127.0.0.1:{port}{target}"],
                          capture_output=True, text=True, check=True).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said).group(1)
    half, tail = (re.search(rf"{share}%\s+(\S+)", said).group(1) for share in (50, 99))
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    print(f"{what:36} {float(rate):9.0f} /s  median {half:>9}  p99 {tail:>9}" + (f"  {refused.group(1)} refused" if refused else ""))


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    build, gallery = sys.argv[1], os.path.abspath(sys.argv[2])
    requests = int(sys.argv[3]) if len(sys.argv) > 3 else 1000
    with tempfile.TemporaryDirectory() as root:
        server, port, seconds = start(build, gallery, root)
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port)
            begin = time.monotonic()
            ask(connection, "/")
            print(f"{'start to address, address to page':36} {seconds:.3f} s, {time.monotonic() - begin:.3f} s")
            wanted, count = sum(name.endswith(".png") for _, _, names in os.walk(gallery) for name in names), -1
            while count < wanted:
                count = json.loads(ask(connection, "/api/v1/images/count"))["count"]
                time.sleep(0.5)
            print(f"{'index of ' + str(count) + ' pictures':36} {time.monotonic() - begin:.1f} s")
            measure(connection, "first page", requests, lambda i: "/api/v1/images")
            measure(connection, "page at any position", requests // 4, lambda i: f"/api/v1/images?skip={i * 7919 % count}")
            names = [each["name"] for each in json.loads(ask(connection, "/api/v1/images"))["images"]]
            measure(connection, "thumbnail, made before", requests, lambda i: f"/api/v1/images/{names[i % 50].replace('/', '%2F')}/thumbnail")
            if not shutil.which("wrk"):
                return print("wrk is not installed: nothing about many at once")
            asset = re.search(rb'src="\.?(/assets/[^"]+\.js)"', ask(connection, "/"))
            if asset:
                load(port, "wrk: script of the page", asset.group(1).decode())
            load(port, "wrk: page", "/")
            load(port, "wrk: first 50 pictures", "/api/v1/images")
            load(port, "wrk: 50 at position 50,000", "/api/v1/images?skip=50000")
            load(port, "wrk: thumbnail", f"/api/v1/images/{names[0].replace('/', '%2F')}/thumbnail")
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(30)


if __name__ == "__main__":
    main()
