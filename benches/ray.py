#!/usr/bin/env python3
"""`cargo tgen submit ray`: 500 small test files on a Ray cluster, beside a plain Ray script that runs the same files.

    cargo build --release --no-default-features
    python3 -m venv .venv-ray && .venv-ray/bin/pip install 'ray[default]==2.60.0' pytest
    .venv-ray/bin/python benches/ray.py --tgen target/release/cargo-tgen

It starts a head on loopback with two processors. The plain scripts are what an engineer would write who wants the tests run and
no more: a function with `ray.remote` for each file, all of them submitted at once from a client beside the head.

- `in the worker`: the function calls `pytest.main([file])`. Ray uses its worker processes again, so that pytest is imported
  once for each worker, and a test that crashes or that changes the process reaches the files after it.
- `a process a file`: the function starts `python -m pytest file`, so that files are as far apart as those of `submit ray`.

All are timed in turn from the start of the command to its end. CPU time is that of the command and of all processes of the head
meanwhile: on a machine with other work it is what can be compared. It measures, it does not judge.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

PORT = 8297
ADDRESS = f"http://127.0.0.1:{PORT}"
TOKEN = "for-a-head-on-loopback-and-nothing-else"
PROGRAMS = pathlib.Path(sys.executable).parent
TEST = """\
import pytest


@pytest.mark.parametrize("number", range(3))
def test_{file}(number):
    assert number * {file} == sum([{file}] * number)
"""
PLAIN = """\
import subprocess
import sys
from pathlib import Path

import ray


@ray.remote
def in_the_worker(file):
    import pytest

    return int(pytest.main(["-q", file]))


@ray.remote
def a_process_a_file(file):
    return subprocess.run([sys.executable, "-m", "pytest", "-q", file]).returncode


ray.init(log_to_driver=False, runtime_env={"working_dir": "."})
files = sorted(map(str, Path("tests").glob("test_*.py")))
codes = ray.get([globals()[sys.argv[1]].remote(file) for file in files])
assert len(codes) == len(files) and set(codes) == {0}, codes
"""


class Head:
    """A head of Ray that is a child of this process, and is ended by its id."""

    def __init__(self, folder: pathlib.Path):
        # The sockets below it have names of 107 characters at most.
        self.environment = {
            **os.environ,
            "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": TOKEN,
            "RAY_API_SERVER_ADDRESS": ADDRESS,
        }
        options = ["--head", "--block", "--node-ip-address=127.0.0.1", "--dashboard-host=127.0.0.1", "--port=6397"]
        options += [f"--dashboard-port={PORT}", f"--temp-dir={folder}/ray", "--num-cpus=2", "--num-gpus=0"]
        with open(folder / "head.log", "wb") as log:
            self.process = subprocess.Popen(
                [PROGRAMS / "ray", "start", *options, "--disable-usage-stats"],
                env=self.environment,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        until = time.monotonic() + 120
        asked = [PROGRAMS / "ray", "job", "list"]
        while subprocess.run(asked, env=self.environment, check=False, capture_output=True).returncode != 0:
            if self.process.poll() is not None or time.monotonic() > until:
                sys.exit(f"the head does not answer:\n{(folder / 'head.log').read_text()}")

    def cpu(self) -> float:
        """Seconds of CPU time of the head and all that it has started and waited for, and of the commands beside it."""
        processes = [self.process.pid]
        ticks = 0
        for process in processes:
            try:
                fields = pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
                ticks += sum(map(int, fields[11:15]))
                for children in pathlib.Path(f"/proc/{process}/task").glob("*/children"):
                    processes += map(int, children.read_text().split())
            except OSError:
                continue
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return ticks / os.sysconf("SC_CLK_TCK") + used.ru_utime + used.ru_stime

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()


class Project:
    """Small test files, and what runs them on a head."""

    def __init__(self, root: pathlib.Path, tgen: str, files: int, environment: dict[str, str]):
        self.root, self.tgen, self.environment, self.runs = root, tgen, environment, 0
        (root / "templates").mkdir(parents=True)
        suites = []
        for file in range(files):
            (root / f"templates/{file}.py").write_text(TEST.format(file=file))
            suites.append(
                f'[[suite]]\nname = "suite-{file}"\ntemplate = "{file}.py"\nmodels = ["bert"]\nhardware = ["cpu"]\n'
                f'output = "tests/test_{file}.py"\n'
            )
        (root / "tgen.toml").write_text('templates = "templates"\n' + "".join(suites))
        self.run(tgen, "generate", "--quiet")
        plain = root / "plain"
        plain.mkdir()
        (root / "tests").rename(plain / "tests")
        (root / "tests").symlink_to(plain / "tests")
        (plain / "plain.py").write_text(PLAIN)

    def submit(self) -> None:
        self.runs += 1
        self.run(self.tgen, "submit", "ray", "--run", f"run-{self.runs}")

    def plain(self, function: str) -> None:
        self.run("python", "plain.py", function, cwd=self.root / "plain")

    def run(self, *command: str, cwd: pathlib.Path | None = None) -> None:
        done = subprocess.run(
            command,
            cwd=cwd or self.root,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)} failed\n{done.stdout[-3000:]}{done.stderr[-3000:]}")


def timed(head: Head, work: Callable[[], None]) -> tuple[float, float]:
    """Seconds of time and of CPU time."""
    start, cpu = time.perf_counter(), head.cpu()
    work()
    return time.perf_counter() - start, head.cpu() - cpu


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tgen", default="cargo-tgen", help="the binary to measure")
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    tgen = str(pathlib.Path(arguments.tgen).resolve())
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        head = Head(pathlib.Path(folder))
        try:
            project = Project(pathlib.Path(folder, "project"), tgen, arguments.files, head.environment)
            ways = {
                "submit ray": project.submit,
                "in the worker": lambda: project.plain("in_the_worker"),
                "a process a file": lambda: project.plain("a_process_a_file"),
            }
            taken: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
            for _ in range(arguments.rounds):
                for name, work in ways.items():
                    taken[name].append(timed(head, work))
                    time_, cpu = taken[name][-1]
                    print(f"{time_:8.2f} s, {cpu:6.2f} s of CPU time  {name}", flush=True)
        finally:
            head.end()
    print(f"medians of {arguments.rounds}:")
    own = medians(taken["submit ray"])
    for name, (time_, cpu) in {name: medians(each) for name, each in taken.items()}.items():
        ratios = f"`submit ray` takes {own[0] / time_:.2f}x and {own[1] / cpu:.2f}x"
        print(f"{time_:8.2f} s, {cpu:6.2f} s of CPU time  {name}: {ratios}")


def medians(taken: list[tuple[float, float]]) -> tuple[float, float]:
    return statistics.median(time_ for time_, _ in taken), statistics.median(cpu for _, cpu in taken)


if __name__ == "__main__":
    main()
