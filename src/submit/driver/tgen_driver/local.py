"""Runs the units of a plan on this machine, as many at a time as it has room for.

It does not know how a unit runs its file.
"""

from __future__ import annotations

import select
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from tgen_driver import machine
from tgen_driver.launcher import Launcher
from tgen_driver.machine import Device, Machine, visible
from tgen_driver.plan import Plan
from tgen_driver.results import GOOD, Line, Recorded, Recording, Run
from tgen_driver.schedule import Dependencies, Queue, Start
from tgen_driver.unit import Retries, RunningUnit, Setting

_TICK = 0.05


@dataclass
class LocalRun:
    """A run of a plan on this machine."""

    plan: Plan
    run: Run
    machine: Machine
    files: Path
    recording: Recording
    # What an earlier try of the same run and shard has recorded.
    recorded: Recorded
    is_interrupted: Callable[[], bool]
    retries: Retries = field(default_factory=Retries)
    _running: dict[int, RunningUnit] = field(default_factory=dict)
    _is_stopped: bool = False

    def execute(self) -> None:
        """Run all units; every line is recorded as it comes."""
        if not self.recorded.has_header:
            self.recording.add(self.run.header(len(self.plan.units)))
        self._dependencies = Dependencies(self.plan)
        self._queue = Queue(self.plan, self.machine)
        self._launcher = Launcher(machine.threads_each(self.machine.jobs))
        with tempfile.TemporaryDirectory(prefix="tgen-") as scratch:
            self._setting = Setting(
                self.run,
                self.files,
                Path(scratch),
                self.plan.arguments,
                self.machine.memory,
                retries=self.retries,
            )
            try:
                self._work()
            finally:
                for unit in self._running.values():
                    unit.kill()
                self._launcher.end()

    def _work(self) -> None:
        self._add_ready()
        while True:
            if self.is_interrupted() and not self._is_stopped:
                self._stop()
            self._start_what_may()
            if not self._running:
                break
            select.select([self._launcher.pipe], [], [], _TICK)
            self._launcher.read()
            for at, unit in list(self._running.items()):
                unit.step()
                if unit.outcome is not None:
                    del self._running[at]
                    self._queue.ended(at)
                    self._on_end(at, unit.outcome)
        if not self._is_stopped:
            self._block(self._dependencies.rest(), "it depends on itself")

    def _stop(self) -> None:
        self._is_stopped = True
        for unit in self._running.values():
            unit.stop("the run was interrupted")

    def _add_ready(self) -> None:
        """Queue the units that may start, and skip those that an earlier try has ended."""
        while ready := self._dependencies.ready():
            can_run = []
            for at in ready:
                unit = self.plan.units[at]
                before = self.recorded.ended.get(unit.key)
                refusal = self._queue.refusal(unit)
                if before is not None:
                    self._release(at, before)
                elif refusal is not None:
                    self._block([at], refusal)
                    self._release(at, "blocked")
                else:
                    can_run.append(at)
            self._queue.add(can_run)

    def _start_what_may(self) -> None:
        while not self._is_stopped and (start := self._queue.next()):
            try:
                self._running[start.unit] = self._started(start)
            except OSError as error:
                unit = self.plan.units[start.unit]
                reason = f"no process could be started: {error.strerror}"
                for line in self.run.without_start(unit, "infra_error", reason):
                    self._emit(line)
                self._queue.ended(start.unit)
                self._on_end(start.unit, "infra_error")

    def _started(self, start: Start) -> RunningUnit:
        unit = self.plan.units[start.unit]
        setting = self._setting
        if start.device is not None:
            setting = _with_device(setting, start.device)
        recorded = self.recorded.tests.get(unit.key, {})
        return RunningUnit(unit, setting, self._launcher, recorded, self._emit)

    def _on_end(self, at: int, outcome: str) -> None:
        self._release(at, outcome)
        self._add_ready()

    def _release(self, at: int, outcome: str) -> None:
        self._block(*self._dependencies.ended(at, outcome))

    def _block(self, units: list[int], reason: str) -> None:
        for at in units:
            unit = self.plan.units[at]
            before = self.recorded.tests.get(unit.key, {}).get(unit.file, {})
            # What an earlier try has recorded is not repeated.
            if (before.get("outcome"), before.get("reason")) != ("blocked", reason):
                for line in self.run.without_start(unit, "blocked", reason):
                    self._emit(line)

    def _emit(self, line: Line) -> None:
        self.recording.add(line)
        self.recorded.add(line)
        if "nodeid" in line and line["outcome"] not in GOOD:
            say(f"{line['outcome']} {line['nodeid']} on {line['hardware']}")
            say(f"  {line['reason']}")


def _with_device(setting: Setting, device: Device) -> Setting:
    return replace(setting, device=device.label, environment=visible(device))


def say(text: str) -> None:
    """Print a line, without control characters from tests that would steer the terminal."""
    shown = "".join(
        one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text
    )
    sys.stdout.write(shown.replace("##[", "# #[") + "\n")
    sys.stdout.flush()


def elapsed(since: float) -> str:
    """Show how long something took."""
    return f"{time.monotonic() - since:.2f} s"
