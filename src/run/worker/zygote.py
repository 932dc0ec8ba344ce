"""A process that pytest is ready in: it forks for each file of one folder.

pytest has read its configuration there, and imported its plugins and `conftest.py`; it has
not started a session, so that hooks from `pytest_configure` on run for each file.
"""

from __future__ import annotations

import dataclasses
import gc
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any, NoReturn

import _tgen_session as session
import pytest
from _tgen_server import Server, send_signal

# What pytest reads its configuration from, and takes fixtures and hooks from.
_CONFIGURATION = (
    "conftest.py",
    "__init__.py",
    "pytest.toml",
    ".pytest.toml",
    "pytest.ini",
    ".pytest.ini",
    "pyproject.toml",
    "tox.ini",
    "setup.cfg",
)

Stamps = dict[str, tuple[int, int] | None]


def stamp(path: str) -> tuple[int, int] | None:
    """Give a file's modification time and size; none where there is no file."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


class Zygote(Server):
    """Serves the files of a folder from within pytest."""

    def __init__(
        self, pipe: int, commands: int, replies: int, order: dict[str, Any]
    ) -> None:
        self.began = time.time_ns()
        self.known_modules = len(sys.modules)
        super().__init__(pipe, commands)
        self.replies = replies
        self.private.add(replies)
        self.order = order
        self.job: session.Job | None = None
        self.is_retired = False

    def run(self) -> NoReturn:
        """Make pytest ready and serve; in a process that was forked, run the file."""
        status = session.FAILED
        try:
            session.enter_project(self.order)
            hooks = session.Hooks(self._take)
            status = session.run_pytest(self.order, hooks)
            if self.job is not None:
                session.tell_end(self.job, status, self.known_modules)
        except BaseException as error:  # noqa: BLE001 -- the runner must learn of any
            if self.job is not None:
                session.tell_broken(self.job, error)
        finally:
            session.leave(status)

    def _take(self, config: pytest.Config) -> session.Job:
        capture: Any = config.pluginmanager.getplugin("capturemanager")
        # Each test file starts its own capture: processes cannot share its temporary file.
        if capture is not None:
            capture.stop_global_capturing()
        gc.collect()
        gc.freeze()
        if not self._may_fork():
            session.leave(session.FAILED)
        ready = json.dumps(self._stamps()) + "\n"
        os.write(self.replies, ready.encode())
        self.job = self.serve()
        if self.job is None:
            session.leave(0)
        order = self.job.order
        session.enter_process(order)
        self.job.join_group()
        if capture is not None:
            capture.start_global_capturing()
            capture.suspend_global_capture()
        config.args = [order["file"]]
        config.option.file_or_dir = [order["file"]]
        arguments = (*order["arguments"], order["file"])
        config.invocation_params = dataclasses.replace(
            config.invocation_params, args=arguments
        )
        return self.job

    def _may_fork(self) -> bool:
        """Tell whether plugins and `conftest.py` have left a process that can fork."""
        torch: Any = sys.modules.get("torch")
        uses_device = torch is not None and torch.cuda.is_initialized()
        return threading.active_count() == 1 and not uses_device

    def _stamps(self) -> Stamps:
        """Stamp the project's files that this process depends on."""
        root = Path(self.order["folder"])
        paths = {
            file
            for module in list(sys.modules.values())
            if isinstance(file := getattr(module, "__file__", None), str)
            and file.startswith(str(root))
            and not session.is_installed(file)
        }
        folder = (root / self.order["file"]).parent
        for place in (folder, *folder.parents):
            paths |= {str(place / name) for name in _CONFIGURATION}
        stamps = {path: stamp(path) for path in paths}
        # A file that was written since the start may have been read before that: its stamp
        # must never match.
        for path, found in stamps.items():
            if found is not None and found[0] >= self.began:
                stamps[path] = (0, 0)
        return stamps

    # --- What a server does.

    def obey(self, command: dict[str, Any]) -> session.Job | None:
        if "start" in command:
            return self.start(command["start"], self.fork)
        if "signal" in command:
            if (pid := self.pids.get(command["unit"])) is not None:
                send_signal(pid, command["signal"])
        elif "retire" in command:
            self.is_retired = True
            self._end_if_done()
        elif "end" in command:
            self.end_all()
            self.is_over = True
        return None

    def reap(self) -> None:
        super().reap()
        self._end_if_done()

    def _end_if_done(self) -> None:
        if self.is_retired and not self.pids:
            self.is_over = True
