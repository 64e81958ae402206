"""Whole programs, timed from their start: until they are ready, until the first step, to the file."""

import dataclasses
import os
import pathlib
import pty
import re
import subprocess
import sys
import tempfile
import time


STARTS = ["ready", "steps_begin", "first_step"]


@dataclasses.dataclass
class Program:
    """`command` with places for {model}, {threads}, {steps}, {side} and {folder}.

    It says on its terminal a line that matches `ready`, and "I/STEPS" after each step.
    """

    name: str
    command: list
    ready: str = r"^ready"

    def run(self, model, threads, steps, side):
        """{ready, steps_begin, first_step, whole: seconds since the start; memory: most that was resident, bytes}

        The first step begins as long before its end as the second takes; with one step, `steps_begin`
        is absent.
        """
        with tempfile.TemporaryDirectory() as folder:
            places = {"model": model, "threads": threads, "steps": steps, "side": side, "folder": folder}
            words = [str(word).format(**places) for word in self.command]
            return self._timed(words, threads, steps, pathlib.Path(folder))

    def _timed(self, words, threads, steps, folder):
        environment = os.environ | {"OMP_NUM_THREADS": str(threads), "GOMP_SPINCOUNT": "0", "HF_HUB_OFFLINE": "1"}
        ours, theirs = pty.openpty()
        start = time.monotonic()
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env=environment, cwd=folder)
        os.close(theirs)
        wanted = {"ready": re.compile(self.ready, re.M), "first_step": re.compile(rf"\b1/{steps}\b"),
                  "second_step": re.compile(rf"\b2/{steps}\b")}
        seen, said = {}, ""
        while chunk := read(ours):
            said += chunk
            for name, pattern in wanted.items():
                if name not in seen and pattern.search(said):
                    seen[name] = time.monotonic() - start
        os.close(ours)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seen["whole"] = time.monotonic() - start
        pictures = list(folder.rglob("*.png"))
        if process.returncode != 0 or not {"ready", "first_step"} <= seen.keys() or not pictures:
            sys.exit(f"[bench] {self.name} failed with status {process.returncode}; it said:\n{said[-2000:]}")
        if "second_step" in seen:
            seen["steps_begin"] = 2 * seen["first_step"] - seen["second_step"]
        return seen | {"memory": usage.ru_maxrss * 1024}


def has_terminals():
    try:
        for terminal in pty.openpty():
            os.close(terminal)
        return True
    except OSError:
        return False


def read(terminal):
    try:
        return os.read(terminal, 65536).decode(errors="replace")
    except OSError:  # the other side has been closed
        return ""


def forget(folder):
    """Takes the files of a model out of the page cache, so that the next one reads the disk."""
    for file in pathlib.Path(folder).rglob("*"):
        if file.is_file():
            with open(file, "rb") as opened:
                os.fsync(opened.fileno())
                os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def half_of(device):
    """The half precision of the contestants of a GPU; a processor in its place is slow with float16."""
    return "bfloat16" if device == "cpu" else "float16"


def programs(binaries, peers, device):
    """`device`: that of the contestants of a GPU."""
    python = sys.executable
    ours = lambda precision, device="cpu": [binaries / "invokeai", "--model", "{model}", "--device", device, "--precision", precision, "--outdir", "{folder}",
                              "-s", "{steps}", "-W", "{side}", "-H", "{side}", "-C", "7.5", "-A", "k_euler", "-S", "1",
                              "a lighthouse at dusk"]
    peer = lambda script, precision, *rest: [python, peers / script, "{model}", precision, "{threads}", "{steps}", "{side}",
                                             "{folder}/picture.png", *rest]
    return [
        Program("ours_bf16", ours("bfloat16"), ready=r"^>> model "),
        Program("ours_f32", ours("float32"), ready=r"^>> model "),
        Program("diffusers_bf16", peer("diffusers_picture.py", "bfloat16")),
        Program("diffusers_f32", peer("diffusers_picture.py", "float32")),
        Program("openvino_bf16", peer("openvino_picture.py", "bfloat16")),
        Program("openvino_f32", peer("openvino_picture.py", "float32")),
        Program("sdcpp_f16", peer("sdcpp_picture.py", "f16")),
        Program("sdcpp_q8", peer("sdcpp_picture.py", "q8_0")),
        Program("ours_gpu_f16", ours(half_of(device), device), ready=r"^>> model "),
        Program("diffusers_gpu_f16", peer("diffusers_picture.py", half_of(device), device)),
    ]


def measure_programs(chosen, model, side, options):
    """{name: {warm_ready: [...], warm_steps_begin, warm_first_step, the same cold, picture, picture_memory}}

    `warm` and `cold`: the model's files in and not in the page cache; two steps each. `picture`: so
    many steps as `options.steps`.
    """
    figures = {program.name: {} for program in chosen}
    if chosen and not has_terminals():
        print("[bench] this machine has no pseudo-terminals: programs are left out", flush=True)
        return figures

    def note(program, **values):
        for name, value in values.items():
            figures[program.name].setdefault(name, []).append(value)

    for number in range(options.rounds):
        for program in chosen[number % len(chosen):] + chosen[:number % len(chosen)]:
            if options.start_up:
                forget(model)
                cold = program.run(model, options.threads, 2, side)
                warm = program.run(model, options.threads, 2, side)
                for cache, seen in (("cold", cold), ("warm", warm)):
                    note(program, **{f"{cache}_{name}": seen[name] for name in STARTS if name in seen})
            # Of one whose steps take long, two say as much as twenty.
            if options.whole and not program.name.startswith("sdcpp"):
                drawn = program.run(model, options.threads, options.steps, side)
                note(program, picture=drawn["whole"], picture_memory=drawn["memory"])
        print(f"[bench] programs, round {number + 1} of {options.rounds}", flush=True)
    return figures
