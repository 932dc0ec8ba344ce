"""The tasks: what goes in, what comes out of a mock, and what comes out of a model.

One table says it all, so that its columns cannot disagree about which tasks there are.
"""

from __future__ import annotations

import types
from collections import deque
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

LABELS = 3
# Mocks are cut to these sizes; the inputs decide the others.
SIZES = {
    "hidden": 32,
    "vocabulary": 128,
    "labels": LABELS,
    "queries": 4,
    "keypoints": 4,
    "samples": 64,
    "box": 4,
    "point": 2,
    "channels": 3,
}
SAMPLE_SHAPES = {
    "image": (3, 16, 16),
    "video": (4, 3, 16, 16),
    "audio": (256,),
}
FAMILY_INPUTS = {
    "vision": ("image",),
    "audio": ("audio",),
    "multimodal": ("text", "image"),
}

# A batch for each modality: a list of texts, or an array.
Inputs = dict[str, Any]
# `batch`, a size that the inputs or the configuration tell, a number, any size at all
# (None), or any more dimensions (an ellipsis at the end).
Dimension = str | int | types.EllipsisType | None


class Result(NamedTuple):
    """What a task gives: the dimensions of a mock's result, and a model's output.

    `names` are those that the output may go by in what a model returns; the first that
    is there is meant. `shape` has the output's dimensions.
    """

    mock: tuple[str, ...]
    names: tuple[str, ...]
    shape: tuple[Dimension, ...]


class Task(NamedTuple):
    """What a task takes, by modality, what it gives, and the class that serves it."""

    inputs: tuple[str, ...]
    result: Result
    auto_class: str = "AutoModel"


_TEXT, _IMAGE, _AUDIO, _BOTH = ("text",), ("image",), ("audio",), ("text", "image")
_MASK_NAMES = ("masks_queries_logits", "pred_masks", "logits")
_SPEECH_NAMES = ("waveform", "spectrogram", "logits")
_STATE_NAMES = (
    "last_hidden_state",
    "image_embeds",
    "text_embeds",
    "video_embeds",
    "audio_embeds",
    "pooler_output",
    "audio_values",
)

_STATES = Result(("batch", "positions", "hidden"), _STATE_NAMES, ("batch", ...))
_TOKENS_OF_TEXT = ("batch", "positions", "vocabulary")
_TOKENS = Result(_TOKENS_OF_TEXT, ("logits",), _TOKENS_OF_TEXT)
_TOKENS_OF_AUDIO = Result(_TOKENS_OF_TEXT, ("logits",), ("batch", None, "vocabulary"))
_WORD_LABELS = Result(
    ("batch", "positions", "labels"), ("logits",), ("batch", "positions", LABELS)
)
_LABELS = Result(("batch", "labels"), ("logits",), ("batch", LABELS))
_ANY_LABELS = Result(("batch", "labels"), ("logits",), ("batch", ...))
_DECISION = Result(("batch", "labels"), ("logits",), ("batch", None))
_IMAGES_BY_TEXTS = Result(
    ("batch", "labels"), ("logits_per_image",), ("batch", "batch")
)
_SOUNDS_BY_TEXTS = Result(
    ("batch", "labels"), ("logits_per_audio",), ("batch", "batch")
)
_SPANS = Result(("batch", "positions"), ("start_logits",), ("batch", "positions"))
_CELLS = Result(("batch", "positions"), ("logits",), ("batch", "positions"))
_SPANS_OF_PAGE = Result(
    ("batch", "positions"), ("start_logits", "logits"), ("batch", None)
)
_BOXES = Result(("batch", "queries", "box"), ("pred_boxes",), ("batch", None, 4))
_DEPTHS = Result(
    ("batch", "height", "width"), ("predicted_depth",), ("batch", None, None)
)
_MASKS = Result(("batch", "height", "width"), ("pred_masks",), ("batch", ...))
_SEGMENTS = Result(
    ("batch", "labels", "height", "width"), _MASK_NAMES, ("batch", None, None, None)
)
_PICTURE = Result(
    ("batch", "channels", "height", "width"),
    ("reconstruction",),
    ("batch", None, None, None),
)
_KEYPOINTS = Result(
    ("batch", "keypoints", "point"), ("keypoints", "matches"), ("batch", ...)
)
_SPEECH = Result(("batch", "samples"), _SPEECH_NAMES, ("batch", ...))

