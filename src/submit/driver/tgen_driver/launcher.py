"""The process that starts the processes of test files, as the driver sees it.

Its program is that of `cargo tgen run` (`worker/tgen_worker.py`): it imports what the tests
import, once, and forks for each file. This module sends orders and signals, and hands messages
over; it does not know what a unit makes of them.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

_PROGRAM = Path(__file__).resolve().parent / "worker" / "tgen_worker.py"
# The number of the start, the length of the part, and whether it is the last of its message.
_HEADER = struct.Struct("<IHB")
_LONGEST_MESSAGE = 16 << 20
# How many new modules are worth replacing the zygotes.
_WORTH_A_STOP = 25

# The last message of a start is one of these.
_FINAL = ("exited", "unstarted", "lost")

Message = tuple[str, Any]


class Launcher:
    """Starts processes for test files. One that dies is replaced at the next start."""

    def __init__(self, environment: dict[str, str] | None = None) -> None:
        self._environment = environment or {}
        # What the process and its imports print; read only if the process has died.
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 -- it lives as long as this
        self.pipe, self._write = os.pipe()
        os.set_blocking(self.pipe, False)
        self._messages = _Messages()
        self._process: subprocess.Popen[bytes] | None = None
        self._unsent = b""
        self._learning = Learning()
        self._isolation = "fork"
        self._last_start = 0
        # The messages of each start that has not ended.
        self._inboxes: dict[int, list[Message]] = {}

    def start(self, order: dict[str, Any]) -> int:
        """Order a process for a file, and give the number of the start."""
        if self._process is None or self._process.poll() is not None:
            self.read()
            self._begin()
        self._last_start += 1
        start = self._last_start
        own = {"unit": start, "isolation": self._isolation, "guarded": True}
        self._inboxes[start] = []
        self._tell({"start": {**order, **own}})
        return start

    def signal(self, start: int, pid: int | None, number: int) -> None:
        """Signal the process of a start, and what it has started."""
        # Only the launcher knows a process that it has not reported yet. A kill does not go
        # through it otherwise: it may be busy.
        if pid is None or number != signal.SIGKILL:
            self._tell({"unit": start, "signal": int(number)})
        else:
            signal_group(pid, number)

    def take(self, start: int) -> list[Message]:
        """Take the messages of a start."""
        told, self._inboxes[start] = self._inboxes[start], []
        if _is_over(told):
            del self._inboxes[start]
        return told

    def read(self) -> None:
        """Read the messages that have come, and write what could not be written before."""
        self._flush()
        has_died = self._process is not None and self._process.poll() is not None
        self._read_pipe()
        if has_died:
            self._process = None
            reason = f"what starts the tests has ended: {self._last_words()}"
            self._lose(list(self._inboxes), reason)

    def end(self) -> None:
        """Kill the process with all that it has started."""
        if self._process is not None:
            signal_group(self._process.pid, signal.SIGKILL)
            self._process.wait()
        for descriptor in (self.pipe, self._write):
            os.close(descriptor)
        self._log.close()

    # --- The process.

    def _begin(self) -> None:
        self._unsent = b""
        self._process = subprocess.Popen(
            [sys.executable, _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=self._write,
            stderr=self._log,
            start_new_session=True,
            env={**os.environ, **self._environment},
        )
        assert self._process.stdin is not None
        os.set_blocking(self._process.stdin.fileno(), False)
        self._warm(self._learning.modules)

    def _tell(self, command: dict[str, Any]) -> None:
        self._unsent += (json.dumps(command) + "\n").encode()
        self._flush()

    def _flush(self) -> None:
        """Write what the pipe takes, and never wait: the launcher may wait for this process."""
        if self._process is None or self._process.stdin is None:
            return
        # `read` notices a process that has died.
        with contextlib.suppress(OSError):
            while self._unsent:
                written = os.write(self._process.stdin.fileno(), self._unsent)
                self._unsent = self._unsent[written:]

    def _warm(self, modules: list[str]) -> None:
        if modules and self._isolation == "fork":
            self._tell({"warm": modules})

    def _last_words(self) -> str:
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").split("\n")
        return next(
            (line for line in reversed(lines) if line.strip()), "it says nothing"
        )

    # --- Messages.

    def _read_pipe(self) -> None:
        while data := _read_some(self.pipe):
            for start, message in self._messages.add(data):
                self._on_message(start, message)

    def _on_message(self, start: int, message: Message) -> None:
        kind, content = message
        if kind == "modules":
            self._warm(self._learning.add(content))
        elif kind == "warmed" and content["is_spoilt"]:
            # A device was touched, after which no process can be forked.
            self._isolation = "spawn"
        elif kind == "lost":
            self._lose(content, "the process that it was forked from has ended")
        elif kind in ("started", "unstarted", "exited"):
            self._put(content["unit"], message)
        else:
            self._put(start, message)

    def _lose(self, starts: Iterable[int], reason: str) -> None:
        for start in starts:
            self._put(start, ("lost", reason))

    def _put(self, start: int, message: Message) -> None:
        inbox = self._inboxes.get(start)
        if inbox is not None and not _is_over(inbox):
            inbox.append(message)


def _is_over(told: list[Message]) -> bool:
    return bool(told) and told[-1][0] in _FINAL


class _Messages:
    """Joins the parts that processes write into messages."""

    def __init__(self) -> None:
        self._unread = b""
        self._parts: dict[int, bytes] = {}

    def add(self, data: bytes) -> Iterator[tuple[int, Message]]:
        """Take what was read, and give the messages that are complete now."""
        self._unread += data
        while len(self._unread) >= _HEADER.size:
            start, length, is_last = _HEADER.unpack_from(self._unread)
            end = _HEADER.size + length
            if len(self._unread) < end:
                return
            whole = self._parts.pop(start, b"") + self._unread[_HEADER.size : end]
            self._unread = self._unread[end:]
            if len(whole) > _LONGEST_MESSAGE:
                yield start, ("broken", "a message was too long")
            elif is_last:
                yield start, _message(whole)
            else:
                self._parts[start] = whole


def _message(data: bytes) -> Message:
    try:
        ((kind, content),) = json.loads(data).items()
    except (ValueError, AttributeError):
        return "broken", "a message could not be read"
    return kind, content


class Learning:
    """Which modules to import before forking: the first file's, then each that two files import."""

    def __init__(self) -> None:
        self.modules: list[str] = []
        self._once: set[str] = set()
        self._told = 0

    def add(self, imported: list[str]) -> list[str]:
        """Take what a file had to import, and give what is worth importing now."""
        is_first = not self.modules
        known = set(self.modules)
        for module in imported:
            if module in known:
                continue
            if is_first or module in self._once:
                self.modules.append(module)
            else:
                self._once.add(module)
        due = self.modules[self._told :]
        if self._told and len(due) < _WORTH_A_STOP:
            return []
        self._told = len(self.modules)
        return due


def signal_group(leader: int, number: int) -> None:
    """Signal a process group, if it has not ended."""
    with contextlib.suppress(OSError):
        os.killpg(leader, number)


def _read_some(pipe: int) -> bytes:
    try:
        return os.read(pipe, 1 << 16)
    except BlockingIOError:
        return b""
