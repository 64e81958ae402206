#!/usr/bin/env python3
"""Compares tests/golden/conditioning.json with compel, the library that later versions took their prompts from.

Needs `pip install --no-deps compel==2.5.1 pyparsing` beside what make_conditioning_golden.py needs. Takes the
prompts of the invoke dialect that mean the same there: one member, no swap, at most 75 tokens. compel reads the
prompt text itself, so parser and formulas are both checked. Exit status 1 when any prompt differs.
"""

import json
import sys

import torch
from compel import Compel, DownweightMode
from make_conditioning_golden import TARGET, Reference, project


def main():
    reference = Reference()
    compel = Compel(tokenizer=reference.tokenizer, text_encoder=reference.model, downweight_mode=DownweightMode.REMOVE)
    compared, different, left_out, largest = 0, [], 0, 0.0
    for case in json.loads(TARGET.read_text())["cases"]:
        cond = case["stages"][0]["cond"]
        if case["dialect"] != "invoke" or len(cond) > 1 or "kept" in cond[0] or case.get("cut") \
                or case["stages"][0]["windows"] > 1:
            left_out += case["dialect"] == "invoke"
            continue
        with torch.no_grad():
            got = project(compel(case["prompt"])[0].double())
        off = max(abs(a - b) for a, b in zip(got, cond[0]["context"]))
        compared += 1
        largest = max(largest, off)
        # A weight of 0 divides sums of a billion in single precision there, in double here.
        if off > (2e-3 if ")0.0" in case["prompt"] else 1e-4):
            different.append((off, case["prompt"]))
    print(f"{compared} prompts compared, {left_out} left out, largest difference {largest:.2g}")
    for off, prompt in different:
        print(f"{off:.2g}  {prompt}")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
