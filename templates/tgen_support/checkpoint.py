"""Checkpoints: weights that are on this machine already."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from .platforms import TORCH_DEVICES, require
from .tasks import Inputs


def torch_device(platform: str) -> str:
    """Name torch's device for a platform; skip where torch has none."""
    if platform not in TORCH_DEVICES:
        pytest.skip(f"torch does not run on {platform}")
    return TORCH_DEVICES[require(platform)]


def from_weights(class_name: str, model: str) -> Any:
    """Load a model, tokenizer or processor; skip where its files are not at hand."""
    pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    try:
        loader = getattr(transformers, class_name)
        return loader.from_pretrained(model, local_files_only=True)
    except OSError:
        pytest.skip(f"the weights of {model} are not on this machine")
    except ImportError as error:
        pytest.skip(str(error).strip().partition("\n")[0])


def images_of(inputs: Inputs) -> list[np.ndarray]:
    """Give the images of a batch as a camera would: eight bits a channel."""
    if "image" not in inputs:
        pytest.skip(f"the inputs are {' and '.join(inputs)}, not images")
    return list(((inputs["image"] + 1) * 127.5).astype(np.uint8))
