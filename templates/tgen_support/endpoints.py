"""Endpoints: what computes a batch, and says what it is that computes.

- REAL: the architecture itself, in torch: small and randomly initialised.
- MOCK: a deterministic numpy computation of the declared shape, with the reason for it.
"""

from __future__ import annotations

import functools
import zlib
from typing import Any, NamedTuple, Protocol

import numpy as np
import pytest

from .model_outputs import expected_shape, main_output
from .notes import MOCK, REAL
from .platforms import TORCH_DEVICES
from .tasks import (
    SIZES,
    Inputs,
    as_inputs,
    batch_size_of,
    inputs_for,
    mock_shape,
    task_of,
)
from .tiny import TinyModel, tiny_model


class Case(NamedTuple):
    """One model at one task on one platform."""

    model: str
    model_type: str
    family: str
    task: str
    platform: str
    auto_class: str


class Endpoint(Protocol):
    """Computes a batch, and says what it is that computes."""

    implementation: str
    reason: str
    # Whether a result is a table of scores of each sample against each.
    pairs: bool

    def inputs(self, batch_size: int) -> Inputs:
        """Make the same batch on every machine."""
        ...

    def size_of(self, inputs: Inputs) -> int:
        """Count the samples of a batch; ValueError when it is none."""
        ...

    def select_sample(self, inputs: Inputs, index: int) -> Inputs:
        """Take one sample out of a batch."""
        ...

    def shape(self, inputs: Inputs) -> tuple[Any, ...]:
        """Tell what shape the inputs call for; None is a size that nothing tells."""
        ...

    def __call__(self, inputs: Inputs) -> Any:
        """Compute a tensor, a row for each sample."""
        ...


class WordTokenizer:
    """Turns words into ids by their checksum, so there is no vocabulary to fetch."""

    padding, end, beginning = 0, 1, 2

    def __call__(self, texts: list[str]) -> Inputs:
        """Give the ids and the attention mask of a batch of texts."""
        rows = [[*map(self._id, text.split()), self.end] for text in texts]
        ids = np.full((len(rows), max(map(len, rows))), self.padding, dtype=np.int64)
        for row, values in zip(ids, rows, strict=True):
            row[: len(values)] = values
        mask = (ids != self.padding).astype(np.int64)
        return {"input_ids": ids, "attention_mask": mask}

    def _id(self, word: str) -> int:
        reserved = self.beginning + 1
        return reserved + zlib.crc32(word.encode()) % (SIZES["vocabulary"] - reserved)


class MockEndpoint:
    """Computes the declared shape in numpy; each row follows its own sample alone."""

    implementation = MOCK
    pairs = False

    def __init__(self, case: Case, reason: str) -> None:
        self.reason = reason
        self.task = task_of(case.task, case.family)
        self.seed = zlib.crc32(f"{case.model_type} {case.task}".encode()) % 1000

    def inputs(self, batch_size: int) -> Inputs:
        """Make a batch for each modality of the task."""
        return inputs_for(self.task, batch_size)

    def size_of(self, inputs: Inputs) -> int:
        """Count the samples of a batch; ValueError when it is none."""
        return batch_size_of(as_inputs(inputs, self.task))

    def select_sample(self, inputs: Inputs, index: int) -> Inputs:
        """Take one sample out of a batch."""
        return {name: value[index : index + 1] for name, value in inputs.items()}

    def shape(self, inputs: Inputs) -> tuple[Any, ...]:
        """Tell what shape the inputs call for."""
        return mock_shape(self.task, inputs)

    def __call__(self, inputs: Inputs) -> np.ndarray:
        """Project the features of the samples to the dimensions of the task."""
        inputs = self._prepared(inputs)
        batches = [value for name, value in inputs.items() if name != "attention_mask"]
        positions, pixels = batches[0].shape[-1], batches[-1].shape[-2:]
        dimensions = [name for name in self.task.result.mock if name != "batch"]
        sizes = {**SIZES, "positions": positions}
        sizes["height"], sizes["width"] = pixels
        shape = [sizes[name] for name in dimensions]
        by_modality = [self._features(batch, positions) for batch in batches]
        features = np.sum(by_modality, axis=0)
        if "positions" in dimensions:
            columns = int(np.prod(shape[1:]))
        else:
            features, columns = features.mean(axis=1), int(np.prod(shape))
        projected = features @ _projection(columns, self.seed)
        return projected.reshape(len(batches[0]), *shape)

    def _prepared(self, inputs: Inputs) -> Inputs:
        arrays = {name: value for name, value in inputs.items() if name != "text"}
        tokens = WordTokenizer()(inputs["text"]) if "text" in inputs else {}
        return {**tokens, **arrays}

    @staticmethod
    def _features(batch: np.ndarray, positions: int) -> np.ndarray:
        codes = batch.reshape(len(batch), -1)
        codes = np.stack([np.resize(row, positions) for row in codes])
        return np.sin(codes[..., None] * np.arange(1, SIZES["hidden"] + 1))


@functools.lru_cache(maxsize=64)
def _projection(columns: int, seed: int) -> np.ndarray:
    steps = np.arange(SIZES["hidden"] * columns) + seed
    return np.cos(steps).reshape(SIZES["hidden"], columns)


class TinyEndpoint:
    """The architecture itself, run by torch: small, and randomly initialised."""

    implementation = REAL
    reason = ""

    def __init__(self, case: Case, torch: Any, transformers: Any) -> None:
        self.case = case
        device = TORCH_DEVICES.get(case.platform, "cpu")
        key = (case.model_type, case.auto_class, torch, transformers, device)
        self.tiny = tiny_model(*key)
        self.result = task_of(case.task, case.family).result
        self.pairs = self.result.shape == ("batch", "batch")

    def inputs(self, batch_size: int) -> Inputs:
        """Make a batch of what the model's forward method takes."""
        single = self.tiny.facts.get("single", {})
        if batch_size > 1 and (reason := single.get(self.case.auto_class)):
            pytest.skip(reason)
        return self.tiny.inputs(batch_size)

    def size_of(self, inputs: Inputs) -> int:
        """Count the samples of a batch; ValueError when it is none."""
        return self.tiny.size_of(inputs)

    def select_sample(self, inputs: Inputs, index: int) -> Inputs:
        """Take one sample out of a batch."""
        return self.tiny.select_sample(inputs, index)

    def shape(self, inputs: Inputs) -> tuple[Any, ...]:
        """Tell what shape the inputs call for; None is a size that nothing tells."""
        return expected_shape(self.result, self.tiny, self.case.task, inputs)

    def __call__(self, inputs: Inputs) -> Any:
        """Run the model, and take what the task is about out of its outputs."""
        return self.answer(self.tiny, inputs)

    def answer(self, tiny: TinyModel, inputs: Inputs) -> Any:
        """Run a model of the same kind."""
        # A copy: what a caller does to it must not change what the model keeps.
        return main_output(self.result, tiny(inputs)).clone()

    def forget(self, inputs: Inputs) -> None:
        """Let the model run again on a batch, as a second run should."""
        self.tiny.forget(inputs)
