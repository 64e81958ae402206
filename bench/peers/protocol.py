"""What a peer says to bench/run.

Stages: answers one word a line with the seconds that stage took, as stage_bench does. Programs: says
"ready", then "step I/N" after each step.
"""

import resource
import sys
import time


def serve(load_seconds, **stages):
    """A stage may return the seconds it took, where only it can tell; else its call is timed."""
    print(f"ready {load_seconds:.3f}", flush=True)
    for line in sys.stdin:
        word = line.strip()
        if word == "memory":
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, flush=True)
            continue
        start = time.perf_counter()
        told = stages[word]()
        print(f"{told if isinstance(told, float) else time.perf_counter() - start:.6f}", flush=True)


def say_ready():
    print("ready", flush=True)


def say_step(number, steps):
    print(f"step {number}/{steps}", flush=True)
