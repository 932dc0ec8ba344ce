"""Runs one test file in a process of its own, and ends what the file has started with it.

This process stands between the driver and the tests: a test that kills its parent kills this
one. It is killed with the driver, and what a test leaves behind becomes its child and is
killed at the end. Its arguments are the pipe to report to, the file of the order, and the id
of the driver's process.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import NoReturn

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def main() -> None:
    """Run the file, and end as its process did."""
    pipe, order, driver = int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    _set_process_option(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != driver:
        sys.exit(1)
    _set_process_option(_PR_SET_CHILD_SUBREAPER, 1)
    here = os.getpid()
    child = os.fork()
    if child == 0:
        _run_tests(pipe, order, here)
    os.close(pipe)
    # The signal is for the tests: this process has to tell how they end.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _, status = os.waitpid(child, 0)
    _kill_children()
    _end_likewise(os.waitstatus_to_exitcode(status))


def _run_tests(pipe: int, order: Path, parent: int) -> NoReturn:
    _set_process_option(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    # This is the module that `cargo tgen run` uses too.
    import _tgen_session as session

    text = json.loads(order.read_text(encoding="utf-8"))
    session.run_alone(session.Job(session.Channel(pipe, text["unit"]), text), None)


def _set_process_option(option: int, value: int) -> None:
    """Ask Linux for something; other systems do without it."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _kill_children() -> None:
    """End what has become a child of this process; each may leave others."""
    for _ in range(1000):
        try:
            left = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        except OSError:
            return
        for child in left:
            with contextlib.suppress(OSError):
                os.kill(int(child), signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _end_likewise(code: int) -> NoReturn:
    if code < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with contextlib.suppress(OSError, ValueError):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(abs(code))


if __name__ == "__main__":
    main()
