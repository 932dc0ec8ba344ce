"""Handlers: an endpoint on a device, run on what a caller gives."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from .endpoints import Case, Endpoint, WordTokenizer
from .loading import load
from .notes import REAL
from .outputs import Output
from .tasks import Inputs, task_of


class Handler:
    """Runs an endpoint on what a caller gives, and wraps what comes out."""

    def __init__(
        self, case: Case, device: str, endpoint: Endpoint, tokenizer: WordTokenizer
    ) -> None:
        self.case = case
        self.device = device
        self.endpoint = endpoint
        self.tokenizer = tokenizer

    def __call__(self, inputs: Any) -> Output:
        """Compute a batch. An error is for the caller to see."""
        batch = self._prepared(inputs)
        batch_size = self.endpoint.size_of(batch)
        started = time.perf_counter()
        tensor = self.endpoint(batch)
        return Output(
            tensor=tensor,
            model=self.case.model,
            task=self.case.task,
            platform=self.case.platform,
            device=self.device,
            batch_size=batch_size,
            implementation=self.endpoint.implementation,
            reason=self.endpoint.reason,
            elapsed=time.perf_counter() - started,
        )

    def inputs(self, batch_size: int) -> Inputs:
        """Make a batch that the endpoint takes."""
        return self.endpoint.inputs(batch_size)

    def _prepared(self, inputs: Any) -> Inputs:
        """Take a text, a list of texts, an array, or a batch by the names of inputs."""
        if isinstance(inputs, str):
            inputs = [inputs]
        if not isinstance(inputs, Mapping):
            inputs = {self._first_modality(): inputs}
        if "text" in inputs and self.endpoint.implementation == REAL:
            rest = {name: value for name, value in inputs.items() if name != "text"}
            return {**self.tokenizer(inputs["text"]), **rest}
        return dict(inputs)

    def _first_modality(self) -> str:
        return task_of(self.case.task, self.case.family).inputs[0]


def handler_for(case: Case, resources: Mapping[str, Any] | None = None) -> Handler:
    """Load a case and make its handler."""
    endpoint = load(case, {} if resources is None else resources)
    return Handler(case, f"{case.platform}:0", endpoint, WordTokenizer())
