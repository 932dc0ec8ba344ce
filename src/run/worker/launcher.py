"""Starts test files in processes of their own, and reports what their tests do.

`cargo tgen run` starts this script once for an interpreter. It reads commands from
standard input, a line of JSON each, and writes messages to the pipe that was its standard
output. In the isolation `fork` it imports what the tests import, once, and forks for each
folder a process that pytest is ready in (`zygote.py`), which forks for each file; in the
isolation `spawn` it starts a new interpreter, and in the isolation `none` one for several
files (`resident.py`). It must not touch a device: a fork after that is broken.

It knows nothing of schedules, time limits or results files: the runner does.
"""

from __future__ import annotations

import platform
import sys
import types

# This came with 3.10. Linters take a comparison of versions for one that can go.
if not hasattr(types, "UnionType"):
    sys.exit(f"it is Python {platform.python_version()}, and tests need 3.10 or newer")

import contextlib
import gc
import importlib
import json
import os
import signal
import subprocess
import sysconfig
import tempfile
import time
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import _tgen_resident as resident
import _tgen_session as session
from _tgen_guard import fork, stand_between
from _tgen_huge_pages import use_huge_pages
from _tgen_server import Server, send_signal
from _tgen_zygote import Stamps, Zygote, stamp

# The most zygotes at a time; each serves one folder.
_MOST_ZYGOTES = 8
# How long pytest may take until it is ready in a zygote, in seconds.
_LONGEST_PREPARATION = 120.0

# A folder, with the arguments and the environment that pytest has for it.
Key = tuple[str, tuple[str, ...], tuple[tuple[str, str], ...]]


def write_line(pipe: int, command: dict[str, Any]) -> None:
    """Write a command to a process; that one has died is noticed when it is reaped."""
    data = (json.dumps(command) + "\n").encode()
    with contextlib.suppress(OSError):
        while data:
            data = data[os.write(pipe, data) :]


@dataclass
class ZygoteProcess:
    """A zygote, as the launcher sees it."""

    key: Key
    pid: int
    commands: int
    replies: int
    deadline: float
    # The stamps of the files that it depends on; none until it is ready.
    stamps: Stamps | None = None
    # The orders that wait for it to be ready.
    waiting: list[dict[str, Any]] = field(default_factory=list)
    units: list[int] = field(default_factory=list)
    unread: bytes = b""

    def tell(self, command: dict[str, Any]) -> None:
        """Give a command."""
        write_line(self.commands, command)

    def is_current(self) -> bool:
        """Tell whether the files that it depends on are unchanged."""
        stamps = self.stamps or {}
        return all(stamp(path) == found for path, found in stamps.items())


@dataclass
class ResidentProcess:
    """A process that runs several files, as the launcher sees it."""

    environment: tuple[tuple[str, str], ...]
    pid: int
    commands: int
    replies: int
    # The file that it runs.
    unit: int | None = None
    # Whether it gets no more files.
    is_spent: bool = False


