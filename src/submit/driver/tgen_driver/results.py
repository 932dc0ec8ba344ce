"""The lines of results: how they are put together, written and read again.

The format is that of `cargo tgen run`; `cargo tgen results` reads it.
"""

from __future__ import annotations

import json
import os
import platform
import socket
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import Any

from tgen_driver.plan import Unit

Line = dict[str, Any]
Emit = Callable[[Line], None]

_VERSION = 1
GOOD = frozenset({"passed", "skipped", "xfailed", "xpassed"})
# These say nothing of the test, which may run again.
UNKNOWN = frozenset({"blocked", "not_run", "infra_error", "interrupted"})
_WORST_FIRST = (
    *("oom", "crashed", "timed_out", "error", "failed", "infra_error", "blocked"),
    *("not_run", "passed", "xpassed", "xfailed"),
)
OUTCOMES = frozenset(_WORST_FIRST) | {"skipped"}


def now() -> str:
    """Give the time as results have it."""
    return rfc3339(datetime.now(timezone.utc).timestamp())


def rfc3339(seconds: float) -> str:
    """Give a time in seconds since 1970 as results have it."""
    time = datetime.fromtimestamp(seconds, timezone.utc)
    return time.isoformat().replace("+00:00", "Z")


def worst(outcomes: Iterable[str]) -> str:
    """Give the outcome of a unit from those of its tests."""
    seen = set(outcomes)
    return next((outcome for outcome in _WORST_FIRST if outcome in seen), "skipped")


@dataclass(frozen=True)
class Run:
    """What every line of a run repeats."""

    name: str
    shard: str | None
    # The run that this one finishes.
    rerun_of: str | None = None

    def header(self, planned: int) -> Line:
        """Give the first line of a run, or of a shard of one."""
        system = f"{platform.system().lower()}-{platform.machine()}"
        return {
            "tgen-results": _VERSION,
            "run": self.name,
            "started": now(),
            "rerun_of": self.rerun_of,
            "machine": f"{socket.gethostname()}, {system}",
            "command": " ".join(["python", *sys.argv]),
            "python": platform.python_version(),
            "torch": _version("torch"),
            "transformers": _version("transformers"),
            "shard": self.shard,
            "planned": planned,
        }

    def attempt(self, unit: Unit, nodeid: str, outcome: str, reason: str) -> Line:
        """Give an attempt of which only the outcome is known."""
        return {
            "run": self.name,
            "file": unit.file,
            "nodeid": nodeid,
            "attempt": 1,
            "model": unit.model,
            "batch": unit.batch,
            "outcome": outcome,
            "reason": reason,
            "phases": {},
            "duration": 0.0,
            "unit": unit.name,
            "test_id": unit.test_id,
            "hardware": unit.hardware,
            "started": now(),
            "shard": self.shard,
        }

    def end(self, unit: Unit, outcome: str, **known: object) -> Line:
        """Give the end of a unit."""
        return {
            "tgen-unit": unit.name,
            "run": self.name,
            "hardware": unit.hardware,
            "outcome": outcome,
            "started": now(),
            "duration": 0.0,
            "model": unit.model,
            "batch": unit.batch,
            "shard": self.shard,
            **known,
        }

    def without_start(self, unit: Unit, outcome: str, reason: str) -> list[Line]:
        """Give the lines of a unit that was never started."""
        attempt = self.attempt(unit, unit.file, outcome, reason)
        return [attempt, self.end(unit, outcome, partial=True)]


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


class Recording:
    """A results file that grows by a line at a time."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file = path.open("a+b", buffering=0)
        if _is_cut(path):
            self._file.write(b"\n")

    def add(self, line: Line) -> None:
        """Append a line, whole."""
        data = json.dumps(line).encode() + b"\n"
        while data:
            data = data[self._file.write(data) or 0 :]


def _is_cut(path: Path) -> bool:
    """Tell whether the last line has no end, because its writer was killed."""
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return False
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"


@dataclass
class Recorded:
    """What a results file already has of a run."""

    has_header: bool = False
    # The outcome of each unit that has ended, unless nothing is known of its tests.
    ended: dict[tuple[str, str], str] = field(default_factory=dict)
    # The last attempt of each test, by unit.
    tests: dict[tuple[str, str], dict[str, Line]] = field(default_factory=dict)
    # The tests with an attempt that has failed, by unit.
    failed: dict[tuple[str, str], set[str]] = field(default_factory=dict)

    def add(self, line: Line) -> None:
        """Take a line of the run."""
        if "tgen-results" in line:
            self.has_header = True
        elif "tgen-unit" in line:
            key = (line["tgen-unit"], line["hardware"])
            if line["outcome"] in UNKNOWN:
                self.ended.pop(key, None)
                return
            self.ended[key] = line["outcome"]
            if line["outcome"] in GOOD:
                # A line for the file as a whole, such as a crash before its first test,
                # no longer counts.
                tests = self.tests.get(key, {})
                self.tests[key] = {
                    name: test for name, test in tests.items() if name != test["file"]
                }
        else:
            key = (line.get("unit") or line["file"], line["hardware"])
            self.tests.setdefault(key, {})[line["nodeid"]] = line
            if line["outcome"] not in GOOD | UNKNOWN:
                self.failed.setdefault(key, set()).add(line["nodeid"])

    def counts(self, units: Iterable[tuple[str, str]]) -> Counter[str]:
        """Count how the tests of units have ended; a pass after a failure is flaky."""
        counts: Counter[str] = Counter()
        for key in units:
            failed = self.failed.get(key, set())
            for name, line in self.tests.get(key, {}).items():
                is_flaky = line["outcome"] == "passed" and name in failed
                counts["flaky" if is_flaky else line["outcome"]] += 1
        return counts


def may_take(path: Path) -> bool:
    """Tell whether results may be appended to a file: it has some, none, or is not there."""
    if not path.is_file():
        return True
    with path.open("rb") as file:
        return file.read(1) in (b"", b"{")


def read(path: Path, run: Run) -> Recorded:
    """Read what a shard of a run has recorded; a line that was cut is ignored."""
    recorded = Recorded()
    if not path.exists():
        return recorded
    with path.open("rb") as file:
        for text in file:
            try:
                line = json.loads(text)
                if (line["run"], line.get("shard")) == (run.name, run.shard):
                    recorded.add(line)
            except (ValueError, KeyError, TypeError, AttributeError):
                continue
    return recorded
