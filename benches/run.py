#!/usr/bin/env python3
"""`cargo tgen run` beside pytest-xdist, and `watch --run` beside `watch --exec pytest`, in turns.

    cargo build --release --no-default-features
    python3 benches/run.py overhead --tgen target/release/cargo-tgen --python VENV/bin/python
    python3 benches/run.py save --tgen target/release/cargo-tgen --python VENV_WITH_TORCH/bin/python

`overhead` runs 20 trivial tests in each of 648 files; the interpreter needs pytest and pytest-xdist. `save` changes the
template of one model and waits for the verdict of its tests; the interpreter needs pytest, torch and transformers. CPU
time is that of all processes. It measures, it does not judge; Linux only.
"""

import argparse
import ctypes
import json
import os
import pathlib
import resource
import signal
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator

PR_SET_CHILD_SUBREAPER = 36
CONFIG = """\
templates = "templates"
[[suite]]
name = "trivial"
template = "trivial.py.tera"
models = "all"
hardware = ["cpu"]
output = "tests/test_{{ normalized_name }}.py"
"""
TRIVIAL = """\
import pytest

NAME = {{ model_name | py_str }}


@pytest.mark.parametrize("number", range(20))
def test_number(number):
    assert number >= 0
"""


def cpu_seconds() -> float:
    """The CPU time of all processes that have ended, those that lost their parent included."""
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                break
        except ChildProcessError:
            break
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(command: list[str], folder: pathlib.Path) -> tuple[float, float, float]:
    """Wall time, CPU time and the megabytes of the process itself."""
    before, start = cpu_seconds(), time.perf_counter()
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, peak_megabytes(process.pid))
        time.sleep(0.1)
    elapsed = time.perf_counter() - start
    if process.returncode != 0:
        raise SystemExit(f"{command[0]} ended with {process.returncode}: {process.stderr.read().decode()[-2000:]}")
    time.sleep(0.5)
    return elapsed, cpu_seconds() - before, peak


def peak_megabytes(pid: int) -> float:
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    peaks = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(peaks[0]) / 1000 if peaks else 0.0


def overhead(tgen: str, python: str, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "templates").mkdir()
        (folder / "tgen.toml").write_text(CONFIG)
        (folder / "templates/trivial.py.tera").write_text(TRIVIAL)
        subprocess.run([tgen, "tgen", "generate", "-q"], cwd=folder, check=True)
        run = [tgen, "tgen", "run", "-q", "--jobs", "2", "--python", python]
        commands = {
            "run": run,
            "run --isolation none": [*run, "--isolation", "none"],
            "pytest-xdist": [python, "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile", "-p", "no:cacheprovider", "tests"],
        }
        figures: dict[str, list[tuple[float, float, float]]] = {what: [] for what in commands}
        for _ in range(rounds):
            for what, command in commands.items():
                figures[what].append(measure(command, folder))
                print(what, "%.1f s, %.1f s of CPU, %.0f MB" % figures[what][-1], flush=True)
        for what, of_rounds in figures.items():
            medians = tuple(map(statistics.median, zip(*of_rounds, strict=True)))
            print(f"{what}, median of {rounds}:", "%.1f s, %.1f s of CPU, %.0f MB" % medians)


class Watch:
    """A watch, and its events."""

    def __init__(self, folder: pathlib.Path, command: list[str], end: str):
        self.folder, self.end, self.number = folder, end, 0
        self.process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.template = folder / "templates/models/bert.py.tera"
        self.text = self.template.read_text()
        self.wait_for("rebuild")

    def events(self) -> Iterator[dict[str, object]]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            yield json.loads(line)

    def wait_for(self, name: str) -> dict[str, object]:
        return next(event for event in self.events() if event["event"] == name)

    def save(self) -> float:
        """Seconds from the end of a save to the verdict."""
        self.number += 1
        self.template.write_text(f"{self.text}# save {self.number}\n")
        start = time.perf_counter()
        ended = self.wait_for(self.end)
        elapsed = time.perf_counter() - start
        is_passed = ended["success"] if "success" in ended else ended["failed"] == 0
        if not is_passed:
            raise SystemExit(f"the tests do not pass: {ended}")
        return elapsed

    def close(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait()


def bert_project(folder: pathlib.Path, tgen: str) -> pathlib.Path:
    folder.mkdir()
    subprocess.run([tgen, "tgen", "init", "--templates"], cwd=folder, check=True, capture_output=True)
    config = (folder / "tgen.toml").read_text()
    (folder / "tgen.toml").write_text(config.replace('models = "sample"', 'models = ["bert"]'))
    own = folder / "templates/models/bert.py.tera"
    own.parent.mkdir(exist_ok=True)
    own.write_text((folder / "templates/skillset.py.tera").read_text())
    subprocess.run([tgen, "tgen", "generate", "-q"], cwd=folder, check=True)
    return folder


def save(tgen: str, python: str, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        watch = [tgen, "tgen", "watch", "--json"]
        pytest = f"{python} -m pytest -q -p no:cacheprovider"
        with_run = Watch(bert_project(root / "run", tgen), [*watch, "--run", "--python", python], "tests-end")
        with_exec = Watch(bert_project(root / "exec", tgen), [*watch, "--exec", pytest], "command-ends")
        watches = {"watch --run": with_run, "watch --exec pytest": with_exec}
        times: dict[str, list[float]] = {what: [] for what in watches}
        for number in range(rounds + 1):
            for what, watched in watches.items():
                elapsed = watched.save()
                # The first save warms what there is to warm.
                print(what, f"{elapsed:.2f} s", "(first)" if number == 0 else "", flush=True)
                if number > 0:
                    times[what].append(elapsed)
        for watched in watches.values():
            watched.close()
        medians = {what: statistics.median(of_what) for what, of_what in times.items()}
        for what, median in medians.items():
            print(f"{what}, median of {rounds}: {median:.2f} s")
        print(f"{medians['watch --run'] / medians['watch --exec pytest']:.3f}x")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["overhead", "save"])
    parser.add_argument("--tgen", required=True)
    parser.add_argument("--python", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    # A program that is named by its path keeps the environment that it belongs to.
    tgen, python = (os.path.abspath(path) for path in (arguments.tgen, arguments.python))
    {"overhead": overhead, "save": save}[arguments.what](tgen, python, arguments.rounds)


if __name__ == "__main__":
    main()
