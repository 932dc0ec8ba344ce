"""The queue of one machine: a unit starts when what it needs is free and what it depends on has passed.

Of the units that could start, the one of the best priority does; of those, the one that takes
longest. A unit that lacks memory or a device is overtaken by others, but not for ever. This
module must not know the time.
"""

from __future__ import annotations

from dataclasses import dataclass

from tgen_driver.machine import Device, Machine
from tgen_driver.plan import Plan, Unit
from tgen_driver.results import GOOD

# How many units may overtake one that waits for memory or for a device.
_MOST_OVERTAKING = 16


class Dependencies:
    """Which units may start: those whose dependencies have passed."""

    def __init__(self, plan: Plan) -> None:
        self._units = plan.units
        self._waits_for = [set(unit.after) for unit in plan.units]
        self._open = set(range(len(plan.units)))
        self._dependents: list[list[int]] = [[] for _ in plan.units]
        for at, unit in enumerate(plan.units):
            for on in unit.after:
                self._dependents[on].append(at)

    def ready(self) -> list[int]:
        """Take the units that may start now, in the order in which they should."""
        found = [at for at in self._open if not self._waits_for[at]]
        self._open.difference_update(found)
        units = self._units
        found.sort(key=lambda at: (units[at].priority, -units[at].expected, at))
        return found

    def ended(self, at: int, outcome: str) -> tuple[list[int], str]:
        """Release what waits for a unit that passed; else take what is blocked, and say why."""
        if outcome in GOOD:
            for dependent in self._dependents[at]:
                self._waits_for[dependent].discard(at)
            return [], ""
        unit = self._units[at]
        words = f"`{unit.name}` on {unit.hardware}"
        reason = f"it depends on {words}, which has not passed"
        return self._dependents_of(at), reason

    def _dependents_of(self, at: int) -> list[int]:
        """Take the units that depend on a unit, directly or through others."""
        blocked: list[int] = []
        left = list(self._dependents[at])
        while left:
            dependent = left.pop()
            if dependent in self._open:
                self._open.discard(dependent)
                blocked.append(dependent)
                left.extend(self._dependents[dependent])
        return blocked

    def rest(self) -> list[int]:
        """Take what is left: once nothing runs, these units wait for each other."""
        rest = sorted(self._open)
        self._open.clear()
        return rest


@dataclass(frozen=True)
class Start:
    """A unit that starts, and the device that it has to itself."""

    unit: int
    device: Device | None


class Queue:
    """The units that are ready, and what is free."""

    def __init__(self, plan: Plan, machine: Machine) -> None:
        self._units = plan.units
        self._machine = machine
        self._ready: list[int] = []
        self._overtaken = [0] * len(plan.units)
        self._free_memory = machine.memory
        self._free_devices = list(machine.devices)
        self._running: dict[int, Start] = {}

    def add(self, ready: list[int]) -> None:
        """Take units that may start."""
        units = self._units
        self._ready += ready
        self._ready.sort(key=lambda at: (units[at].priority, -units[at].expected, at))

    def refusal(self, unit: Unit) -> str | None:
        """Say why the machine can never run a unit."""
        kinds = {device.hardware for device in self._machine.devices}
        if unit.hardware != "cpu" and unit.hardware not in kinds:
            return f"this machine has no {unit.hardware} device"
        if unit.memory_is_known and unit.memory > self._machine.memory:
            needs, has = in_bytes(unit.memory), in_bytes(self._machine.memory)
            return (
                f"it needs {needs} of memory ({unit.memory_origin}), and there is {has}"
            )
        return None

    def next(self) -> Start | None:
        """Start the next unit, if one may start now."""
        if len(self._running) >= max(1, self._machine.jobs):
            return None
        reserved: set[str] = set()
        passed_over: list[int] = []
        for at in self._ready:
            unit = self._units[at]
            has_memory = self._memory(unit) <= self._free_memory
            device = self._device(unit)
            has_device = unit.hardware == "cpu" or device is not None
            if has_memory and has_device and unit.hardware not in reserved:
                for other in passed_over:
                    self._overtaken[other] += 1
                return self._start(at, device)
            if self._overtaken[at] < _MOST_OVERTAKING:
                passed_over.append(at)
            elif not has_memory:
                return None
            else:
                reserved.add(unit.hardware)
        return None

    def ended(self, at: int) -> None:
        """Take back what a unit had."""
        start = self._running.pop(at)
        self._free_memory += self._memory(self._units[at])
        if start.device is not None:
            self._free_devices.append(start.device)

    def _start(self, at: int, device: Device | None) -> Start:
        self._ready.remove(at)
        self._free_memory -= self._memory(self._units[at])
        if device is not None:
            self._free_devices.remove(device)
        start = self._running[at] = Start(at, device)
        return start

    def _memory(self, unit: Unit) -> int:
        # A guess beyond the machine's memory is cut to that: the unit then runs alone.
        return min(unit.memory, self._machine.memory)

    def _device(self, unit: Unit) -> Device | None:
        free = (one for one in self._free_devices if one.hardware == unit.hardware)
        return next(free, None)


def in_bytes(amount: int) -> str:
    """Show an amount of memory."""
    for size, unit in ((10**9, "GB"), (10**6, "MB"), (10**3, "KB")):
        if amount >= size:
            value = amount / size
            text = f"{value:.1f}" if value < 10 else f"{value:.0f}"
            return f"{text.removesuffix('.0')} {unit}"
    return f"{amount} B"