TASKS = {
    "any-to-any": Task(_BOTH, _TOKENS, "AutoModelForMultimodalLM"),
    "audio-classification": Task(_AUDIO, _LABELS, "AutoModelForAudioClassification"),
    "automatic-speech-recognition": Task(
        _AUDIO, _TOKENS_OF_AUDIO, "AutoModelForSpeechSeq2Seq"
    ),
    "conversational": Task(_TEXT, _TOKENS, "AutoModelForCausalLM"),
    "decision": Task(_TEXT, _DECISION, "AutoModelForDecision"),
    "depth-estimation": Task(_IMAGE, _DEPTHS, "AutoModelForDepthEstimation"),
    "document-question-answering": Task(
        _BOTH, _SPANS_OF_PAGE, "AutoModelForDocumentQuestionAnswering"
    ),
    "feature-extraction": Task(_TEXT, _STATES),
    "fill-mask": Task(_TEXT, _TOKENS, "AutoModelForMaskedLM"),
    "image-classification": Task(_IMAGE, _LABELS, "AutoModelForImageClassification"),
    "image-feature-extraction": Task(_IMAGE, _STATES),
    "image-segmentation": Task(_IMAGE, _SEGMENTS, "AutoModelForImageSegmentation"),
    "image-text-to-text": Task(_BOTH, _TOKENS, "AutoModelForImageTextToText"),
    "image-to-image": Task(_IMAGE, _PICTURE, "AutoModelForImageToImage"),
    "image-to-text": Task(_IMAGE, _TOKENS, "AutoModelForVision2Seq"),
    "keypoint-matching": Task(_IMAGE, _KEYPOINTS, "AutoModelForKeypointMatching"),
    "mask-generation": Task(_IMAGE, _MASKS, "AutoModelForMaskGeneration"),
    "object-detection": Task(_IMAGE, _BOXES, "AutoModelForObjectDetection"),
    "question-answering": Task(_TEXT, _SPANS, "AutoModelForQuestionAnswering"),
    "summarization": Task(_TEXT, _TOKENS, "AutoModelForSeq2SeqLM"),
    "table-question-answering": Task(
        _TEXT, _CELLS, "AutoModelForTableQuestionAnswering"
    ),
    "text-classification": Task(_TEXT, _LABELS, "AutoModelForSequenceClassification"),
    "text-generation": Task(_TEXT, _TOKENS, "AutoModelForCausalLM"),
    "text-to-audio": Task(_TEXT, _SPEECH, "AutoModelForTextToWaveform"),
    "text2text-generation": Task(_TEXT, _TOKENS, "AutoModelForSeq2SeqLM"),
    "token-classification": Task(
        _TEXT, _WORD_LABELS, "AutoModelForTokenClassification"
    ),
    "translation": Task(_TEXT, _TOKENS, "AutoModelForSeq2SeqLM"),
    "video-classification": Task(
        ("video",), _LABELS, "AutoModelForVideoClassification"
    ),
    "visual-question-answering": Task(
        _BOTH, _ANY_LABELS, "AutoModelForVisualQuestionAnswering"
    ),
    "zero-shot-audio-classification": Task(_AUDIO, _SOUNDS_BY_TEXTS),
    "zero-shot-classification": Task(
        _TEXT, _LABELS, "AutoModelForSequenceClassification"
    ),
    "zero-shot-image-classification": Task(
        _BOTH, _IMAGES_BY_TEXTS, "AutoModelForZeroShotImageClassification"
    ),
    "zero-shot-object-detection": Task(
        _BOTH, _BOXES, "AutoModelForZeroShotObjectDetection"
    ),
}


def auto_class_of(task: str) -> str:
    """Name the class that serves a task, for tests made without a pipeline map."""
    return TASKS[task].auto_class if task in TASKS else "AutoModel"


def once_a_class(tasks: dict[str, str]) -> list[str]:
    """Give the first of the tasks that each auto class serves."""
    firsts = {auto_class: task for task, auto_class in reversed(tasks.items())}
    return list(firsts.values())[::-1]


def task_of(name: str, family: str) -> Task:
    """Look a task up; one that is not in the table takes what its family takes."""
    return TASKS.get(name) or Task(FAMILY_INPUTS.get(family, _TEXT), _STATES)


def inputs_for(task: Task, batch_size: int) -> Inputs:
    """Make the same inputs on every machine; a sample does not depend on its batch."""
    return {modality: _samples(modality, batch_size) for modality in task.inputs}


def _samples(modality: str, batch_size: int) -> Any:
    if modality == "text":
        return [_text(index) for index in range(batch_size)]
    steps = np.arange(np.prod(SAMPLE_SHAPES[modality]), dtype=np.float32)
    samples = [np.sin(steps * (index + 1)) for index in range(batch_size)]
    return np.stack(samples).reshape(batch_size, *SAMPLE_SHAPES[modality])


def _text(index: int) -> str:
    words = deque(["the", "quick", "brown", "fox", "jumps", "over", "a", "dog"])
    words.rotate(index)
    return f"{index} {' '.join(words)}"


def as_inputs(value: Any, task: Task) -> Inputs:
    """Take a text, a list of texts, an array, or a batch for each modality."""
    if isinstance(value, str):
        value = [value]
    inputs = dict(value) if isinstance(value, Mapping) else {task.inputs[0]: value}
    missing = [modality for modality in task.inputs if modality not in inputs]
    if missing:
        raise ValueError(f"the inputs have no {' and no '.join(missing)}")
    sizes = {len(batch) for batch in inputs.values()}
    if len(sizes) != 1 or 0 in sizes:
        raise ValueError(f"the batches of the modalities have the sizes {sizes}")
    return inputs


def batch_size_of(inputs: Inputs) -> int:
    """Count the samples of a batch."""
    return len(next(iter(inputs.values())))


def mock_shape(task: Task, inputs: Inputs) -> tuple[int, ...]:
    """Tell the shape of a mock's result from its inputs, without running it."""
    sizes = {**SIZES, "batch": batch_size_of(inputs)}
    if "text" in inputs:
        sizes["positions"] = max(len(text.split()) for text in inputs["text"]) + 1
    for modality, batch in inputs.items():
        if modality != "text":
            sizes.setdefault("positions", batch.shape[-1])
            sizes["height"], sizes["width"] = batch.shape[-2:]
    return tuple(sizes[dimension] for dimension in task.result.mock)
