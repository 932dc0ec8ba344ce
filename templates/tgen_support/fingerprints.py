"""Fingerprints: what a model of weights that are drawn by name gives, in a few numbers.

A release of transformers that changes the arithmetic of a model, what it ties or the
names that it saves shows in them without an error. `fingerprints.toml` has those that
a person has looked at, by class and by the release from which they hold. A type whose
class belongs to another one has other sizes, and so a table of its own.
"""

from __future__ import annotations

import functools
import itertools
import json
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard

import numpy as np

from .facts import TOML, order
from .model_outputs import tensors
from .tiny import TinyModel, tied_weights

# Drawn so far from zero that every block counts.
_SPREAD = 0.1
# Modules move from release to release; the end of a weight's name stays.
_STEADY_PARTS = 3
_NEAR = 1e-3
# Scores of what is ruled out are as low as a number can be.
_MASKED = 1e30
# How many numbers sum a tensor up.
_SUMS = 3
# How many tensors of an output count.
_TENSORS = 4
_CACHES = ("past_", "cache", "mems", "state", "buckets")

# A part of a fingerprint by its name: numbers, or names.
Fingerprint = dict[str, Any]


class Neighbours(NamedTuple):
    """The records before and after a release, with their releases."""

    before: tuple[str, Fingerprint] | None
    after: tuple[str, Fingerprint] | None


def fingerprint(tiny: TinyModel) -> Fingerprint:
    """Take the fingerprint of a model."""
    twin = drawn_by_name(tiny)
    given = twin.tensors(twin.inputs(1))
    outputs = twin.run(given)
    found: Fingerprint = {"answer": _numbers_of(outputs)}
    if states := _states(twin, given):
        found["states"] = states
    if ties := _ties(twin.model):
        found["ties"] = ties
    if saved := _saved_names(twin.model):
        found["saved"] = saved
    return found


def name_of(model: Any) -> str:
    """Name the table of a model: its class, and the type if the class is another's."""
    class_name, model_type = type(model).__name__, model.config.model_type
    own = getattr(type(model), "config_class", None)
    if own is None or own.model_type == model_type:
        return class_name
    return f"{class_name}-{model_type}"


def drawn_by_name(tiny: TinyModel) -> TinyModel:
    """Give the same model with weights that no release draws otherwise."""
    # Some models keep what they work out of their weights when they first run, and a copy
    # would have that of the old weights.
    twin, torch = tiny.with_seed(0), tiny.torch
    with torch.no_grad():
        for name, weight in sorted(twin.model.state_dict(keep_vars=True).items()):
            is_parameter = isinstance(weight, torch.nn.Parameter)
            if not weight.is_floating_point() or not (is_parameter or weight.ndim > 1):
                continue
            end = ".".join(name.split(".")[-_STEADY_PARTS:])
            seed = zlib.crc32(f"{end} {tuple(weight.shape)}".encode())
            random = np.random.default_rng(seed).standard_normal(weight.numel())
            # What scales is drawn around one.
            is_scale = weight.ndim <= 1 and float(weight.float().mean()) > 0.5
            drawn = torch.from_numpy(_SPREAD * random + is_scale)
            weight.copy_(drawn.reshape(weight.shape).to(weight.dtype))
    return twin


def _numbers_of(outputs: Any) -> list[float]:
    """Sum the first tensors up, so that places count too."""
    numbers = []
    answers = (tensor for tensor in _answers(outputs) if tensor.is_floating_point())
    for tensor in itertools.islice(answers, _TENSORS):
        values = tensor.detach().double().cpu().numpy().reshape(-1)
        values = values[np.abs(values) < _MASKED]
        if values.size:
            places = np.cos(np.arange(values.size))
            numbers += [values.mean(), values.std(), (values * places).mean()]
    return [_rounded(number) for number in numbers]


def _answers(outputs: Any) -> Iterator[Any]:
    """Go through all tensors but those of a cache, which has had many forms."""
    if not isinstance(outputs, Mapping):
        yield from tensors(outputs)
        return
    for name, value in outputs.items():
        if not name.startswith(_CACHES):
            yield from tensors(value)


def _rounded(number: float) -> float:
    return float(f"{number:.5g}")