class Launcher(Server):
    """Starts a process for each test file, most of them through zygotes."""

    def __init__(self, pipe: int) -> None:
        super().__init__(pipe, 0)
        # A forked process does not close it, but puts the null device in its place.
        self.private.discard(0)
        self.zygotes: dict[Key, ZygoteProcess] = {}
        self.retired: list[ZygoteProcess] = []
        # The folders that have had a file started: the next one gets a zygote.
        self.seen: set[Key] = set()
        # The folders in which pytest cannot be made ready.
        self.unfit: set[Key] = set()
        # The orders whose zygote has ended or was retired: they start without one.
        self.without_zygote: list[dict[str, Any]] = []
        self.residents: list[ResidentProcess] = []
        # The runner decides what Ctrl-C means.
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def obey(self, command: dict[str, Any]) -> session.Job | None:
        if "start" in command:
            order = command["start"]
            if order["isolation"] == "spawn":
                return self.start(order, lambda: self._spawn(order))
            if order["isolation"] == "none":
                return self.start(order, lambda: self._give_to_resident(order))
            self._start_forked(order)
        elif "signal" in command:
            self._signal(command["unit"], command)
        elif "warm" in command:
            self._warm(command["warm"])
        elif "dismiss" in command:
            self._dismiss_all()
        return None

    def closed(self) -> None:
        super().closed()
        self.end_all()
        for zygote in [*self.zygotes.values(), *self.retired]:
            zygote.tell({"end": True})

    def _signal(self, unit: int, command: dict[str, Any]) -> None:
        if (pid := self.pids.get(unit)) is not None:
            for found in self.residents:
                # The signal may come when the file has ended already.
                found.is_spent |= found.unit == unit
            send_signal(pid, command["signal"])
            return
        for zygote in [*self.zygotes.values(), *self.retired]:
            if unit in zygote.units:
                zygote.tell(command)

    # --- Without a zygote.

    def _fork_alone(self, order: dict[str, Any]) -> None:
        known = len(sys.modules)
        job = self.start(order, self.fork)
        if job is not None:
            session.run_alone(job, known)

    def _spawn(self, order: dict[str, Any]) -> int:
        return self._interpret(["unit", str(self.pipe), json.dumps(order)], [])

    def _interpret(self, arguments: list[str], descriptors: list[int]) -> int:
        process = subprocess.Popen(
            [sys.executable, __file__, *arguments],
            pass_fds=[self.pipe, *descriptors],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        # This process reaps it; `subprocess` must not wait for it.
        process.returncode = 0
        return process.pid

    # --- With a resident.

    def _give_to_resident(self, order: dict[str, Any]) -> int:
        environment = tuple(sorted(order["environment"].items()))
        idle = [
            found
            for found in self.residents
            if found.unit is None and not found.is_spent
        ]
        fitting = [found for found in idle if found.environment == environment]
        if not fitting:
            # There are never more of them than files that run at a time.
            if idle:
                self._dismiss(idle[0])
            fitting = [self._start_resident(environment)]
        chosen = fitting[0]
        chosen.unit = order["unit"]
        write_line(chosen.commands, order)
        return chosen.pid

    def _start_resident(
        self, environment: tuple[tuple[str, str], ...]
    ) -> ResidentProcess:
        commands, give = os.pipe()
        hear, replies = os.pipe()
        try:
            arguments = [str(self.pipe), str(commands), str(replies)]
            pid = self._interpret(["resident", *arguments], [commands, replies])
        except OSError:
            os.close(give)
            os.close(hear)
            raise
        finally:
            os.close(commands)
            os.close(replies)
        self.private |= {give, hear}
        started = ResidentProcess(environment, pid, give, hear)
        self.residents.append(started)
        self.sources[hear] = lambda: self._hear_resident(started)
        return started

    def _hear_resident(self, found: ResidentProcess) -> None:
        if not os.read(found.replies, 1 << 16):
            # It has ended, which is noticed when it is reaped.
            del self.sources[found.replies]
            return
        if found.unit is None:
            return
        del self.pids[found.unit]
        exited = {"unit": found.unit, "code": 0, "left_processes": False, "peak": 0}
        self.channel.send("exited", exited)
        found.unit = None
        if found.is_spent:
            self._dismiss(found)

    def _dismiss(self, found: ResidentProcess) -> None:
        found.is_spent = True
        send_signal(found.pid, signal.SIGKILL)

    def _dismiss_all(self) -> None:
        """End the residents; the runner then ends what they have left behind."""
        for found in list(self.residents):
            self._dismiss(found)
            if found.unit is not None:
                self.pids.pop(found.unit, None)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(found.pid, 0)
            self._remove_resident(found.pid)
        self.channel.send("dismissed", None)

    def _remove_resident(self, pid: int) -> None:
        for found in [found for found in self.residents if found.pid == pid]:
            self.residents.remove(found)
            self._close_pipes(found)

    # --- With a zygote.

    def _start_forked(self, order: dict[str, Any]) -> None:
        folder = str(Path(order["file"]).parent)
        environment = tuple(sorted(order["environment"].items()))
        key = (folder, tuple(order["arguments"]), environment)
        zygote = self.zygotes.get(key)
        if zygote is not None and zygote.stamps is not None and not zygote.is_current():
            self._retire(zygote)
            zygote = None
        # A folder with one file is not worth a zygote.
        if key in self.unfit or key not in self.seen:
            self.seen.add(key)
            self._fork_alone(order)
            return
        if zygote is None:
            try:
                zygote = self._fork_zygote(key, order)
            except OSError:
                self._fork_alone(order)
                return
        if zygote.stamps is None:
            zygote.waiting.append(order)
        else:
            self._hand_over(zygote, order)

    def _hand_over(self, zygote: ZygoteProcess, order: dict[str, Any]) -> None:
        zygote.units.append(order["unit"])
        zygote.tell({"start": order})

    def _fork_zygote(self, key: Key, order: dict[str, Any]) -> ZygoteProcess:
        if len(self.zygotes) >= _MOST_ZYGOTES:
            self._retire(next(iter(self.zygotes.values())))
        commands, give = os.pipe()
        hear, replies = os.pipe()
        pid = fork()
        if pid == 0:
            os.close(give)
            os.close(hear)
            self.forget()
            Zygote(self.pipe, commands, replies, order).run()
        os.close(commands)
        os.close(replies)
        self.private |= {give, hear}
        deadline = time.monotonic() + _LONGEST_PREPARATION
        zygote = ZygoteProcess(key, pid, give, hear, deadline)
        self.zygotes[key] = zygote
        self.sources[hear] = lambda: self._hear(zygote)
        return zygote

    def _hear(self, zygote: ZygoteProcess) -> None:
        data = os.read(zygote.replies, 1 << 16)
        zygote.unread += data
        if not data or data.endswith(b"\n"):
            # At the end of the pipe the zygote has ended, which is noticed when it is reaped.
            del self.sources[zygote.replies]
        if not data.endswith(b"\n"):
            return
        stamps = json.loads(zygote.unread)
        zygote.stamps = {path: found and tuple(found) for path, found in stamps.items()}
        waiting, zygote.waiting = zygote.waiting, []
        for order in waiting:
            self._hand_over(zygote, order)

    def _retire(self, zygote: ZygoteProcess) -> None:
        """Give a zygote no more files; it ends once those that it runs have ended."""
        del self.zygotes[zygote.key]
        self.retired.append(zygote)
        self.without_zygote += zygote.waiting
        zygote.waiting = []
        zygote.tell({"retire": True})

    def ended(self, pid: int, status: int) -> None:
        """Clean up after a zygote or a resident that has ended, and report lost files."""
        self._remove_resident(pid)
        zygotes = [*self.zygotes.values(), *self.retired]
        zygote = next((found for found in zygotes if found.pid == pid), None)
        if zygote is None:
            return
        is_retired = zygote in self.retired
        if is_retired:
            self.retired.remove(zygote)
        else:
            del self.zygotes[zygote.key]
        if zygote.stamps is None:
            self.unfit.add(zygote.key)
            self.without_zygote += zygote.waiting
        elif not (is_retired and status == 0):
            self.channel.send("lost", zygote.units)
        self._close_pipes(zygote)

    def _close_pipes(self, process: ZygoteProcess | ResidentProcess) -> None:
        self.sources.pop(process.replies, None)
        for end in (process.commands, process.replies):
            self.private.discard(end)
            os.close(end)

    def pause(self) -> float | None:
        deadlines = [
            zygote.deadline for zygote in self.zygotes.values() if zygote.stamps is None
        ]
        if not deadlines:
            return None
        return max(0.0, min(deadlines) - time.monotonic())

    def run_deferred(self) -> None:
        now = time.monotonic()
        for zygote in self.zygotes.values():
            if zygote.stamps is None and zygote.deadline <= now:
                send_signal(zygote.pid, signal.SIGKILL)
                zygote.deadline = now + _LONGEST_PREPARATION
        unserved, self.without_zygote = self.without_zygote, []
        for order in unserved:
            self._fork_alone(order)

    # --- What is imported before anything is forked.

    def _warm(self, modules: list[str]) -> None:
        started = time.monotonic()
        # They were forked without the modules that are imported now.
        for zygote in list(self.zygotes.values()):
            self._retire(zygote)
        # A failed import is reported by the file that needs it.
        with contextlib.suppress(Exception):
            _load_plugins()
        imported = 0
        for name in modules:
            if name in sys.modules:
                continue
            try:
                importlib.import_module(name)
                imported += 1
            except BaseException:  # noqa: BLE001, S112 -- the tests import it or not
                continue
        gc.collect()
        gc.freeze()
        use_huge_pages()
        torch: Any = sys.modules.get("torch")
        is_spoilt = torch is not None and torch.cuda.is_initialized()
        seconds = time.monotonic() - started
        warmed = {"imported": imported, "seconds": seconds, "is_spoilt": is_spoilt}
        self.channel.send("warmed", warmed)


def _versions() -> dict[str, str | None]:
    """Give the versions of what is installed, without importing it."""
    found: dict[str, str | None] = {}
    for name in ("torch", "transformers"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    packages = Path(sysconfig.get_path("purelib"))
    stamp = packages.stat().st_mtime_ns if packages.is_dir() else 0
    python = ".".join(map(str, sys.version_info[:3]))
    return {**found, "python": python, "installed": f"{sys.version} {stamp}"}


def _load_plugins() -> None:
    """Import pytest with its plugins, as a session does before it configures them.

    The plugins are imported by pytest, which rewrites their assertions: it would warn of
    plugins that were imported before. They are not configured, because some start threads.
    """
    # As pytest-xdist does it.
    from _pytest.config import _prepareconfig

    with tempfile.TemporaryDirectory() as folder:
        ini = Path(folder, "pytest.ini")
        ini.write_text("[pytest]\n")
        here = Path.cwd()
        os.chdir(folder)
        try:
            options = ["-q", "-p", "no:cacheprovider", "-c", str(ini)]
            config = _prepareconfig([*options, "--rootdir", folder, folder])
            config._ensure_unconfigure()
        finally:
            os.chdir(here)


def main() -> None:
    """Serve the runner, or run files for the launcher."""
    if sys.argv[1:2] == ["unit"]:
        order = json.loads(sys.argv[3])
        stand_between(order)
        channel = session.Channel(int(sys.argv[2]), order["unit"])
        session.run_alone(session.Job(channel, order), None)
    if sys.argv[1:2] == ["resident"]:
        resident.run(*map(int, sys.argv[2:5]))
    pipe = os.dup(1)
    # What imports print goes to standard error, not between the messages.
    os.dup2(2, 1)
    launcher = Launcher(pipe)
    launcher.channel.send("ready", _versions())
    try:
        launcher.serve()
    finally:
        launcher.end_all()


if __name__ == "__main__":
    main()
