"""Checks of one handler: what every test demands. Each says what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .endpoints import Case, TinyEndpoint
from .facts import facts_of
from .handlers import Handler
from .known import judged
from .notes import MOCK, REAL, is_real_required, note
from .openvino_endpoint import OpenvinoEndpoint
from .outputs import Output
from .placement import to_numpy
from .platforms import TORCH_DEVICES
from .tiny import tied_weights

# Scores of what is ruled out are as low as a number can be.
_MASKED = 1e30
# What sums of float32 differ by that add the same numbers in another order.
_RESTLESS = 1e-4


@judged
def check_forward(handler: Handler, case: Case, batch_size: int) -> Output:
    """Run a batch, and check its tensor and that its metadata tell the truth."""
    note_endpoint(handler)
    inputs = handler.inputs(batch_size)
    output = handler(inputs)
    note(implementation=getattr(output, "implementation", None), batch=batch_size)
    note(reason=getattr(output, "reason", ""))
    assert isinstance(output, Output), f"the handler gave a {type(output).__name__}"
    check_metadata(output, case, batch_size)
    is_level = "level" in facts(handler)
    check_tensor(output, handler.endpoint.shape(inputs), may_be_level=is_level)
    return output


def check_metadata(output: Output, case: Case, batch_size: int) -> None:
    """Check that a result says truly where it comes from."""
    for name in ("model", "task", "platform"):
        actual, wanted = getattr(output, name), getattr(case, name)
        assert actual == wanted, f"{name} is {actual!r}, not {wanted!r}"
    device = output.device
    on_platform = device.partition(":")[0] == case.platform
    assert on_platform, f"device is {device!r} on {case.platform}"
    size = output.batch_size
    assert size == batch_size, f"batch_size is {size} for {batch_size} samples"
    assert output.elapsed >= 0, f"elapsed is {output.elapsed}"
    check_implementation(output)


def check_tensor(
    output: Output, shape: tuple[Any, ...], *, may_be_level: bool = False
) -> None:
    """Check a tensor's shape and values."""
    actual = tuple(output.shape)
    assert _fits(actual, shape), f"shape is {actual}, not {shape}"
    values = np.asarray(output)
    assert not np.isnan(values).any(), "the tensor holds nan"
    finite = values[np.isfinite(values)]
    assert finite.size > 0, "the tensor holds nothing but infinity"
    varies = values.size == 1 or np.ptp(finite) > 0
    assert varies or may_be_level, "all values are the same"


def _fits(actual: tuple[int, ...], wanted: tuple[Any, ...]) -> bool:
    if wanted[-1:] == (...,):
        wanted = wanted[:-1] + (None,) * (len(actual) - len(wanted) + 1)
    pairs = zip(actual, wanted, strict=False)
    same = all(size is None or size == got for got, size in pairs)
    return len(actual) == len(wanted) and same


def check_implementation(output: Output) -> None:
    """Check that REAL came from torch, and that MOCK has a reason and is allowed."""
    if output.implementation == REAL:
        _check_real(output)
        return
    assert output.implementation == MOCK, f"{output.implementation!r} is no answer"
    assert output.reason, "a MOCK result gives no reason"
    forbidden = is_real_required()
    assert not forbidden, f"a MOCK result where REAL is required: {output.reason}"


def _check_real(output: Output) -> None:
    kinds = [kind.__module__ for kind in type(output.tensor).__mro__]
    is_of_torch = any(module.partition(".")[0] == "torch" for module in kinds)
    assert is_of_torch, f"a REAL tensor came from {kinds[0]}"
    place, wanted = output.tensor.device, TORCH_DEVICES.get(output.platform, "cpu")
    assert place.type == wanted, f"the result stands on {place}, not on {wanted}"