def _states(tiny: TinyModel, given: dict[str, Any]) -> dict[str, list[float]]:
    """Count the states of the layers, and sum up the first, the middle and the last."""
    try:
        outputs = tiny.run(given, output_hidden_states=True)
    except (TypeError, ValueError):
        return {}
    states = {}
    for name in outputs if hasattr(outputs, "keys") else ():
        layers = outputs[name]
        if "hidden_states" not in name or not isinstance(layers, list | tuple):
            continue
        if layers and all(hasattr(layer, "detach") for layer in layers):
            some = (layers[0], layers[len(layers) // 2], layers[-1])
            means = [layer.detach().double().abs().mean().item() for layer in some]
            states[name] = [len(layers), *map(_rounded, means)]
    return states


def _ties(model: Any) -> list[str]:
    groups = map(sorted, tied_weights(model))
    return sorted(f"{names[0]} and {len(names) - 1} more" for names in groups)


def _saved_names(model: Any) -> str:
    """Say how many weights are saved, and tell their names apart from others."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            model.save_pretrained(folder)
        except (RuntimeError, NotImplementedError, ValueError, TypeError):
            return ""
        names = sorted(
            name for file in Path(folder).glob("*.safetensors") for name in _keys(file)
        )
    return f"{len(names)} names {zlib.crc32(' '.join(names).encode()):08x}"


def _keys(file: Path) -> list[str]:
    with file.open("rb") as content:
        size = int.from_bytes(content.read(8), "little")
        return [n for n in json.loads(content.read(size)) if n != "__metadata__"]


def differences(actual: Fingerprint, recorded: Fingerprint) -> list[str]:
    """Say in which parts two fingerprints differ."""
    return [
        f"{part} {actual.get(part)}, not {recorded.get(part)}"
        for part in sorted({*actual, *recorded})
        if not _is_same(actual.get(part), recorded.get(part))
    ]


def _is_same(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(
            _is_same(one[name], other[name]) for name in one
        )
    if _is_answer(one) and _is_answer(other):
        return _is_same_answer(_sums(one), _sums(other))
    if _are_numbers(one) and _are_numbers(other):
        return len(one) == len(other) and _are_close(one, other)
    return bool(one == other)


def _are_numbers(value: Any) -> TypeGuard[list[float]]:
    is_list = isinstance(value, list)
    return is_list and all(isinstance(number, int | float) for number in value)


def _is_answer(value: Any) -> TypeGuard[list[float]]:
    is_list = isinstance(value, list) and len(value) % _SUMS == 0
    return is_list and all(isinstance(number, float) for number in value)


def _sums(answer: list[float]) -> list[list[float]]:
    return [answer[i : i + _SUMS] for i in range(0, len(answer), _SUMS)]


def _is_same_answer(one: list[list[float]], other: list[list[float]]) -> bool:
    """Compare by tensor, where a release may have added some behind the first."""
    fewer, more = sorted((one, other), key=len)
    if not fewer or not _are_close(fewer[0], more[0]):
        return fewer == more
    return all(any(_are_close(sums, it) for it in more) for sums in fewer)


def _are_close(one: list[float], other: list[float]) -> bool:
    scale = max(map(abs, other), default=1.0)
    return np.allclose(one, other, rtol=_NEAR, atol=_NEAR * scale)


def recorded(name: str, release: str) -> Neighbours:
    """Look up the fingerprints around a release."""
    known = _records_of(name)
    before = [r for r in known if order(r) <= order(release)]
    after = [r for r in known if order(r) > order(release)]
    nearest = (
        max(before, key=order, default=None),
        min(after, key=order, default=None),
    )
    return Neighbours(*((r, known[r]) if r else None for r in nearest))


def is_reviewed(release: str) -> bool:
    """Tell whether a person has looked at this release, or at a later one."""
    releases = TOML.loads(_text().partition("\n[")[0]).get("releases", [])
    return any(order(release) <= order(other) for other in releases)


@functools.cache
def _records_of(name: str) -> dict[str, Fingerprint]:
    """Read one table of the file: the whole of it takes longer than most tests."""
    _, _, rest = _text().partition(f"\n[{name}]\n")
    records: dict[str, Fingerprint] = TOML.loads(rest.partition("\n[")[0])
    return records


@functools.cache
def _text() -> str:
    return Path(__file__).with_name("fingerprints.toml").read_text(encoding="utf-8")
