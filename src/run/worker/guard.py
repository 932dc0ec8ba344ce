"""A process between a test file and what has started it, for a runner that adopts no orphans.

A test that kills its parent kills this process. It dies with what has started it, and the test file with it. What a test
leaves behind becomes its child, and is killed at the end. It knows nothing of tests.
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
# What goes on starting others while it is killed is not followed for ever.
_MOST_ROUNDS = 1000


def stand_between(order: dict[str, Any]) -> None:
    """Let the file of an order run in a new process, if it is to have a guard: this one."""
    if not order.get("guarded"):
        return
    starter = os.getppid()
    _end_with_parent(starter)
    _set_process_option(_PR_SET_CHILD_SUBREAPER, 1)
    here = os.getpid()
    with warnings.catch_warnings():
        # The threads of numeric libraries do not matter: they start anew.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        _end_with_parent(here)
        return
    # These are for the tests: this process has to tell how they end.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _, status = os.waitpid(child, 0)
    _kill_children()
    _end_likewise(os.waitstatus_to_exitcode(status))


def _end_with_parent(parent: int) -> None:
    _set_process_option(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _set_process_option(option: int, value: int) -> None:
    """Ask Linux for something; other systems do without it."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _kill_children() -> None:
    """End what has become a child of this process; each may leave others."""
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
    if code < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with contextlib.suppress(OSError, ValueError):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(abs(code))
