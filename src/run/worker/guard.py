"""A guard process between a test file and the process that started it, for a runner that is no subreaper.

A test that kills its parent kills the guard only. The guard dies with its own parent, and the
test file with the guard. Processes that a test leaves behind are re-parented to the guard,
which kills them at the end. It knows nothing of tests.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
import warnings
from pathlib import Path
from typing import Any, NoReturn

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
# A bound, for processes that keep forking while they are killed.
_MOST_ROUNDS = 1000


def stand_between(order: dict[str, Any]) -> None:
    """Fork, if the order asks for a guard: the child returns to run the file, this process guards it."""
    if not order.get("guarded"):
        return
    starter = os.getppid()
    _end_with_parent(starter)
    _set_process_option(_PR_SET_CHILD_SUBREAPER, 1)
    here = os.getpid()
    child = fork()
    if child == 0:
        _end_with_parent(here)
        return
    # These signals are meant for the tests; the guard has to report how they end.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _, status = os.waitpid(child, 0)
    _kill_children()
    _end_likewise(os.waitstatus_to_exitcode(status))


def fork() -> int:
    """Fork without the warning that there are threads."""
    with warnings.catch_warnings():
        # Threads of numeric libraries do not matter: the forked process starts its own.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _end_with_parent(parent: int) -> None:
    _set_process_option(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _set_process_option(option: int, value: int) -> None:
    """Call `prctl` on Linux; other systems do without it."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _kill_children() -> None:
    """Kill the children of this process until none is left: each may leave children of its own."""
    for _ in range(_MOST_ROUNDS):
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
    """End as the child did: by the same signal, or with the same exit code."""
    if code < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with contextlib.suppress(OSError, ValueError):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(abs(code))
