"""Runs the units of a plan on a Ray cluster: this process is the driver of a Ray job.

A unit is a task of Ray. Ray knows what a task needs, but neither priorities nor dependencies:
this module applies both. Results go to the client through this process's output, which is
the log of the job. Verdicts follow from results alone, so that a worker that is lost can
never make a test pass.
"""

from __future__ import annotations

import base64
import json
import os
import select
import tempfile
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import OutOfMemoryError

from tgen_driver import machine
from tgen_driver.launcher import Launcher
from tgen_driver.local import say
from tgen_driver.plan import Plan, Unit
from tgen_driver.results import Line, Recorded, Run
from tgen_driver.schedule import Dependencies, in_bytes
from tgen_driver.unit import Retries, RunningUnit, Setting

# The prefix of a line of the job's log that has results.
PREFIX = "tgen-results: "
# The most bytes of results in one line of the log, before they are compressed.
_LARGEST_MESSAGE = 1 << 20
# How often a unit is tried whose worker was lost.
_MOST_TRIES = 3
_FEWEST_SUBMITTED = 4
_TICK = 0.05
_WAIT = 1.0
_MOST_NODES = 4
# What Ray calls the devices, where the command line does not say.
_DEVICES = {"cuda": "GPU", "rocm": "GPU"}


def execute(
    plan: Plan, name: str, devices: Mapping[str, str], retries: Retries
) -> Counter[str]:
    """Run the units of a plan, and count how their tests have ended."""
    ray.init(log_to_driver=False, logging_level="warning")
    cluster = Cluster.now({**_DEVICES, **devices})
    driver = Driver(plan, Run(name, None, plan.rerun_of), cluster, retries)
    driver.execute()
    return driver.outcomes


# --- What the cluster has.


@dataclass(frozen=True)
class Cluster:
    """The resources of the nodes, and what they call the devices."""

    nodes: tuple[dict[str, float], ...]
    devices: Mapping[str, str]

    @staticmethod
    def now(devices: Mapping[str, str]) -> Cluster:
        """Ask Ray for the nodes that are there."""
        alive = [node for node in ray.nodes() if node["Alive"]]
        return Cluster(tuple(node["Resources"] for node in alive), devices)

    def needs(self, unit: Unit) -> dict[str, float]:
        """Say what a unit needs, as Ray calls it."""
        largest = max((node.get("memory", 0.0) for node in self.nodes), default=0.0)
        # A guess beyond the largest node is cut to that: the unit then runs alone on it.
        memory = unit.memory if unit.memory_is_known else min(unit.memory, largest)
        needs = {"CPU": 1.0, "memory": float(int(memory))}
        if unit.hardware != "cpu":
            needs[self.devices.get(unit.hardware, unit.hardware)] = 1.0
        return needs

    def refusal(self, unit: Unit) -> str | None:
        """Say why no node can ever run a unit."""
        needs = self.needs(unit)
        if any(_has(node, needs) for node in self.nodes):
            return None
        nodes = Counter(_in_words(node) for node in self.nodes)
        told = [f"{count} x {words}" for words, count in nodes.most_common(_MOST_NODES)]
        there = "; ".join(told) or "none"
        return f"no node has {_in_words(needs)}; the nodes: {there}"

    def slots(self, hardware: str) -> int:
        """Tell how many units of a hardware type can run at a time, at most."""
        name = "CPU" if hardware == "cpu" else self.devices.get(hardware, hardware)
        return int(sum(node.get(name, 0.0) for node in self.nodes))


def _has(node: dict[str, float], needs: dict[str, float]) -> bool:
    return all(node.get(name, 0.0) >= amount for name, amount in needs.items())


def _in_words(resources: Mapping[str, float]) -> str:
    """Show resources, without those that Ray makes for itself."""
    words = []
    for name in sorted(resources):
        if name == "memory":
            words.append(f"{in_bytes(int(resources[name]))} of memory")
        elif ":" not in name and name != "object_store_memory":
            words.append(f"{resources[name]:g} {name}")
    return ", ".join(words)


# --- The driver.


