"""Checks of a model that compute the same thing in a second way.

What breaks from release to release without an error shows only so: what stands in a
cache, behind a mask or in a head that has grown must be what it is without.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from .checks import facts, is_close, tolerance
from .endpoints import TinyEndpoint
from .fingerprints import drawn_by_name
from .handlers import Handler
from .known import judged
from .model_outputs import tensors
from .padding import (
    beside_a_longer_row,
    padded,
    require_words,
    sides,
    skip_uncut,
    unpadded,
)
from .placement import to_numpy
from .subjects import asked, can_generate, is_single, main_answer, takes
from .tiny import TinyModel

_STEPS = 4
_MORE_WORDS = 8
_NEXT_WORDS = re.compile(
    r".*(ForCausalLM|LMHeadModel|ForConditionalGeneration|ForImageTextToText)"
)
_CLASSES = re.compile(r".*For(Sequence|Image|Audio|Video)Classification")
# What chance decides in training.
_CHANCES = re.compile(r".*(drop|mask_time_prob|mask_feature_prob).*")


@judged
def check_cache(handler: Handler) -> None:
    """Check that a cache changes nothing, at once and word by word."""
    endpoint = asked(handler, "cache")
    tiny, near = endpoint.tiny, tolerance(handler, 1e-3)
    has_switch, generates = takes(tiny, "use_cache"), can_generate(tiny)
    if not has_switch and not generates:
        pytest.skip("it keeps no cache")
    if has_switch:
        given = tiny.tensors(handler.inputs(1))
        kept, fresh = (
            main_answer(endpoint, tiny.run(given, use_cache=use))
            for use in (True, False)
        )
        assert is_close(kept, fresh, near), "with a cache it gives another answer"
    if not generates:
        return
    inputs = handler.inputs(1 if is_single(handler) else 2)
    kept_scores, scores = (
        _scores(tiny, inputs, use_cache=use) for use in (True, False)
    )
    for step, (one, other) in enumerate(zip(kept_scores, scores, strict=False)):
        assert is_close(one, other, near), f"word {step} scores otherwise with a cache"
        if not np.array_equal(one.argmax(-1), other.argmax(-1)):
            return


def _scores(
    tiny: TinyModel, inputs: Mapping[str, np.ndarray], **options: Any
) -> list[np.ndarray]:
    """Generate, and give the scores of each word."""
    given = tiny.tensors(dict(inputs))
    made = tiny.generate_all(given, _STEPS, output_logits=True, **options)
    scores = getattr(made, "logits", None)
    if scores is None:
        pytest.skip("it gives no scores while it generates")
    return [to_numpy(step) for step in scores]


@judged
def check_padding(handler: Handler) -> None:
    """Check that padding which the mask hides changes nothing."""
    endpoint = asked(handler, "padding")
    tiny, inputs = endpoint.tiny, handler.inputs(1)
    require_words(inputs)
    alone, uncut = main_answer(endpoint, tiny(inputs)), None
    for side in sides(tiny):
        batches = [padded(tiny, inputs, side)]
        if not is_single(handler):
            batches.append(
                beside_a_longer_row(padded(tiny, handler.inputs(2), side), side)
            )
        for batch in batches:
            answer = _answer(endpoint, batch, side)
            got = unpadded(answer, alone.shape, side)
            if got is None:
                uncut = answer
                continue
            rows = len(batch["input_ids"])
            assert is_close(got, alone, tolerance(handler, 1e-3)), (
                f"padding on the {side} changes the answer in a batch of {rows}"
            )
    _check_padded_generation(handler, tiny, inputs)
    if uncut is not None:
        skip_uncut(uncut, alone.shape)


def _check_padded_generation(
    handler: Handler, tiny: TinyModel, inputs: dict[str, np.ndarray]
) -> None:
    side = "right" if tiny.model.config.is_encoder_decoder else "left"
    if not can_generate(tiny) or side not in sides(tiny):
        return
    plain, wide = (_scores(tiny, it) for it in (inputs, padded(tiny, inputs, side)))
    near = tolerance(handler, 1e-3)
    for step, (one, other) in enumerate(zip(plain, wide, strict=False)):
        same = is_close(other, one, near)
        assert same, f"word {step} scores otherwise behind a padded text"
        if not np.array_equal(one.argmax(-1), other.argmax(-1)):
            return


def _answer(
    endpoint: TinyEndpoint, batch: dict[str, np.ndarray], side: str
) -> np.ndarray:
    given, options = endpoint.tiny.tensors(batch), {}
    if side == "left":
        positions = given["attention_mask"].cumsum(-1) - 1
        options["position_ids"] = positions.clamp(min=0)
    return main_answer(endpoint, endpoint.tiny.run(given, **options))


@judged
def check_order(handler: Handler) -> None:
    """Check that the order of words counts, also for the last of them."""
    endpoint = asked(handler, "order")
    if reason := facts(handler).get("near_sighted"):
        pytest.skip(reason)
    tiny, inputs = endpoint.tiny, handler.inputs(1)
    ids = inputs.get("input_ids")
    special = {token for token, _ in tiny.tokens}
    is_text = not any(
        name.startswith(("pixel", "input_v", "input_f")) for name in inputs
    )
    if ids is None or ids.ndim != 2 or "bbox" in inputs or not is_text:
        pytest.skip("it does not read words in a row alone")
    places = [p for p in range(1, ids.shape[1] - 1) if ids[0, p] not in special]
    if len(places) < 4:
        pytest.skip("it reads too few words")
    swapped = ids.copy()
    first, last = places[0], places[-2]
    swapped[0, [first, last]] = ids[0, [last, first]]
    # In a new model a word may weigh so little that no digit shows its place.
    drawn = drawn_by_name(tiny)
    before = main_answer(endpoint, drawn(inputs))
    after = main_answer(endpoint, drawn({**inputs, "input_ids": swapped}))
    if before.shape == after.shape and before.ndim > 2:
        before, after = before[:, -1], after[:, -1]
    same = before.shape == after.shape and is_close(before, after, 1e-6)
    assert not same, "another order of the words gives the same answer"


@judged
def check_loss(handler: Handler) -> None:
    """Check that the loss of labels is the cross entropy of the scores."""
    endpoint = asked(handler, "loss")
    tiny, torch = endpoint.tiny, endpoint.tiny.torch
    if not takes(tiny, "labels"):
        pytest.skip("it takes no labels")
    inputs = handler.inputs(1 if is_single(handler) else 2)
    outputs = tiny(inputs)
    scores = outputs.get("logits") if isinstance(outputs, Mapping) else None
    if scores is None or not hasattr(scores, "detach"):
        pytest.skip("it gives no scores")
    labels = _labels(tiny, inputs, scores)
    if labels is None:
        pytest.skip("its labels are of another kind")
    given = tiny.tensors(inputs)
    loss = tiny.run({**given, "labels": labels}).get("loss")
    assert loss is not None, "labels give no loss"
    assert loss.ndim == 0, f"the loss has the shape {tuple(loss.shape)}"
    scores = scores.float()
    if scores.ndim == 3 and _is_shifted(tiny, inputs):
        scores, labels = scores[:, :-1], labels[:, 1:]
    wanted = torch.nn.functional.cross_entropy(
        scores.reshape(-1, scores.shape[-1]), labels.reshape(-1)
    )
    same = is_close(to_numpy(loss), to_numpy(wanted), tolerance(handler, 1e-3))
    assert same, f"the loss is {float(loss):.4f}, not {float(wanted):.4f}"


def _labels(tiny: TinyModel, inputs: Mapping[str, np.ndarray], scores: Any) -> Any:
    name, torch = type(tiny.model).__name__, tiny.torch
    count = scores.shape[-1]
    ids = inputs.get("decoder_input_ids", inputs.get("input_ids"))
    if _NEXT_WORDS.fullmatch(name) or name.endswith(("ForMaskedLM", "DecoderModel")):
        if ids is None or scores.shape[:-1] != ids.shape:
            return None
        labels = torch.from_numpy(ids % count).to(scores.device)
        labels[:, :2] = -100
        return labels
    if _CLASSES.fullmatch(name) and scores.ndim == 2:
        return torch.arange(len(scores), device=scores.device) % count
    if name.endswith("ForTokenClassification") and scores.ndim == 3:
        places = torch.arange(scores.shape[0] * scores.shape[1], device=scores.device)
        return (places % count).reshape(scores.shape[:2])
    return None


def _is_shifted(tiny: TinyModel, inputs: Mapping[str, np.ndarray]) -> bool:
    """Tell whether a place is scored for the word behind it."""
    name = type(tiny.model).__name__
    is_decoder_apart = tiny.model.config.is_encoder_decoder or (
        "decoder_input_ids" in inputs
    )
    return not is_decoder_apart and not name.endswith(
        ("ForMaskedLM", "ForTokenClassification")
    )


@judged
def check_embeddings(handler: Handler) -> None:
    """Check that tables, heads and the configuration grow with the vocabulary."""
    endpoint = asked(handler, "embeddings")
    tiny, inputs = endpoint.tiny, handler.inputs(1)
    if "input_ids" not in inputs:
        pytest.skip("it reads no words")
    grown = tiny.with_model(copy.deepcopy(tiny.model))
    try:
        words = len(grown.model.get_input_embeddings().weight)
        grown.model.resize_token_embeddings(words + _MORE_WORDS)
    except (NotImplementedError, AttributeError):
        pytest.skip("it has no table of words that can grow")
    wanted = words + _MORE_WORDS
    _check_size("table", grown.model.get_input_embeddings(), wanted)
    head = tiny.model.get_output_embeddings()
    if head is not None and len(getattr(head, "weight", ())) == words:
        _check_size("head", grown.model.get_output_embeddings(), wanted)
    text = grown.model.config.get_text_config()
    said = getattr(text, "vocab_size", wanted)
    assert said == wanted, f"the configuration says {said} words, not {wanted}"
    before, after = (
        main_answer(endpoint, tiny(inputs)),
        main_answer(endpoint, grown(inputs)),
    )
    after = after[..., : before.shape[-1]] if after.ndim == before.ndim else after
    same = is_close(after, before, tolerance(handler, 1e-3))
    assert same, "words that were there before score otherwise"


def _check_size(what: str, layer: Any, wanted: int) -> None:
    sizes = {"rows": len(layer.weight)}
    for name in ("num_embeddings", "out_features"):
        sizes[name] = getattr(layer, name, wanted)
    if getattr(layer, "bias", None) is not None:
        sizes["numbers of the bias"] = len(layer.bias)
    for name, size in sizes.items():
        assert size == wanted, f"the {what} has {size} {name}, not {wanted}"


@judged
def check_gradients(handler: Handler) -> None:
    """Check that gradients are finite, and the same with checkpointing."""
    endpoint = asked(handler, "gradients")
    tiny = endpoint.tiny
    twin = tiny.with_model(copy.deepcopy(tiny.model))
    twin.model.train()
    _take_chance_out(twin.model)
    plain = _gradients(twin, handler)
    wrong = [name for name, value in plain.items() if not np.isfinite(value).all()]
    assert not wrong, f"gradients are not finite: {wrong[:3]}"
    if not getattr(twin.model, "supports_gradient_checkpointing", False):
        return
    again = _gradients(twin, handler)
    near = tolerance(handler, 1e-3)
    steady = [name for name in plain if is_close(again[name], plain[name], near / 10)]
    # The old name before transformers 5.2x, which warns of it.
    names = ("activation_checkpointing_enable", "gradient_checkpointing_enable")
    enable = next(
        getattr(twin.model, name) for name in names if hasattr(twin.model, name)
    )
    try:
        enable({"use_reentrant": False})
    except ValueError as error:
        pytest.skip(str(error).partition(".")[0])
    kept = _gradients(twin, handler)
    lost = [name for name in plain if name not in kept]
    assert not lost, f"checkpointing loses gradients: {lost[:3]}"
    other = [name for name in steady if not is_close(kept[name], plain[name], near)]
    assert not other, f"checkpointing gives other gradients: {other[:3]}"


def _take_chance_out(model: Any) -> None:
    for module in model.modules():
        is_dropout = "Dropout" in type(module).__name__
        if is_dropout and isinstance(getattr(module, "p", None), float):
            module.p = 0.0
        config = getattr(module, "config", None)
        owners = [module, config] if hasattr(config, "to_dict") else [module]
        for owner in owners:
            for name, value in list(vars(owner).items()):
                if isinstance(value, float) and _CHANCES.fullmatch(name):
                    setattr(owner, name, 0.0)


def _gradients(tiny: TinyModel, handler: Handler) -> dict[str, np.ndarray]:
    """Run backward from all outputs, weighted by place so that nothing cancels."""
    tiny.model.zero_grad(set_to_none=True)
    options = {"use_cache": False} if takes(tiny, "use_cache") else {}
    # Some normalise over the batch, which takes two samples.
    given = tiny.tensors(handler.inputs(1 if is_single(handler) else 2))
    with tiny.place.running(with_gradients=True):
        call = {**tiny.facts.get("call", {}), **options}
        outputs = tiny.model(**given, **call)
        total: Any = 0
        for tensor in tensors(outputs):
            if tensor.requires_grad:
                flat = tensor.float().reshape(-1)
                flat = flat[flat.isfinite()]
                steps = tiny.torch.linspace(0.5, 1.5, len(flat), device=flat.device)
                total = total + (flat * steps).mean() + (flat**2).mean()
        if isinstance(total, int):
            pytest.skip("no output has a gradient")
        total.backward()
    return {
        name: to_numpy(weight.grad)
        for name, weight in tiny.model.named_parameters()
        if weight.grad is not None
    }
