"""What each task's output must be: which of a model's outputs it is, and its shape.

A dimension is `batch` or a size that the inputs or the configuration tell; None is a
size that nothing tells.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

# isort: split
from tgen_inputs import joined, setting
from tgen_shrink import LABELS
from tgen_tiny import TinyModel

Dimension = str | int | None


class Rule(NamedTuple):
    """The names that a task's output may go by, and its dimensions."""

    outputs: tuple[str, ...]
    shape: tuple[Dimension, ...]
    generates: bool = False


_STATES = (
    "last_hidden_state",
    "image_embeds",
    "text_embeds",
    "video_embeds",
    "audio_embeds",
    "pooler_output",
    "audio_values",
)
_MASKS = ("masks_queries_logits", "pred_masks", "logits")
_SCORES = ("batch", "positions", "vocabulary")
_LABELS = ("batch", LABELS)
_IMAGE = ("batch", None, None)

RULES = {
    "any-to-any": Rule(("logits",), _SCORES, generates=True),
    "audio-classification": Rule(("logits",), _LABELS),
    "automatic-speech-recognition": Rule(("logits",), ("batch", None, "vocabulary")),
    "decision": Rule(("logits",), ("batch", None)),
    "depth-estimation": Rule(("predicted_depth",), _IMAGE),
    "document-question-answering": Rule(("start_logits", "logits"), ("batch", None)),
    "feature-extraction": Rule(_STATES, ("batch", ...)),
    "fill-mask": Rule(("logits",), _SCORES),
    "image-classification": Rule(("logits",), _LABELS),
    "image-feature-extraction": Rule(_STATES, ("batch", ...)),
    "image-segmentation": Rule(_MASKS, ("batch", None, None, None)),
    "image-to-image": Rule(("reconstruction",), ("batch", None, None, None)),
    "image-to-text": Rule(("logits",), _SCORES, generates=True),
    "image-text-to-text": Rule(("logits",), _SCORES, generates=True),
    "keypoint-matching": Rule(("keypoints", "matches"), ("batch", ...)),
    "mask-generation": Rule(("pred_masks",), ("batch", ...)),
    "object-detection": Rule(("pred_boxes",), ("batch", None, 4)),
    "question-answering": Rule(("start_logits",), ("batch", "positions")),
    "summarization": Rule(("logits",), _SCORES, generates=True),
    "table-question-answering": Rule(("logits",), ("batch", "positions")),
    "text-classification": Rule(("logits",), _LABELS),
    "text-generation": Rule(("logits",), _SCORES, generates=True),
    "text-to-audio": Rule(("waveform", "spectrogram", "logits"), ("batch", ...)),
    "text2text-generation": Rule(("logits",), _SCORES, generates=True),
    "token-classification": Rule(("logits",), ("batch", "positions", LABELS)),
    "translation": Rule(("logits",), _SCORES, generates=True),
    "video-classification": Rule(("logits",), _LABELS),
    "visual-question-answering": Rule(("logits",), ("batch", ...)),
    "zero-shot-audio-classification": Rule(("logits_per_audio",), ("batch", "batch")),
    "zero-shot-classification": Rule(("logits",), _LABELS),
    "zero-shot-image-classification": Rule(("logits_per_image",), ("batch", "batch")),
    "zero-shot-object-detection": Rule(("pred_boxes",), ("batch", None, 4)),
}


def expected(
    rule: Rule, tiny: TinyModel, task: str, inputs: Mapping[str, np.ndarray]
) -> tuple[int | None, ...]:
    """Tell the shape that a batch calls for; a trailing ellipsis is any more.

    Patches of all samples stand in one row, so nothing tells how many come out.
    """
    shape = tiny.facts.get("shape", {}).get(task)
    config = tiny.model.config
    words = inputs.get("decoder_input_ids", inputs.get("input_ids"))
    patches = "input_ids" not in inputs and any(map(joined, tiny.plan.values()))
    sizes = {
        "batch": None if patches else tiny.size_of(inputs),
        "positions": None if words is None else words.shape[1],
        "vocabulary": setting(config, "vocab_size"),
        "any": None,
        "...": ...,
    }
    dimensions = rule.shape if shape is None else shape
    return tuple(sizes.get(d, d) if isinstance(d, str) else d for d in dimensions)


def main_output(rule: Rule, outputs: Any) -> Any:
    """Take the tensor that a task is about; the first there is where none is named."""
    named = outputs if isinstance(outputs, Mapping) else {}
    known = (named[name] for name in rule.outputs if is_tensor(named.get(name)))
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
