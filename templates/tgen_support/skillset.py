"""Skillsets: the contract of `init_<platform>` and its handlers."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from .checks import check_forward
from .endpoints import Case, Endpoint, WordTokenizer
from .handlers import Handler
from .loading import load
from .platforms import why_absent


class Loaded(NamedTuple):
    """What an `init_<platform>` method gives."""

    endpoint: Endpoint
    tokenizer: WordTokenizer
    handler: Handler
    queue: asyncio.Queue[Any]
    batch_size: int


class Skillset:
    """The skillset contract of a model that has no reference implementation.

    A subclass says what the model is, and has a method `init_<platform>` for each of
    its platforms and `create_<platform>_<task>_endpoint_handler` for each task on it.
    """

    model: str
    model_type: str
    family: str
    platforms: list[str]
    tasks: dict[str, str]

    def __init__(
        self,
        resources: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        self.resources = {} if resources is None else dict(resources)
        self.metadata = {} if metadata is None else dict(metadata)

    def __test__(
        self,
        resources: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> list[dict[str, Any]]:
        """Run every handler once and give a record of each; one that fails raises."""
        subject = type(self)(resources or self.resources, metadata or self.metadata)
        pairs = itertools.product(self.platforms, self.tasks)
        return [subject.attempt(platform, task) for platform, task in pairs]

    def attempt(self, platform: str, task: str) -> dict[str, Any]:
        """Run one handler; the platform may be absent, which the record then says."""
        absent = why_absent(platform)
        if absent is not None:
            record = {"model": self.model, "task": task, "platform": platform}
            return {**record, "outcome": "skipped", "reason": absent}
        handler = self.handler(platform, task)
        output = check_forward(handler, self.case(platform, task), 1)
        return {**output.metadata, "outcome": "passed"}

    @property
    def primary_task(self) -> str:
        """The first of the model's tasks."""
        return next(iter(self.tasks))

    def case(self, platform: str, task: str, model: str | None = None) -> Case:
        """Describe one task of the model, or of one of its checkpoints."""
        return Case(
            model=model or self.model,
            model_type=self.model_type,
            family=self.family,
            task=task,
            platform=platform,
            auto_class=self.tasks[task],
        )

    def handler(self, platform: str, task: str) -> Handler:
        """Create the handler of a task by its own method."""
        handler: Handler = getattr(self, handler_name(platform, task))(self.model)
        return handler

    def load(
        self,
        case: Case,
        create_handler: Callable[..., Handler],
        device: str | None,
        hardware_label: str | None,
    ) -> Loaded:
        """Load a case's endpoint and give it to the method that makes its handler."""
        endpoint, tokenizer = load(case, self.resources), WordTokenizer()
        handler = create_handler(
            case.model, device, hardware_label, endpoint, tokenizer
        )
        return Loaded(endpoint, tokenizer, handler, asyncio.Queue(64), 1)

    def handler_of(
        self,
        case: Case,
        device: str | None,
        hardware_label: str | None,
        endpoint: Endpoint | None,
        tokenizer: WordTokenizer | None,
    ) -> Handler:
        """Make a handler; what a case needs and is not given is loaded for it."""
        return Handler(
            case,
            hardware_label or device or f"{case.platform}:0",
            endpoint or load(case, self.resources),
            tokenizer or WordTokenizer(),
        )


def init_name(platform: str) -> str:
    """Name the method that loads the model on a platform."""
    return f"init_{platform}"


def handler_name(platform: str, task: str) -> str:
    """Name the method that creates the handler of a task on a platform."""
    return f"create_{platform}_{re.sub(r'[^0-9A-Za-z]', '_', task)}_endpoint_handler"
