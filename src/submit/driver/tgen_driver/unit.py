"""A unit that runs: a process group for its file, watched until all of its tests have ended.

Whatever a test does to its process, each collected test gets exactly one line. This
module knows neither which units there are nor how processes are started.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tgen_driver.launcher import Launcher, signal_group
from tgen_driver.plan import Unit
from tgen_driver.results import (
    GOOD,
    OUTCOMES,
    UNKNOWN,
    Emit,
    Line,
    Run,
    now,
    rfc3339,
    worst,
)
from tgen_driver.schedule import in_bytes

_LONGEST_LOG = 16 << 20
_LOG_END = 16 << 10
# How long a process may take to end after it was asked to.
_GRACE = 5.0
# After so many timeouts, the rest of a file is not run.
_MOST_TIMEOUTS = 3
# The exit statuses of pytest that do not follow from its tests.
_INTERNAL_ERROR, _USAGE_ERROR = 3, 4
_MEMORY_INTERVAL = 0.25
# What is tried again where the command line does not say.
RETRIED = ("crashed", "timed_out", "infra_error")
# Messages that a process sends at most once: each sets the attribute of its name.
_NOTED = frozenset({"collected", "uncollected", "end", "broken"})
# The most failures whose text is kept until their test ends, and how much of it is recorded.
_MOST_FAILURES = 64
_LONGEST_FAILURE = 4096
# A bound, for a tree of processes that grows while it is read.
_LARGEST_TREE = 1024
_SIGNALS = {number.value: number.name for number in signal.Signals}


@dataclass(frozen=True)
class Retries:
    """What is tried again."""

    # How often.
    count: int = 0
    # Outcomes, and parts of the reasons of failures.
    on: tuple[str, ...] = RETRIED

    def wants(self, line: Line) -> bool:
        """Tell whether a test that ended so is tried again."""
        if line["attempt"] > self.count:
            return False
        outcome, reason = line["outcome"], line["reason"]
        return any(
            outcome == on
            or (on not in OUTCOMES and outcome not in GOOD and on in reason)
            for on in self.on
        )


@dataclass(frozen=True)
class Setting:
    """Where a unit runs and what it may use."""

    run: Run
    # The folder that has the files of the bundle.
    files: Path
    # An empty folder for what pytest prints.
    scratch: Path
    arguments: tuple[str, ...]
    # The most memory that all processes of a unit may have together.
    memory: int
    device: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    retries: Retries = field(default_factory=Retries)


@dataclass
class _Process:
    """One process of a unit, and what it has reported."""

    # The number of its start.
    start: int
    log: Path
    # Its id, which is its group's too, and when its time is up; none until it has started.
    pid: int | None = None
    deadline: float | None = None
    collected: list[str] = field(default_factory=list)
    finished: set[str] = field(default_factory=set)
    # The test that runs, and since when.
    current: tuple[str, float] | None = None
    uncollected: str | None = None
    broken: str | None = None
    end: int | None = None
    # What pytest says of failures, by test.
    failures: dict[str, str] = field(default_factory=dict)
    # Whether one of its tests ended it.
    has_culprit: bool = False
    # Why it is ended from outside: the outcome and the reason; and when it was asked.
    cause: tuple[str, str] | None = None
    asked: float = 0.0
    is_killed: bool = False

    def left(self) -> list[str]:
        return [test for test in self.collected if test not in self.finished]


class RunningUnit:
    """A unit that runs, in as many processes one after another as it takes."""

    def __init__(
        self,
        unit: Unit,
        setting: Setting,
        launcher: Launcher,
        recorded: Mapping[str, Line],
        emit: Emit,
    ) -> None:
        self.unit = unit
        self._setting = setting
        self._launcher = launcher
        self._emit = emit
        self._started, self._began = now(), time.monotonic()
        # A test that has a line of this run does not run again, unless that says nothing of it.
        known = {name: line for name, line in recorded.items() if _is_known(line)}
        self._left_out = [*known, *unit.passed]
        self._last = dict(known)
        self._attempts = {name: line["attempt"] for name, line in recorded.items()}
        self._timeouts = 0
        self._memory_peak: int | None = None
        self._device_memory_peak: int | None = None
        self._implementation: str | None = None
        self._measured = 0.0
        # The outcome of the unit, once it has ended.
        self.outcome: str | None = None
        self._process = self._start(only=None, skip=self._left_out)

    @property
    def began(self) -> float:
        """When it began, on the monotonic clock."""
        return self._began

    def step(self) -> None:
        """Handle the messages of its process, and check its limits of time and memory."""
        for kind, content in self._launcher.take(self._process.start):
            self._on_message(kind, content)
        if self.outcome is None:
            self._check_limits()

    def stop(self, reason: str) -> None:
        """End it before its time; `step` records the rest."""
        self._end(("not_run", reason), signal.SIGTERM)

    def kill(self) -> None:
        """Kill its processes, and record nothing."""
        process = self._process
        self._launcher.signal(process.start, process.pid, signal.SIGKILL)

    # --- Starting.

    def _start(self, only: list[str] | None, skip: list[str]) -> _Process:
        name = f"{self.unit.hardware}-{abs(hash(self.unit.key))}-{time.monotonic_ns()}"
        log = self._setting.scratch / f"{name}.log"
        order = {
            "run": self._setting.run.name,
            "folder": str(self._setting.files),
            "file": self.unit.file,
            "log": str(log),
            "arguments": [
                f"--rootdir={self._setting.files}",
                *self._setting.arguments,
            ],
            "environment": self._environment(),
            "own_environment": {"TGEN_RUN_ID": self._setting.run.name},
            "unset": ["TGEN_RESULTS", "PYTEST_XDIST_TESTRUNUID"],
            "only": only,
            "skip": skip,
            "is_first": self.unit.place != "later",
        }
        return _Process(self._launcher.start(order), log)

    def _environment(self) -> dict[str, str]:
        environment = dict(self._setting.environment)
        platforms = {
            "first": f"{self.unit.hardware},none",
            "later": self.unit.hardware,
        }
        if self.unit.place in platforms:
            environment["TGEN_PLATFORMS"] = platforms[self.unit.place]
        return environment

    # --- Messages of the process.

    def _on_message(self, kind: str, content: Any) -> None:
        process = self._process
        if kind in _NOTED:
            setattr(process, kind, content)
        elif kind == "started":
            process.pid = content["pid"]
            process.deadline = time.monotonic() + self.unit.timeout
        elif kind == "test":
            process.current = (content, time.time())
        elif kind == "interrupted":
            process.has_culprit = True
        elif kind == "failure":
            self._add_failure(content["nodeid"], content["text"])
        elif kind == "line":
            self._on_line(content)
        elif kind == "exited":
            self._on_exit(content["code"])
        elif kind == "unstarted":
            self._on_lost(f"no process could be started: {content['reason']}")
        elif kind == "lost":
            self._on_lost(content)

    def _on_lost(self, reason: str) -> None:
        process = self._process
        process.cause = process.cause or ("infra_error", reason)
        self._on_exit(1)

    def _add_failure(self, nodeid: str, text: str) -> None:
        failures = self._process.failures
        if nodeid in failures or len(failures) < _MOST_FAILURES:
            failures[nodeid] = (
                f"{failures[nodeid]}\n{text}" if nodeid in failures else text
            )

    def _on_line(self, line: Line) -> None:
        process = self._process
        process.current = None
        process.finished.add(line["nodeid"])
        started = line.pop("started", None)
        line["started"] = rfc3339(started) if started else None
        if process.cause is not None and line["outcome"] not in GOOD:
            # It was asked to end in the middle of the test.
            process.has_culprit = True
            line["outcome"], line["reason"] = process.cause
        self._record(line)

    # --- Limits.

    def _check_limits(self) -> None:
        process, clock = self._process, time.monotonic()
        if process.pid is not None and clock - self._measured > _MEMORY_INTERVAL:
            self._measured = clock
            memory = _memory(process.pid)
            self._memory_peak = max(self._memory_peak or 0, memory) or None
            _shorten(process.log)
            if memory > self._setting.memory:
                most = in_bytes(self._setting.memory)
                reason = f"it was ended because it needed more than {most} of memory"
                self._end(("oom", reason), signal.SIGKILL)
        is_late = process.deadline is not None and clock > process.deadline
        if process.cause is None and is_late:
            reason = f"it was ended after {self.unit.timeout:g} s"
            self._end(("timed_out", reason), signal.SIGTERM)
        elif process.cause is not None and clock - process.asked > _GRACE:
            self._end(process.cause, signal.SIGKILL)

    def _end(self, cause: tuple[str, str], number: signal.Signals) -> None:
        process = self._process
        if process.cause is None:
            process.cause, process.asked = cause, time.monotonic()
        if not process.is_killed:
            process.is_killed = number == signal.SIGKILL
            self._launcher.signal(process.start, process.pid, number)

    # --- The end of a process.

    def _on_exit(self, code: int) -> None:
        process = self._process
        if process.pid is not None:
            # Ends what the file has left behind.
            signal_group(process.pid, signal.SIGKILL)
        if process.end is None or process.cause or process.broken:
            self._on_sudden_end(code)
        else:
            self._on_ordinary_end(process.end)
        process.log.unlink(missing_ok=True)
        self._go_on_or_conclude()

    def _go_on_or_conclude(self) -> None:
        left, may_go_on = self._process.left(), self._may_go_on()
        if left and self._process.has_culprit and may_go_on:
            self._process = self._start(only=left, skip=[])
            return
        self._record_rest("the file was ended before this test")
        wanted = self._to_retry()
        if not wanted or self._is_stopped():
            self._conclude()
        elif self.unit.file in wanted:
            # The line for the file as a whole no longer counts once its tests have run.
            del self._last[self.unit.file]
            good = [
                name for name, line in self._last.items() if line["outcome"] in GOOD
            ]
            self._process = self._start(only=None, skip=[*good, *self.unit.passed])
        else:
            self._process = self._start(only=wanted, skip=[])

    def _to_retry(self) -> list[str]:
        """Name what is tried again."""
        wants = self._setting.retries.wants
        return [name for name, line in self._last.items() if wants(line)]

    def _is_stopped(self) -> bool:
        cause = self._process.cause
        return cause is not None and cause[0] == "not_run"

    def _may_go_on(self) -> bool:
        return not self._is_stopped() and self._timeouts < _MOST_TIMEOUTS

    def _on_ordinary_end(self, status: int) -> None:
        process = self._process
        if process.uncollected is not None:
            lines = [line for line in process.uncollected.splitlines() if line.strip()]
            reason = lines[-1].strip() if lines else "it cannot be collected"
            self._record_whole("error", reason, process.uncollected)
        elif status in (_USAGE_ERROR, _INTERNAL_ERROR):
            log = _log_end(process.log)
            lines = [line for line in log if "error" in line.lower()]
            reason = lines[-1].strip() if lines else "pytest could not run the file"
            self._record_whole("error", reason, "\n".join(log))
        elif not process.has_culprit:
            self._record_rest("pytest stopped before this test")

    def _on_sudden_end(self, code: int) -> None:
        process = self._process
        if process.cause is not None:
            outcome, reason = process.cause
        elif process.broken is not None:
            outcome, reason = "error", process.broken
        else:
            outcome, reason = "crashed", _words_for_exit(code)
        self._timeouts += outcome == "timed_out"
        line = _innermost_line(_log_end(process.log), self.unit.file)
        if line is not None:
            reason = f"{self.unit.file}:{line}: {reason}"
        if process.current is not None:
            nodeid, started = process.current
            process.finished.add(nodeid)
            process.has_culprit = True
            attempt = self._setting.run.attempt(self.unit, nodeid, outcome, reason)
            attempt["started"] = rfc3339(started)
            attempt["duration"] = round(max(0.0, time.time() - started), 4)
            self._record(attempt)
        elif not process.has_culprit:
            self._record_whole(outcome, reason)

    def _record_whole(self, outcome: str, reason: str, text: str = "") -> None:
        """Record the outcome of the unit as a whole, where no test is to blame."""
        run = self._setting.run
        self._process.failures[self.unit.file] = text
        self._record(run.attempt(self.unit, self.unit.file, outcome, reason))

    def _record_rest(self, reason: str) -> None:
        run, process = self._setting.run, self._process
        for nodeid in process.left():
            process.finished.add(nodeid)
            self._record(run.attempt(self.unit, nodeid, "not_run", reason))

    def _record(self, line: Line) -> None:
        nodeid = line["nodeid"]
        self._attempts[nodeid] = self._attempts.get(nodeid, 0) + 1
        peak = line.get("device_memory_peak")
        if peak is not None:
            self._device_memory_peak = max(self._device_memory_peak or 0, peak)
        implementation = line.get("implementation")
        if implementation == "REAL" or self._implementation is None:
            self._implementation = implementation
        self._last[nodeid] = line
        # The folder that the bundle was unpacked to differs between machines.
        line["reason"] = line["reason"].removeprefix(f"{self._setting.files}{os.sep}")
        unit, run = self.unit, self._setting.run
        line |= {
            "run": run.name,
            "attempt": self._attempts[nodeid],
            "unit": unit.name,
            "test_id": unit.test_id,
            "model": line.get("model") or unit.model,
            "hardware": unit.hardware,
            "device": self._setting.device,
            "memory_peak": self._memory_peak,
            "shard": run.shard,
        }
        if text := self._process.failures.pop(nodeid, ""):
            line["log"] = text[-_LONGEST_FAILURE:]
        if line.get("batch") is None:
            line["batch"] = unit.batch
        self._emit(line)

    def _conclude(self) -> None:
        is_stopped = self._process.cause is not None and not self._may_go_on()
        self.outcome = worst(line["outcome"] for line in self._last.values())
        end = self._setting.run.end(
            self.unit,
            self.outcome,
            started=self._started,
            duration=round(time.monotonic() - self._began, 4),
            implementation=self._implementation,
            device=self._setting.device,
            memory_peak=self._memory_peak,
            device_memory_peak=self._device_memory_peak,
            **({"partial": True} if self._left_out or is_stopped else {}),
        )
        self._emit(end)


def _is_known(line: Line) -> bool:
    return line["outcome"] not in UNKNOWN


def _words_for_exit(code: int) -> str:
    if code >= 0:
        return f"the process ended with exit status {code} in the middle"
    name = _SIGNALS.get(-code, f"signal {-code}")
    return f"the process was ended by {name}"


def _log_end(log: Path) -> list[str]:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _LOG_END))
            return file.read(_LOG_END).decode(errors="replace").splitlines()
    except OSError:
        return []


def _innermost_line(log: list[str], file: str) -> int | None:
    """Find where a test was when a signal came, as the fault handler has written it."""
    starts = [at for at, line in enumerate(log) if line.startswith("Current thread")]
    if not starts:
        return None
    name = re.escape(Path(file).name)
    for line in log[starts[-1] :]:
        if found := re.search(rf'{name}", line (\d+)', line):
            return int(found[1])
    return None


def _shorten(log: Path) -> None:
    """Empty a log that has grown too large."""
    with contextlib.suppress(OSError):
        if log.stat().st_size > _LONGEST_LOG:
            # The process appends to it, so it continues at the new end.
            os.truncate(log, 0)


def _memory(guard: int) -> int:
    """Give the memory of the tests and all that they have started, where `/proc` tells."""
    tests = _children(guard)
    tree = list(tests)
    for process in tree:
        if len(tree) < _LARGEST_TREE:
            tree += _children(process)
    pages = 0
    for process in tree:
        with contextlib.suppress(OSError, ValueError, IndexError):
            statm = Path(f"/proc/{process}/statm").read_text().split()
            # What a process shares with the one that it comes from counts once.
            shared = 0 if process in tests else int(statm[2])
            pages += int(statm[1]) - shared
    return pages * os.sysconf("SC_PAGE_SIZE")


def _children(process: int) -> list[int]:
    found: list[int] = []
    # A process may end while it is looked at.
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{process}/task").iterdir():
            with contextlib.suppress(OSError, ValueError):
                found += map(int, (thread / "children").read_text().split())
    return found
