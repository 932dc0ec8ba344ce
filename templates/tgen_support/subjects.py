"""What a check of a model asks of its subject, and where a fact leaves the check out."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

from .checks import facts, in_torch, why_without
from .endpoints import TinyEndpoint
from .handlers import Handler
from .model_outputs import main_output
from .placement import to_numpy
from .tiny import TinyModel


def asked(handler: Handler, check: str) -> TinyEndpoint:
    """Give the endpoint; skip where a fact says why the type does not have this."""
    endpoint = in_torch(handler)
    if reason := why_without(handler, check):
        pytest.skip(reason)
    return endpoint


def takes(tiny: TinyModel, name: str) -> bool:
    """Tell whether the model takes an input, and no fact sets it already."""
    is_free = name not in tiny.facts.get("call", {})
    return is_free and name in inspect.signature(tiny.model.forward).parameters


def main_answer(endpoint: TinyEndpoint, outputs: Any) -> np.ndarray:
    """Give the tensor that the task is about."""
    return to_numpy(main_output(endpoint.result, outputs))


def is_single(handler: Handler) -> bool:
    """Tell whether the model takes one sample at a time."""
    known = facts(handler)
    return handler.case.auto_class in known.get("single", {}) or "unbatched" in known


def can_generate(tiny: TinyModel) -> bool:
    """Tell whether the model generates, and no fact keeps it from that."""
    return tiny.why_silent() is None and bool(tiny.model.can_generate())
