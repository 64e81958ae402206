"""What a peer says to bench/run.

Stages: answers one word a line with the seconds that stage took, as stage_bench does. Programs: says
"ready", then "step I/N" after each step.
"""

import resource
import sys
import time


def serve(load_seconds, device="cpu", **stages):
    """A stage may return the seconds it took, where only it can tell; else its call is timed.

    `device`: what torch computes on; on a GPU its memory is what is told.
    """
    if device != "cpu":
        import torch
    print(f"ready {load_seconds:.3f}", flush=True)
    for line in sys.stdin:
        word = line.strip()
        if word == "memory":
            host = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
            print(host if device == "cpu" else torch.cuda.max_memory_reserved(device), flush=True)
            continue
        start = time.perf_counter()
        told = stages[word]()
        if device != "cpu":
            torch.cuda.synchronize(device)
        print(f"{told if isinstance(told, float) else time.perf_counter() - start:.6f}", flush=True)


def say_ready():
    print("ready", flush=True)


def say_step(number, steps):
    print(f"step {number}/{steps}", flush=True)
