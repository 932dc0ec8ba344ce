"""The plan of a bundle: its units, and how they are selected and divided into shards.

It does not know how units are run.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

_VERSION = 1


class PlanError(Exception):
    """The plan or what is asked of it makes no sense; the message says what to do."""


@dataclass(frozen=True)
class Unit:
    """A test file on one hardware type."""

    name: str
    file: str
    hardware: str
    # Which of its file's hardware types this is: `only`, `first` or `later`.
    place: str
    test_id: str | None
    model: str | None
    batch: int | None
    memory: int
    # Whether `memory` is stated or learnt, and not a guess.
    memory_is_known: bool
    memory_origin: str
    priority: int
    # In nanoseconds, so that all machines divide the units alike: floats would round.
    expected: int
    timeout: float
    # The units that must have passed first, as indices.
    after: tuple[int, ...]
    # The tests that do not run, because they have passed in the run that this one finishes.
    passed: tuple[str, ...]

    @property
    def key(self) -> tuple[str, str]:
        """What names the unit in results."""
        return self.name, self.hardware


@dataclass(frozen=True)
class Plan:
    """The units of a bundle, in their order, and the arguments of pytest."""

    units: tuple[Unit, ...]
    arguments: tuple[str, ...]
    # The run that this one finishes.
    rerun_of: str | None = None

    def select(self, kept: Iterable[int]) -> Plan:
        """Keep some units; what they depend on counts as passed where it is not kept."""
        kept = list(kept)
        places = {old: new for new, old in enumerate(kept)}

        def moved(unit: Unit) -> Unit:
            after = tuple(places[on] for on in unit.after if on in places)
            return replace(unit, after=after)

        return replace(self, units=tuple(moved(self.units[at]) for at in kept))

    def on(self, wanted: Callable[[str], bool]) -> Plan:
        """Keep the units of some hardware types."""
        units = enumerate(self.units)
        return self.select(at for at, unit in units if wanted(unit.hardware))

    def needing(self, more_than: int, at_most: int) -> Plan:
        """Keep the clusters whose most demanding unit needs this much memory."""
        kept: list[int] = []
        for cluster in self.clusters():
            memory = max(self.units[at].memory for at in cluster)
            if more_than < memory <= at_most:
                kept.extend(cluster)
        return self.select(sorted(kept))

    def shard(self, number: int, of: int) -> Plan:
        """Keep one of several parts that take about equally long.

        The longest cluster comes first, each goes to the part that has least to do. This is
        the division of `cargo tgen run --shard`.
        """

        def expected(cluster: list[int]) -> int:
            return sum(self.units[at].expected for at in cluster)

        def order(cluster: list[int]) -> tuple[int, str]:
            return -expected(cluster), self.units[cluster[0]].name

        loads = [(0, 0)] * of
        own: list[int] = []
        for cluster in sorted(self.clusters(), key=order):
            least = min(range(of), key=lambda part: loads[part])
            time, count = loads[least]
            loads[least] = (time + expected(cluster), count + len(cluster))
            if least == number - 1:
                own.extend(cluster)
        return self.select(sorted(own))

    def clusters(self) -> list[list[int]]:
        """Group the units that depend on each other, in the order of their first ones."""
        leaders = list(range(len(self.units)))

        def leader(at: int) -> int:
            while leaders[at] != at:
                leaders[at] = leaders[leaders[at]]
                at = leaders[at]
            return at

        for at, unit in enumerate(self.units):
            for on in unit.after:
                one, other = sorted((leader(at), leader(on)))
                leaders[other] = one
        groups: dict[int, list[int]] = {}
        for at in range(len(self.units)):
            groups.setdefault(leader(at), []).append(at)
        return list(groups.values())


def read(file: Path) -> Plan:
    """Read `plan.json`."""
    try:
        text = json.loads(file.read_text(encoding="utf-8"))
        if text["tgen-plan"] > _VERSION:
            message = (
                f"`{file}` is of a later release; use the driver of its own bundle"
            )
            raise PlanError(message)
        units = tuple(_unit(unit) for unit in text["units"])
        return Plan(units, tuple(text["arguments"]), text["rerun_of"])
    except OSError as error:
        raise PlanError(f"cannot read `{file}`: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        message = f"`{file}` is no plan ({error!r}); make the bundle again"
        raise PlanError(message) from error


def _unit(fields: dict[str, Any]) -> Unit:
    lists = {name: tuple(fields[name]) for name in ("after", "passed")}
    return Unit(**{**fields, **lists})