@dataclass
class Driver:
    """A run of a plan on a cluster."""

    plan: Plan
    run: Run
    cluster: Cluster
    retries: Retries
    outcomes: Counter[str] = field(default_factory=Counter)
    _submitted: dict[Any, tuple[int, int]] = field(default_factory=dict)
    _ready: list[int] = field(default_factory=list)
    _done: int = 0

    def execute(self) -> None:
        """Run all units."""
        send([self.run.header(len(self.plan.units))])
        self._dependencies = Dependencies(self.plan)
        self._add_ready()
        while True:
            self._submit_what_may()
            if not self._submitted:
                break
            found, _ = ray.wait(list(self._submitted), timeout=_WAIT)
            if found:
                # Others may have ended meanwhile.
                tasks = list(self._submitted)
                found, _ = ray.wait(tasks, num_returns=len(tasks), timeout=0)
            for task in found:
                self._on_end(task)
        self._block(self._dependencies.rest(), "it depends on itself")

    def _add_ready(self) -> None:
        while ready := self._dependencies.ready():
            for at in ready:
                refusal = self.cluster.refusal(self.plan.units[at])
                if refusal is None:
                    self._ready.append(at)
                else:
                    self._block([at], refusal)
                    self._release(at, "blocked")
        units = self.plan.units
        self._ready.sort(key=lambda at: (units[at].priority, -units[at].expected, at))

    def _submit_what_may(self) -> None:
        """Submit few more than can run: enough that no device idles, too few for Ray to reorder."""
        submitted = Counter(
            self.plan.units[at].hardware for at, _ in self._submitted.values()
        )
        for at in list(self._ready):
            hardware = self.plan.units[at].hardware
            most = max(_FEWEST_SUBMITTED, 2 * self.cluster.slots(hardware))
            if submitted[hardware] < most:
                submitted[hardware] += 1
                self._ready.remove(at)
                self._submit(at, tries=1)

    def _submit(self, at: int, tries: int) -> None:
        unit = self.plan.units[at]
        needs = self.cluster.needs(unit)
        options = {
            "num_cpus": needs.pop("CPU"),
            "num_gpus": needs.pop("GPU", 0),
            "memory": needs.pop("memory"),
            "resources": needs,
            # A task that is tried again in silence would hide that a worker was lost.
            "max_retries": 0,
            "name": unit.name,
        }
        what = (unit, self.run, self.plan.arguments, self.retries)
        task = _run_unit.options(**options).remote(*what)
        self._submitted[task] = (at, tries)

    def _on_end(self, task: Any) -> None:
        at, tries = self._submitted.pop(task)
        unit = self.plan.units[at]
        try:
            lines = ray.get(task)
        except OutOfMemoryError:
            reason = "Ray ended the process because the node was short of memory"
            lines = self.run.without_start(unit, "oom", reason)
        except Exception as error:  # noqa: BLE001 -- whatever Ray has lost
            reason = f"a worker of Ray was lost: {_first_line(error)}"
            if tries < _MOST_TRIES:
                say(f"{unit.name} on {unit.hardware} runs again: {reason}")
                self._submit(at, tries + 1)
                return
            lines = self.run.without_start(unit, "infra_error", reason)
        outcome = self._tell(unit, lines)
        self._release(at, outcome)
        self._add_ready()

    def _tell(self, unit: Unit, lines: list[Line]) -> str:
        outcome = str(lines[-1]["outcome"])
        self._done += 1
        recorded = Recorded()
        for line in lines:
            recorded.add(line)
        self.outcomes += recorded.counts([unit.key])
        send(lines)
        planned = len(self.plan.units)
        say(f"{self._done} of {planned}: {outcome} {unit.name} on {unit.hardware}")
        return outcome

    def _release(self, at: int, outcome: str) -> None:
        self._block(*self._dependencies.ended(at, outcome))

    def _block(self, units: list[int], reason: str) -> None:
        for at in units:
            unit = self.plan.units[at]
            self._tell(unit, self.run.without_start(unit, "blocked", reason))


def send(lines: list[Line]) -> None:
    """Write results to the log, in lines that the client reads."""
    message: list[bytes] = []
    for line in lines:
        message.append(json.dumps(line).encode() + b"\n")
        if sum(map(len, message)) > _LARGEST_MESSAGE:
            _send(message)
            message = []
    if message:
        _send(message)


def _send(message: list[bytes]) -> None:
    packed = base64.b64encode(zlib.compress(b"".join(message)))
    print(PREFIX + packed.decode(), flush=True)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300] if lines else ''}"


# --- On a worker.


# Ray reuses its workers: this launcher serves all units that run in this one.
_launcher: Launcher | None = None


@ray.remote
def _run_unit(
    unit: Unit, run: Run, arguments: tuple[str, ...], retries: Retries
) -> list[Line]:
    """Run a unit in this worker of Ray, and give its lines once it has ended."""
    global _launcher
    _launcher = _launcher or Launcher()
    lines: list[Line] = []
    files = Path(__file__).resolve().parent.parent / "files"
    with tempfile.TemporaryDirectory(prefix="tgen-") as scratch:
        setting = Setting(
            run,
            files,
            Path(scratch),
            arguments,
            machine.memory(),
            environment=_visible(unit),
            retries=retries,
        )
        running = RunningUnit(unit, setting, _launcher, {}, lines.append)
        try:
            while running.outcome is None:
                select.select([_launcher.pipe], [], [], _TICK)
                _launcher.read()
                running.step()
        finally:
            running.kill()
    return lines


def _visible(unit: Unit) -> dict[str, str]:
    """Give the variables that let a unit see the devices of its task and no others."""
    names = machine.VISIBLE.values()
    if unit.hardware == "cpu":
        # A task that asks for no device would see all of them.
        return dict.fromkeys(names, "-1")
    # The launcher may have been started by a task that had other devices.
    return {name: os.environ[name] for name in names if name in os.environ}
