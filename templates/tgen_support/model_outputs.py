"""What a model's outputs must be for a task: which of them is meant, and its shape."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from .inputs import is_concatenated, setting
from .tasks import Result
from .tiny import TinyModel


def expected_shape(
    result: Result, tiny: TinyModel, task: str, inputs: Mapping[str, np.ndarray]
) -> tuple[Any, ...]:
    """Tell the shape that a batch calls for: sizes, None for any, more at an ellipsis.

    Patches of all samples stand in one row, so nothing tells how many come out.
    """
    shape = tiny.facts.get("shape", {}).get(task)
    config = tiny.model.config
    words = inputs.get("decoder_input_ids", inputs.get("input_ids"))
    is_concatenating = any(map(is_concatenated, tiny.plan.values()))
    patches = is_concatenating and "input_ids" not in inputs
    sizes: dict[str, Any] = {
        "batch": None if patches else tiny.size_of(dict(inputs)),
        "positions": None if words is None else words.shape[1],
        "vocabulary": setting(config, "vocab_size"),
        "any": None,
        "...": ...,
    }
    dimensions = result.shape if shape is None else shape
    return tuple(sizes.get(d, d) if isinstance(d, str) else d for d in dimensions)


def main_output(result: Result, outputs: Any) -> Any:
    """Take the tensor that a task is about; the first there is where none is named."""
    named = outputs if isinstance(outputs, Mapping) else {}
    known = (named[name] for name in result.names if is_tensor(named.get(name)))
    return next(itertools.chain(known, tensors(outputs)), None)


def tensors(outputs: Any) -> Iterator[Any]:
    """Go through all tensors of an output, however deep."""
    if is_tensor(outputs):
        yield outputs
    elif isinstance(outputs, Mapping):
        for value in outputs.values():
            yield from tensors(value)
    elif isinstance(outputs, list | tuple):
        for value in outputs:
            yield from tensors(value)


def is_tensor(value: Any) -> bool:
    """Tell whether something is a tensor that holds numbers."""
    return hasattr(value, "detach") and value.numel() > 0