@judged
def check_batch(handler: Handler, batch_size: int) -> None:
    """Check that runs repeat, and that each row follows its own sample and no other."""
    note_endpoint(handler)
    note(batch=batch_size)
    inputs = handler.inputs(batch_size)
    output = handler(inputs)
    size = output.batch_size
    assert size == batch_size, f"batch_size is {size} for {batch_size} samples"
    batch = output.to_numpy()
    if isinstance(handler.endpoint, TinyEndpoint):
        handler.endpoint.forget(inputs)
    second_run = handler(inputs).to_numpy()
    assert is_close(batch, second_run, tolerance(handler, 0)), (
        "two runs on the same inputs differ"
    )
    if reason := facts(handler).get("unbatched"):
        pytest.skip(reason)
    pairs = handler.endpoint.pairs
    rows = _rows(batch, batch_size, pairs)
    is_level = bool({"level", "deaf"} & facts(handler).keys())
    for index, row in enumerate(rows):
        alone = handler(handler.endpoint.select_sample(inputs, index)).to_numpy()
        wanted = _rows(alone, 1, pairs)[0]
        same = is_close(row, wanted, tolerance(handler, 1e-3))
        assert same, f"sample {index} alone gives another row than in the batch"
        other = rows[index - 1]
        differs = batch_size == 1 or is_level or not np.array_equal(row, other)
        assert differs, f"sample {index} gives the same row as another sample"


def _rows(values: np.ndarray, batch_size: int, pairs: bool) -> list[np.ndarray]:
    """Cut a result into samples; of pairs, such as texts and images, the own ones."""
    if pairs:
        return list(np.diagonal(values))
    return np.split(values, batch_size)


def is_close(actual: np.ndarray, wanted: np.ndarray, tolerance: float) -> bool:
    """Compare results, whatever their shape; a tolerance of 0 demands equality."""
    if actual.size != wanted.size:
        return False
    # Beside large values the last digits of small ones are noise.
    sizes = np.abs(wanted[np.isfinite(wanted)])
    scale = max(1.0, float(sizes[sizes < _MASKED].max(initial=0)))
    return np.allclose(
        actual.reshape(-1),
        wanted.reshape(-1),
        rtol=tolerance,
        atol=tolerance / 10 * scale,
        equal_nan=True,
    )


def tolerance(handler: Handler, exact: float) -> float:
    """Widen a tolerance as the precision of the test demands."""
    endpoint = handler.endpoint
    if not isinstance(endpoint, TinyEndpoint):
        return exact
    place = endpoint.tiny.place
    if exact == 0 and place.device != "cpu" and "restless" in facts(handler):
        return _RESTLESS
    return place.tolerance(exact)


@judged
def check_seed(handler: Handler) -> None:
    """Check that the seed alone decides the weights."""
    endpoint = in_torch(handler)
    tiny, inputs = endpoint.tiny, handler.inputs(1)
    other = _unequal(tiny.model, tiny.with_seed(0).model)
    assert not other, f"the same seed gives other weights: {other[:3]}"
    if reason := facts(handler).get("seedless"):
        pytest.skip(reason)
    other_seed = to_numpy(endpoint.answer(tiny.with_seed(1), inputs))
    first = handler(inputs).to_numpy()
    assert not np.array_equal(first, other_seed), "another seed gives the same result"


def _unequal(model: Any, other: Any) -> list[str]:
    """Name the weights in which two models of one kind differ."""
    weights, others = model.state_dict(), other.state_dict()
    return [name for name, weight in weights.items() if not weight.equal(others[name])]


@judged
def check_agrees_with_torch(handler: Handler) -> None:
    """Check that a platform which does not run torch gives what torch gives."""
    endpoint = real(handler)
    if not isinstance(endpoint, OpenvinoEndpoint):
        pytest.skip("torch runs it itself")
    inputs = handler.inputs(2)
    same = is_close(endpoint.in_torch(inputs), handler(inputs).to_numpy(), 1e-2)
    assert same, f"torch gives another result than {handler.case.platform}"


@judged
def check_round_trip(handler: Handler, folder: Path) -> None:
    """Check that the model comes back from disk as it was."""
    endpoint = in_torch(handler)
    if reason := facts(handler).get("unsaved", {}).get(handler.case.auto_class):
        pytest.skip(reason)
    inputs = handler.inputs(1)
    tiny, report = endpoint.tiny, None
    if why_without(handler, "loading"):
        loaded = tiny.saved_and_loaded(folder)
    else:
        loaded, report = tiny.saved_and_loaded_with_report(folder)
    back = to_numpy(endpoint.answer(loaded, inputs))
    same = is_close(handler(inputs).to_numpy(), back, tolerance(handler, 1e-5))
    assert same, "the model gives another result after it was saved and loaded"
    if report is not None:
        _check_loaded_weights(tiny.model, loaded.model, report)


