"""Answers one word a line with the seconds that stage took, as stage_bench does."""

import resource
import sys
import time


def serve(load_seconds, **stages):
    print(f"ready {load_seconds:.3f}", flush=True)
    for line in sys.stdin:
        word = line.strip()
        if word == "memory":
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, flush=True)
            continue
        start = time.perf_counter()
        stages[word]()
        print(f"{time.perf_counter() - start:.6f}", flush=True)
