"""Results: a line for each attempt of a test, with an identity of its own.

`run`, `file`, `nodeid`, `platform` and `attempt` identify a line. This module puts lines
together from pytest's reports; it does not know what is tested.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

PHASES = ("setup", "call", "teardown")
# From worst to best: the worst outcome of a phase is the outcome of the attempt.
_OUTCOMES = ("crashed", "failed", "interrupted", "skipped", "xfailed", "xpassed")
_LONGEST_REASON = 300
# How the reason begins that skips a test of a model type that is too new.
UNKNOWN = "the kit does not know"


def outcome_of(report: pytest.TestReport) -> str:
    """Name the outcome of a phase, as the lines name it."""
    if hasattr(report, "wasxfail"):
        return {"skipped": "xfailed", "passed": "xpassed"}[report.outcome]
    # pytest-rerunfailures gives a failed attempt that it repeats the outcome `rerun`.
    is_rerun = report.outcome not in ("passed", "failed", "skipped")
    return "failed" if is_rerun else report.outcome


def reason_of(report: pytest.TestReport) -> str:
    """Say why a phase did not pass; empty when it did."""
    if hasattr(report, "wasxfail"):
        return str(report.wasxfail).removeprefix("reason: ")
    if report.skipped and isinstance(report.longrepr, tuple):
        return report.longrepr[2].removeprefix("Skipped: ")
    if report.passed:
        return ""
    return str(getattr(report.longrepr, "reprcrash", report.longrepr) or "")


@dataclass
class Attempt:
    """One run of one test, phase by phase."""

    nodeid: str
    number: int
    worker: str | None
    facts: dict[str, Any] = field(default_factory=dict)
    phases: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    subtests: Counter[str] = field(default_factory=Counter)
    duration: float = 0

    def add(self, report: pytest.TestReport) -> None:
        """Take the report of a phase, or of a subtest."""
        self.facts |= getattr(report, "tgen", {})
        outcome, reason = outcome_of(report), reason_of(report)
        if hasattr(report, "context"):
            self.subtests[outcome] += 1
            outcome = f"subtest {outcome}"
        else:
            self.phases[report.when or "call"] = outcome
            self.duration += report.duration
        if reason:
            self.reasons.setdefault(outcome, reason)

    def end(self, outcome: str, reason: str) -> None:
        """End in the first phase that has not ended."""
        running = next((phase for phase in PHASES if phase not in self.phases), "call")
        self.phases[running] = outcome
        self.reasons.setdefault(outcome, reason)

    @property
    def outcome(self) -> str:
        """The worst outcome of all phases and subtests."""
        seen = set(self.phases.values()) | ({"failed"} & self.subtests.keys())
        return next((outcome for outcome in _OUTCOMES if outcome in seen), "passed")

    @property
    def reason(self) -> str:
        """Why the attempt did not pass, or what a test that passed has noted."""
        outcomes = (f"subtest {self.outcome}", self.outcome)
        known = (self.reasons[name] for name in outcomes if name in self.reasons)
        return next(known, self.facts.get("reason") or "")[:_LONGEST_REASON]

    def line(self, run: str) -> dict[str, Any]:
        """Give the line of JSON, as a dictionary."""
        facts = self.facts
        subtests = {"subtests": dict(self.subtests)} if self.subtests else {}
        planned = {"test_id": facts["test_id"]} if facts.get("test_id") else {}
        return {
            "run": run,
            "file": self.nodeid.partition("::")[0],
            "nodeid": self.nodeid,
            "platform": facts.get("platform"),
            "attempt": self.number,
            **planned,
            "model": facts.get("model"),
            "test": facts.get("test"),
            "task": facts.get("task"),
            "batch": facts.get("batch"),
            "implementation": facts.get("implementation"),
            "device": facts.get("device"),
            "precision": facts.get("precision"),
            "outcome": self.outcome,
            "reason": self.reason,
            "phases": self.phases,
            **subtests,
            "duration": round(self.duration, 4),
            "peak_memory": facts.get("peak_memory"),
            "worker": self.worker,
        }


class Recorder:
    """Follows the reports of a session, and gives a line when an attempt has ended."""

    def __init__(self, run: str, write: Callable[[dict[str, Any]], None]) -> None:
        self.run = run
        self.write = write
        self.implementations: Counter[str] = Counter()
        self.attempts: Counter[str] = Counter()
        # How many tests were skipped for each model type that is not known yet.
        self.unknown: Counter[str] = Counter()
        self._open: dict[tuple[str, str | None], Attempt] = {}

    def add(self, report: pytest.TestReport, worker: str | None) -> None:
        """Take a report of a generated test."""
        attempt = self._open.get((report.nodeid, worker))
        if attempt is not None and report.when == "setup" and attempt.phases:
            # Some releases of pytest-rerunfailures do not report the teardown.
            self._close(attempt)
            attempt = None
        attempt = attempt or self._start(report.nodeid, worker)
        # pytest-xdist reports the crash of a worker with this phase.
        if report.when == "???":
            attempt.facts = {**getattr(report, "tgen", {}), **attempt.facts}
            attempt.end("crashed", str(report.longrepr))
            self._close(attempt)
            return
        attempt.add(report)
        if report.when == "teardown" and not hasattr(report, "context"):
            self._close(attempt)

    def close(self) -> None:
        """Write the attempts that had not ended when the session did."""
        for attempt in list(self._open.values()):
            if attempt.outcome != "failed":
                attempt.end("interrupted", "the session ended before the test did")
            self._close(attempt)

    def _start(self, nodeid: str, worker: str | None) -> Attempt:
        self.attempts[nodeid] += 1
        attempt = Attempt(nodeid, self.attempts[nodeid], worker)
        self._open[nodeid, worker] = attempt
        return attempt

    def _close(self, attempt: Attempt) -> None:
        del self._open[attempt.nodeid, attempt.worker]
        line = attempt.line(self.run)
        if line["outcome"] == "passed" and line["implementation"]:
            self.implementations[line["implementation"]] += 1
        if line["outcome"] == "skipped" and line["reason"].startswith(UNKNOWN):
            self.unknown[line["model"]] += 1
        self.write(line)
