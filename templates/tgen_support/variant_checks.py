"""Checks of the same model in another variant: another attention, a shorter number
format, or made from a configuration that comes back from its file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .checks import facts, is_close, tolerance
from .handlers import Handler
from .known import BuildFailed, judged
from .padding import padded, require_words, skip_uncut, unpadded
from .subjects import asked, can_generate, is_single, main_answer
from .tiny import TinyModel

_ATTENTIONS = ("eager", "sdpa")
# What belongs to the file of a configuration, or to how a model was loaded.
_NOT_SETTINGS = ("_name_or_path", "transformers_version", "torch_dtype", "dtype")
_WORDS_MADE = 2


@judged
def check_attention(handler: Handler) -> None:
    """Check that all ways to compute attention give the same, also beside padding."""
    endpoint = asked(handler, "attention")
    twins = [_with_attention(endpoint.tiny, name) for name in _ATTENTIONS]
    if len({_attentions_of(twin.model) for twin in twins}) == 1:
        pytest.skip("it has one way to compute attention")
    inputs = handler.inputs(1 if is_single(handler) else 2)
    plain, other = (main_answer(endpoint, twin(inputs)) for twin in twins)
    near = tolerance(handler, 1e-3)
    assert is_close(other, plain, near), "sdpa gives another answer than eager"
    wide = _padded_or_skip(endpoint.tiny, inputs)
    answers = [main_answer(endpoint, twin.run(twin.tensors(wide))) for twin in twins]
    shape = plain[:1].shape
    one, two = (unpadded(answer, shape, "right") for answer in answers)
    if one is None or two is None:
        skip_uncut(answers[0], shape)
    same = is_close(two, one, near)
    assert same, "sdpa gives another answer than eager beside padding"


def _with_attention(tiny: TinyModel, name: str) -> TinyModel:
    if getattr(tiny.model.config, "_attn_implementation", None) == name:
        return tiny
    try:
        return tiny.with_options(attn_implementation=name)
    except BuildFailed as error:
        if "support" in str(error):
            pytest.skip(f"it has no attention of the kind {name}")
        raise


def _attentions_of(model: Any) -> tuple[str, ...]:
    configs = (getattr(module, "config", None) for module in model.modules())
    return tuple(
        sorted({str(getattr(c, "_attn_implementation", None)) for c in configs if c})
    )


def _padded_or_skip(
    tiny: TinyModel, inputs: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    require_words(inputs)
    return padded(tiny, inputs, "right")


@judged
def check_precision(handler: Handler, folder: Path) -> None:
    """Check that the model loads, computes and generates in bfloat16."""
    endpoint = asked(handler, "precision")
    tiny = endpoint.tiny
    if reason := facts(handler).get("unsaved", {}).get(handler.case.auto_class):
        pytest.skip(reason)
    tiny.model.save_pretrained(folder)
    short = _loaded_in(tiny, tiny.torch.bfloat16, folder)
    formats = {weight.dtype for weight in short.model.parameters()}
    assert tiny.torch.bfloat16 in formats, f"its weights are loaded as {formats}"
    given = {
        name: value.to(tiny.torch.bfloat16) if value.is_floating_point() else value
        for name, value in tiny.tensors(
            handler.inputs(1 if is_single(handler) else 2)
        ).items()
    }
    answer = main_answer(endpoint, short.run(given))
    assert not np.isnan(answer).any(), "in bfloat16 the tensor holds nan"
    assert np.isfinite(answer).any(), "in bfloat16 nothing is finite"
    if can_generate(tiny):
        short.generate_all(given, _WORDS_MADE)


def _loaded_in(tiny: TinyModel, dtype: Any, folder: Path) -> TinyModel:
    load = type(tiny.model).from_pretrained
    try:
        model = load(folder, dtype=dtype)
    except TypeError as error:
        # The name before transformers 4.56.
        if "dtype" not in str(error):
            raise
        model = load(folder, torch_dtype=dtype)
    return tiny.with_model(model.to(tiny.place.device).eval())


@judged
def check_configuration(handler: Handler, folder: Path) -> None:
    """Check that a configuration comes back from its file as it was."""
    config = asked(handler, "configuration").tiny.model.config
    config.save_pretrained(folder)
    back = type(config).from_pretrained(folder)
    before, after = _settings(config), _settings(back)
    changed = [
        f"{name} is {after.get(name)!r}, not {before.get(name)!r}"
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]
    assert not changed, f"the configuration comes back changed: {changed[:3]}"


def _settings(config: Any) -> dict[str, Any]:
    settings = json.loads(config.to_json_string(use_diff=False))
    return {
        name: value
        for name, value in settings.items()
        if name not in _NOT_SETTINGS and not name.startswith("_")
    }
