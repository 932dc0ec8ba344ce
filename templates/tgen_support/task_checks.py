"""Checks of single tasks, beyond the shape of the output."""

from __future__ import annotations

import numpy as np
import pytest

from .checks import facts, is_close, real, tolerance
from .handlers import Handler
from .inputs import FIRST_WORD
from .known import judged
from .tasks import Inputs


def _with_another_last_word(inputs: Inputs) -> Inputs:
    name = "decoder_input_ids" if "decoder_input_ids" in inputs else "input_ids"
    if name not in inputs or inputs[name].ndim != 2:
        pytest.skip("the inputs hold no words in a row")
    words = inputs[name].copy()
    words[:, -1] = words[:, -1] - 1 if words[0, -1] > FIRST_WORD else FIRST_WORD + 1
    return {**inputs, name: words}


def _before_and_after(handler: Handler) -> tuple[np.ndarray, np.ndarray]:
    inputs = handler.inputs(1)
    changed = _with_another_last_word(inputs)
    return handler(inputs).to_numpy()[0], handler(changed).to_numpy()[0]


@judged
def check_reads_both_ways(handler: Handler) -> None:
    """Check that the scores of the first word follow the last one."""
    real(handler)
    if reason := facts(handler).get("near_sighted"):
        pytest.skip(reason)
    before, after = _before_and_after(handler)
    assert not np.array_equal(before[0], after[0]), "the first word misses the last"


@judged
def check_reads_forward(handler: Handler) -> None:
    """Check that scores follow the words before them and no word behind them."""
    real(handler)
    if reason := facts(handler).get("looks_ahead"):
        pytest.skip(reason)
    before, after = _before_and_after(handler)
    same = is_close(before[:-1], after[:-1], tolerance(handler, 1e-3))
    assert same, "scores follow a word behind them"
    assert not np.array_equal(before[-1], after[-1]), "scores miss their own word"


@judged
def check_labels(handler: Handler) -> None:
    """Check that there is a score for each label of the configuration."""
    config = real(handler).tiny.model.config
    scores = handler(handler.inputs(2)).to_numpy()
    labels = config.num_labels
    assert scores.shape[-1] == labels, f"{scores.shape[-1]} scores, {labels} labels"


@judged
def check_boxes(handler: Handler) -> None:
    """Check that boxes are parts of the image, and that each has its scores."""
    if reason := facts(handler).get("boxless"):
        pytest.skip(reason)
    outputs = real(handler).tiny(handler.inputs(2))
    boxes, scores = outputs["pred_boxes"], outputs["logits"]
    inside = bool(((boxes >= 0) & (boxes <= 1)).all())
    assert inside, "a box is not between 0 and 1"
    pairs = (tuple(boxes.shape[:2]), tuple(scores.shape[:2]))
    assert pairs[0] == pairs[1], f"boxes and scores are {pairs}"


@judged
def check_masks(handler: Handler) -> None:
    """Check that a mask has a height and a width, and a score for each pixel."""
    real(handler)
    shape = handler(handler.inputs(1)).shape
    assert min(shape[-2:]) > 1, f"a mask of {tuple(shape[-2:])} pixels"


@judged
def check_pairs(handler: Handler) -> None:
    """Check that the scores of images and texts are the same, seen from both sides."""
    outputs = real(handler).tiny(handler.inputs(3))
    by_text = outputs.get("logits_per_text")
    by_image = outputs.get("logits_per_image", outputs.get("logits_per_audio"))
    if by_text is None or by_image is None:
        pytest.skip("the model scores one side only")
    agree = by_image.T.allclose(by_text, atol=1e-4)
    assert agree, "texts and images score differently"


@judged
def check_spans(handler: Handler) -> None:
    """Check that each word may be the start and the end of an answer."""
    inputs = handler.inputs(2)
    outputs = real(handler).tiny(inputs)
    names = ("start_logits", "end_logits")
    spans = [outputs[name] for name in names if name in outputs]
    if not spans:
        pytest.skip("the model writes its answers")
    shapes = {tuple(span.shape) for span in spans}
    assert len(shapes) == 1, f"starts and ends are {shapes}"
    samples, places = shapes.pop()
    words = inputs["input_ids"].shape[1]
    assert samples == 2 and places >= words, f"{places} places for {words} words"


@judged
def check_follows_input(handler: Handler) -> None:
    """Check that another sample gives another answer, and the same one the same."""
    real(handler)
    if reason := facts(handler).get("deaf"):
        pytest.skip(reason)
    select, pair = handler.endpoint.select_sample, handler.inputs(2)
    first, second = (handler(select(pair, index)).to_numpy() for index in (0, 1))
    first_again = handler(handler.inputs(1)).to_numpy()
    same = is_close(first, first_again, tolerance(handler, 0))
    assert same, "the same sample gives another answer"
    differs = first.shape != second.shape or not np.array_equal(first, second)
    assert differs, "another sample gives the same answer"
