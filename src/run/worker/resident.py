"""A process that runs several files one after the other, so that nothing keeps them apart.

It knows no schedule: the launcher gives it a file at a time and learns when it has ended.
"""

from __future__ import annotations

import gc
import json
import os
import signal
from typing import Any, NoReturn

import _tgen_session as session


def run(pipe: int, commands: int, replies: int) -> NoReturn:
    """Run a file for each command, until the pipe of commands is closed."""
    try:
        with open(commands, "rb") as lines:
            for line in lines:
                _run_file(pipe, json.loads(line))
                os.write(replies, b"\n")
    finally:
        # Ends what the files have left behind, too.
        os.killpg(0, signal.SIGKILL)
    session.leave(0)


def _run_file(pipe: int, order: dict[str, Any]) -> None:
    job = session.Job(session.Channel(pipe, order["unit"]), order)
    try:
        session.enter_project(order)
        log = session.enter_process(order)
        status = session.run_pytest(order, session.Hooks(lambda _: job))
        session.tell_end(job, status, None)
        session.leave_log(log)
    except BaseException as error:
        session.tell_broken(job, error)
        raise
    # The next file starts with the memory that this one no longer needs. What is left is
    # not looked at again: pytest collects several times a session.
    gc.collect()
    gc.freeze()