def _check_loaded_weights(model: Any, loaded: Any, report: Mapping[str, Any]) -> None:
    names = ("missing_keys", "unexpected_keys", "mismatched_keys")
    complaints = {name: list(report[name]) for name in names if report.get(name)}
    assert not complaints, f"loading reports {complaints}"
    lost = model.state_dict().keys() ^ loaded.state_dict().keys()
    assert not lost, f"other weights come back from disk: {sorted(lost)[:3]}"
    other = _unequal(model, loaded)
    assert not other, f"weights come back from disk changed: {other[:3]}"
    ties = [sorted(map(sorted, tied_weights(it))) for it in (model, loaded)]
    assert ties[0] == ties[1], f"{ties[1]} are tied after loading, {ties[0]} before"


@judged
def check_generation(handler: Handler, tokens: int = 3) -> None:
    """Check that generating stops in time, a row for each sample, and repeats."""
    endpoint = in_torch(handler)
    if not endpoint.tiny.model.can_generate():
        pytest.skip(f"{type(endpoint.tiny.model).__name__} does not generate")
    if reason := endpoint.tiny.why_silent():
        pytest.skip(reason)
    known = facts(handler)
    is_single = handler.case.auto_class in known.get("single", {})
    size = 1 if is_single or "unbatched" in known else 2
    inputs = handler.inputs(size)
    made = endpoint.tiny.generate(inputs, tokens)
    generated = made if hasattr(made, "shape") else made[0]
    rows = len(generated)
    assert rows == size, f"{rows} rows for {size} samples"
    if not generated.is_floating_point() and generated.ndim == 2:
        prompt = inputs["input_ids"].shape[1] if "input_ids" in inputs else 0
        started = 1 if endpoint.tiny.model.config.is_encoder_decoder else prompt
        new = generated.shape[1] - started
        assert 0 < new <= tokens, f"{new} new tokens where {tokens} are allowed"
    again = endpoint.tiny.generate(inputs, tokens)
    again = again if hasattr(again, "shape") else again[0]
    assert generated.equal(again), "two runs on the same inputs differ"


@judged
def check_wrong_input(handler: Handler) -> None:
    """Check that a handler refuses what it cannot compute, and says why."""
    note_endpoint(handler)
    with pytest.raises(ValueError, match="the inputs have no"):
        handler({})
    inputs = handler.inputs(2)
    name = next(iter(inputs))
    if len(inputs) > 1:
        with pytest.raises(ValueError, match="the inputs have no"):
            handler({key: value for key, value in inputs.items() if key != name})
        with pytest.raises(ValueError, match="samples|sizes"):
            handler({**inputs, name: inputs[name][:0]})


def real(handler: Handler) -> TinyEndpoint:
    """Give the endpoint if it is the architecture itself; skip where it is a mock."""
    note_endpoint(handler)
    endpoint = handler.endpoint
    if isinstance(endpoint, TinyEndpoint):
        return endpoint
    pytest.skip(endpoint.reason or "this is for torch alone")


def note_endpoint(handler: Handler) -> None:
    """Note whether an endpoint is REAL; a MOCK may be a failure."""
    endpoint = handler.endpoint
    if isinstance(endpoint, TinyEndpoint):
        place = endpoint.tiny.place
        note(device=place.name, precision=place.precision)
    note(implementation=endpoint.implementation, reason=endpoint.reason)
    forbidden = is_real_required() and endpoint.implementation == MOCK
    assert not forbidden, f"a MOCK where REAL is required: {endpoint.reason}"


def in_torch(handler: Handler) -> TinyEndpoint:
    """Give the endpoint if torch runs it; skip what is about torch's model alone."""
    endpoint = real(handler)
    if handler.case.platform not in TORCH_DEVICES:
        pytest.skip("this is about the model in torch")
    return endpoint


def facts(handler: Handler) -> Mapping[str, Any]:
    """Give what is known of the model type."""
    return facts_of(handler.case.model_type)


def why_without(handler: Handler, check: str) -> str | None:
    """Say why a type, or its model of an auto class, cannot pass a check."""
    reason = facts(handler).get("without", {}).get(check)
    if isinstance(reason, dict):
        reason = reason.get(handler.case.auto_class)
    return str(reason) if reason else None
