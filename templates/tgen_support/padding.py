"""Batches with padding: made, and cut out of an answer again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np
import pytest

from .inputs import FIRST_WORD
from .shrink import VOCABULARY
from .subjects import takes
from .tiny import TinyModel

PADS = 3
# The inputs that have a place for each word.
_BY_WORD = (
    "input_ids",
    "attention_mask",
    "bbox",
    "token_type_ids",
    "mm_token_type_ids",
)
_NO_WORDS = ("pixel", "spatial", "audio", "input_features", "padding_mask", "decoder")


def require_words(inputs: Mapping[str, np.ndarray]) -> None:
    """Skip what reads no words in a row, with a mask, alone."""
    ids, mask = inputs.get("input_ids"), inputs.get("attention_mask")
    if ids is None or mask is None or ids.ndim != 2 or mask.shape != ids.shape:
        pytest.skip("it reads no words with a mask")
    for name, value in inputs.items():
        by_place = value.ndim > 1 and value.shape[1] == ids.shape[1]
        is_known = name in _BY_WORD or any(part in name for part in _NO_WORDS)
        if by_place and not is_known:
            pytest.skip(f"{name} goes by word too")


def sides(tiny: TinyModel) -> list[str]:
    """Padding on the left is for models that continue a text from its end."""
    config = tiny.model.config
    can_be_left = (
        tiny.model.can_generate()
        and not config.is_encoder_decoder
        and takes(tiny, "position_ids")
        # Positions of several dimensions are for the model to make.
        and "mrope_section" not in str(config.to_dict())
        and not _counts_from_padding(tiny.model)
        and "left_padding" not in tiny.facts.get("without", {})
    )
    return ["right", "left"] if can_be_left else ["right"]


def _counts_from_padding(model: Any) -> bool:
    """Tell whether positions begin behind the number of the padding word."""
    name = "create_position_ids_from_input_ids"
    return any(hasattr(module, name) for module in model.modules())


def padded(
    tiny: TinyModel, inputs: Mapping[str, np.ndarray], side: str
) -> dict[str, np.ndarray]:
    """Put padding that the mask hides beside the words."""
    text = getattr(tiny.model.config, "text_config", None)
    known = (
        getattr(config, "pad_token_id", None) for config in (tiny.model.config, text)
    )
    # Some keep a padding word that is outside of the small vocabulary.
    pad = next((p for p in known if isinstance(p, int) and 0 <= p < VOCABULARY), 0)
    wide = dict(inputs)
    for name in filter(wide.__contains__, _BY_WORD):
        value = wide[name]
        shape = (len(value), PADS, *value.shape[2:])
        padding = np.full(shape, pad if name == "input_ids" else 0, value.dtype)
        parts = [padding, value] if side == "left" else [value, padding]
        wide[name] = np.concatenate(parts, axis=1)
    return wide


def beside_a_longer_row(
    batch: dict[str, np.ndarray], side: str
) -> dict[str, np.ndarray]:
    """Give the second of two rows words where the first has padding."""
    places = slice(None, PADS) if side == "left" else slice(-PADS, None)
    batch["input_ids"][1, places] = FIRST_WORD
    batch["attention_mask"][1, places] = 1
    return batch


def unpadded(
    values: np.ndarray, shape: tuple[int, ...], side: str
) -> np.ndarray | None:
    """Cut out the first sample without its padding; None where it has another shape.

    A sample may be several rows, such as the frames of a video.
    """
    if values.ndim != len(shape) or not shape:
        return None
    values = values[: shape[0]]
    if values.ndim > 1 and values.shape[1] == shape[1] + PADS:
        values = values[:, PADS:] if side == "left" else values[:, :-PADS]
    elif shape == (1, 1):
        # Of a table of scores of all against all, the own one.
        values = values[:, :1]
    return values if values.shape == shape else None


def skip_uncut(values: np.ndarray, shape: tuple[int, ...]) -> NoReturn:
    """Skip the comparison with an answer that padding cannot be cut out of."""
    pytest.skip(f"with padding the answer has the shape {values.shape}, not {shape}")
