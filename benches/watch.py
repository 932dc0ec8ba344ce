#!/usr/bin/env python3
"""`cargo tgen watch`: from the end of a save to the last output on disk, beside `watchexec -- cargo tgen generate`.

    cargo build --release --no-default-features
    python3 benches/watch.py --tgen target/release/cargo-tgen --saves 200

A project in a temporary folder: the built-in templates, every model type of the built-in pipeline map. A save of the
template of one model changes one output; a save of the template of all changes 631. What is timed begins when the file
is closed and ends when the last output was renamed into place. It measures, it does not judge.

`watchexec -- cargo tgen generate` is timed in the same rounds, where watchexec is installed (`cargo install watchexec-cli`).
"""

import argparse
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

DEBOUNCE = 0.020
ONE = "templates/models/bert.py.tera"
ALL = "templates/skillset/contract.py.tera"


class Project:
    def __init__(self, root: pathlib.Path, tgen: str):
        self.root, self.tgen, self.number = root, tgen, 0
        self.run("init", "--templates")
        config = (root / "tgen.toml").read_text()
        (root / "tgen.toml").write_text(config.replace('models = "sample"', 'models = "all"'))
        (root / ONE).parent.mkdir(exist_ok=True)
        shutil.copy(root / "templates/skillset.py.tera", root / ONE)
        self.texts = {path: (root / path).read_text() for path in (ONE, ALL)}
        assert "skillset.resources == {}" in self.texts[ALL]
        self.run("generate")
        self.outputs = {
            ONE: [root / "test/skills/test_hf_bert.py"],
            ALL: sorted((root / "test/skills").glob("test_hf_*.py")),
        }

    def run(self, *arguments: str) -> None:
        subprocess.run([self.tgen, *arguments], cwd=self.root, check=True, capture_output=True)

    def next_text(self, template: str) -> str:
        """The template with something in it that no save had before."""
        self.number += 1
        if template == ONE:
            return self.texts[ONE] + f"# save {self.number}\n"
        return self.texts[ALL].replace("skillset.resources == {}", f"skillset.resources == {{}}  # {self.number}")

    def save(self, template: str) -> float:
        """Seconds from the end of a save to the last output."""
        text = self.next_text(template)
        waiting = {path: os.stat(path).st_ino for path in self.outputs[template]}
        with open(self.root / template, "w") as file:
            file.write(text)
        start = time.perf_counter()
        while waiting:
            path, before = next(iter(waiting.items()))
            if has_inode(path, before):
                if time.perf_counter() - start > 60:
                    sys.exit(f"{path} was not written within a minute")
                time.sleep(0.0005)
            else:
                del waiting[path]
        return time.perf_counter() - start


def has_inode(path: pathlib.Path, inode: int) -> bool:
    try:
        return os.stat(path).st_ino == inode
    except FileNotFoundError:
        return True


class Watcher:
    """A process that watches, from when it is ready until it is ended."""

    def __init__(self, command: list[str], project: Project):
        self.log = open(project.root / "log", "w")
        self.process = subprocess.Popen(
            command, cwd=project.root, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL, start_new_session=True
        )
        time.sleep(2)

    def end(self) -> None:
        os.killpg(self.process.pid, signal.SIGINT)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.log.close()

    def cpu_seconds(self) -> float:
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> int:
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


def watchers(project: Project, tgen: str) -> dict:
    found = {"cargo tgen watch": lambda: Watcher([tgen, "watch", "--json"], project)}
    if program := shutil.which("watchexec"):
        command = [program, "--postpone", "-w", "templates", "-w", "tgen.toml", "--", tgen, "generate"]
        found["watchexec -- cargo tgen generate"] = lambda: Watcher(command, project)
    return found


def row(name: str, times: list[float]) -> str:
    times = sorted(times)
    p99 = times[min(len(times) - 1, round(len(times) * 0.99))]
    return f"| {name} | {statistics.median(times) * 1000:.1f} ms | {p99 * 1000:.1f} ms | {times[-1] * 1000:.1f} ms |"


def latency(project: Project, tgen: str, saves: int, peer_saves: int) -> None:
    for template, what in ((ONE, "one output"), (ALL, f"{len(project.outputs[ALL])} outputs")):
        print(f"\n| {what}, save to last output | median | p99 | longest |\n|---|---|---|---|")
        times: dict[str, list[float]] = {}
        rounds = 5
        for _ in range(rounds):
            for name, start in watchers(project, tgen).items():
                watcher = start()
                project.save(template)
                for _ in range((saves if name == "cargo tgen watch" else peer_saves) // rounds):
                    times.setdefault(name, []).append(project.save(template))
                    time.sleep(0.1)
                watcher.end()
        own = times["cargo tgen watch"]
        print(row("cargo tgen watch, beyond the debounce of 20 ms", [time - DEBOUNCE for time in own]))
        for name, taken in times.items():
            print(row(name, taken))
        sys.stdout.flush()


def idle(project: Project, tgen: str, seconds: int) -> None:
    watcher = Watcher([tgen, "watch", "--json"], project)
    before = watcher.cpu_seconds()
    time.sleep(seconds)
    print(f"\nidle for {seconds} s: {watcher.cpu_seconds() - before:.2f} s of CPU, {watcher.memory()} kB of memory")
    watcher.end()


def memory(project: Project, tgen: str, saves: int) -> None:
    watcher = Watcher([tgen, "watch", "--json"], project)
    print("\n| saves | memory |\n|---|---|")
    for number in range(saves + 1):
        if number in (100, saves // 10, saves // 4, saves // 2, saves):
            print(f"| {number} | {watcher.memory()} kB |", flush=True)
        project.save(ALL if number % 100 == 0 else ONE)
    watcher.end()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tgen", default="target/release/cargo-tgen")
    parser.add_argument("--saves", type=int, default=200)
    parser.add_argument("--peer-saves", type=int, default=30, help="saves for each peer")
    parser.add_argument("--idle", type=int, default=60, help="seconds to do nothing")
    parser.add_argument("--memory-saves", type=int, default=10_000)
    arguments = parser.parse_args()
    tgen = os.path.abspath(arguments.tgen)
    with tempfile.TemporaryDirectory() as folder:
        project = Project(pathlib.Path(folder), tgen)
        latency(project, tgen, arguments.saves, arguments.peer_saves)
        if arguments.idle:
            idle(project, tgen, arguments.idle)
        if arguments.memory_saves:
            memory(project, tgen, arguments.memory_saves)


if __name__ == "__main__":
    main()
