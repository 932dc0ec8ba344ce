"""What launcher and zygotes share: they handle commands, start processes and report their ends.

It knows nothing of tests. It has one thread, as everything that forks must.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
from collections.abc import Callable
from typing import Any

from _tgen_guard import fork, stand_between
from _tgen_session import Channel, Job


class Server:
    """Handles commands, a line of JSON each, and forks for files."""

    def __init__(self, pipe: int, commands: int) -> None:
        self.pipe = pipe
        self.commands = commands
        self.channel = Channel(pipe, 0)
        self.pids: dict[int, int] = {}
        # The descriptors that are read beside the commands, with their handlers.
        self.sources: dict[int, Callable[[], None]] = {}
        # The descriptors that a forked process must not keep.
        self.private: set[int] = {commands}
        self.is_over = False
        self._unread = b""
        self._woken, wake = os.pipe()
        for end in (self._woken, wake):
            os.set_blocking(end, False)
            self.private.add(end)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)

    def serve(self) -> Job | None:
        """Handle commands until the end; in a forked process, return the job to run."""
        while not self.is_over:
            self.run_deferred()
            sources = [self.commands, self._woken, *self.sources]
            readable, _, _ = select.select(sources, [], [], self.pause())
            if self._woken in readable:
                with contextlib.suppress(BlockingIOError):
                    while os.read(self._woken, 4096):
                        pass
                self.reap()
            for source in readable:
                if source in self.sources:
                    self.sources[source]()
            if self.commands in readable and (job := self._read_commands()) is not None:
                return job
        return None

    def _read_commands(self) -> Job | None:
        data = os.read(self.commands, 1 << 16)
        if not data:
            self.closed()
            return None
        *lines, self._unread = (self._unread + data).split(b"\n")
        for line in lines:
            if (job := self.obey(json.loads(line))) is not None:
                return job
        return None

    def pause(self) -> float | None:
        """Give the longest time to wait for a command, in seconds."""
        return None

    def run_deferred(self) -> None:
        """Do what is due, before anything is read."""

    def obey(self, command: dict[str, Any]) -> Job | None:
        """Handle a command; in a process that it forked, return the job to run."""
        raise NotImplementedError

    def closed(self) -> None:
        """Handle the end of the pipe of commands."""
        self.is_over = True

    def ended(self, pid: int, status: int) -> None:
        """Handle the end of a process, after the end of its file is reported."""

    def end_all(self) -> None:
        """End every file that runs."""
        for pid in self.pids.values():
            send_signal(pid, signal.SIGKILL)

    # --- Starting and reaping.

    def start(self, order: dict[str, Any], make: Callable[[], int]) -> Job | None:
        """Start the process of a file with a function that forks or spawns."""
        unit = order["unit"]
        try:
            pid = make()
        except OSError as error:
            self.channel.send("unstarted", {"unit": unit, "reason": str(error)})
            return None
        if pid == 0:
            stand_between(order)
            return Job(Channel(self.pipe, unit), order)
        self.pids[unit] = pid
        self.channel.send("started", {"unit": unit, "pid": pid})
        return None

    def fork(self) -> int:
        """Fork; the new process has its own session, and none of the private descriptors."""
        pid = fork()
        if pid == 0:
            os.setsid()
            self.forget()
        return pid

    def forget(self) -> None:
        """Drop the server's signal handlers and descriptors, in a process forked from it."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for descriptor in self.private:
            os.close(descriptor)
        self.private.clear()

    def reap(self) -> None:
        """Reap the processes that have ended, and report which files have."""
        units = {pid: unit for unit, pid in self.pids.items()}
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            if (unit := units.get(pid)) is not None:
                del self.pids[unit]
                self._tell_exit(unit, pid, status, usage)
            self.ended(pid, status)

    def _tell_exit(self, unit: int, pid: int, status: int, usage: Any) -> None:
        try:
            # Only a process that the file has left behind can be reached now.
            os.killpg(pid, signal.SIGKILL)
            has_left = True
        except OSError:
            has_left = False
        exited = {
            "unit": unit,
            "code": os.waitstatus_to_exitcode(status),
            "left_processes": has_left,
            "peak": usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
        }
        self.channel.send("exited", exited)


def send_signal(pid: int, number: int) -> None:
    """Send a signal to a group, or to the process that is about to lead it."""
    try:
        os.killpg(pid, number)
    except OSError:
        with contextlib.suppress(OSError):
            os.kill(pid, number)
