"""The Python that holds the reference: torch, diffusers and transformers in .deps/oracle."""

import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
ORACLE = ROOT / ".deps/oracle"
TORCH = "torch==2.13.0"
LIBRARIES = ["diffusers==0.42.1", "transformers==5.23.0"]
OTHERS = ["pillow==12.0.0", "scipy"]
MODULES = "import torch, diffusers, transformers, PIL, scipy"
INSIDE = "INVOKEAI_INSIDE_ORACLE"

# Prints what the installed libraries need besides torch and what only GPUs need.
REQUIREMENTS = """
import importlib.metadata as m, re
for library in ("torch", "diffusers", "transformers"):
    for need in m.requires(library) or []:
        if "extra ==" not in need and not re.match("torch|nvidia|cuda|triton|pytorch", need):
            print(need)
"""


def say(text):
    print(f"[conformance] {text}", flush=True)


def works(python):
    """Whether this interpreter has all modules."""
    try:
        return subprocess.run([python, "-c", MODULES], capture_output=True).returncode == 0
    except OSError:
        return False


def torch_arguments(pip):
    """Where to take a CPU build from: the configured index may hold gigabytes of GPU libraries."""
    if index := os.environ.get("INVOKEAI_TORCH_INDEX"):
        return ["--index-url", index]
    look = ["--dry-run", "--ignore-installed", "--no-deps", "--report", "-", TORCH]
    report = subprocess.run([*pip, *look], capture_output=True, text=True).stdout
    if re.search(r"torch-[0-9.]+(%2B|\+)cpu", report):
        return []
    return ["--index-url", "https://download.pytorch.org/whl/cpu"]


def install(python):
    say("installing the reference into .deps/oracle")
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", ORACLE], check=True)
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--no-deps", *torch_arguments(pip), TORCH], check=True)
    # None of these may bring another torch with it.
    subprocess.run([*pip, "--no-deps", *LIBRARIES], check=True)
    listed = subprocess.run([python, "-c", REQUIREMENTS], check=True, capture_output=True, text=True)
    subprocess.run([*pip, *OTHERS, *listed.stdout.splitlines()], check=True)
    if not works(python):
        sys.exit(f"[conformance] the reference does not start; remove {ORACLE} and run this again")


def enter():
    """Goes on in the reference's interpreter; installs it first where it is missing.

    INVOKEAI_ORACLE_PYTHON names another interpreter with the same libraries.
    """
    if os.environ.get(INSIDE):
        return
    if given := os.environ.get("INVOKEAI_ORACLE_PYTHON"):
        python = pathlib.Path(given)
        if not works(python):
            sys.exit(f"[conformance] INVOKEAI_ORACLE_PYTHON={given} lacks a module of: {MODULES}")
    else:
        python = ORACLE / "bin/python"
        if not works(python):
            try:
                install(python)
            except subprocess.CalledProcessError as error:
                words = " ".join(str(word) for word in error.cmd)
                sys.exit(f"[conformance] installing the reference failed (status {error.returncode}): {words}")
    environment = os.environ | {INSIDE: "1"}
    os.execve(python, [str(python), *sys.argv], environment)
