"""The tiny-model kit: from a model type to a small model and its inputs, offline.

The architecture is the real one; its sizes are small and its weights random. A model
type that cannot be had so says why: `TinyModel` raises `CannotBuild`.
"""

from __future__ import annotations

import contextlib
import copy
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .facts import facts_of
from .inputs import WORDS, Plan, is_concatenated, make_sample, plan_inputs, setting
from .known import BuildFailed
from .placement import Placement, seeded
from .shrink import END, WEIGHTS, tiny_config

# The inputs that carry what stands among the words as tokens of its own.
_CARRIERS = {
    "image": ("pixel_values",),
    "audio": ("input_features", "input_values"),
    "video": ("pixel_values_videos",),
}

# Where labels are not classes: the start and the end of an answer.
_LABELS_OF = {"AutoModelForQuestionAnswering": 2}
_NAMED = inspect.Parameter.POSITIONAL_OR_KEYWORD


class CannotBuild(Exception):
    """There is no tiny model of this type, for the reason given."""


class TinyModel:
    """A small model of a type for a task's auto class, with what it takes in."""

    def __init__(
        self,
        model_type: str,
        auto_class: str,
        torch: Any,
        transformers: Any,
        device: str = "cpu",
    ) -> None:
        self.torch, self.auto_class = torch, auto_class
        self.place = Placement(torch, device)
        self.facts = facts_of(model_type)
        self.loader = _loader(model_type, auto_class, self.facts, transformers)
        with _building():
            self.config = tiny_config(model_type, auto_class, transformers)
        labels = {**_LABELS_OF, **self.facts.get("labels_of", {})}
        self.config.num_labels = labels.get(auto_class, self.config.num_labels)
        self.model = self._build(seed=0)
        self._answers: dict[tuple[Any, ...], Any] = {}
        self.tokens: list[tuple[int, int]] = []
        self.plan: Plan = plan_inputs(self.model, self.facts)
        self._make_room_for_tokens()

    def _build(self, seed: int, **options: Any) -> Any:
        """Draw weights on the processor: so they are the same on every device."""
        with _building(), seeded(self.torch, seed):
            model = self._from_config(copy.deepcopy(self.config), **options)
            self._draw_zero_weights(model)
        # Some models keep what they work out of their weights for this mode.
        return self.place.move(model.eval())

    def _from_config(self, config: Any, **options: Any) -> Any:
        part = self.facts.get("part_of", {}).get(self.auto_class)
        if part is None:
            return self.loader.from_config(config, **options)
        model_class = self.loader._model_mapping[type(config)]
        return model_class._from_config(getattr(config, part), **options)

    def _draw_zero_weights(self, model: Any) -> None:
        """Draw the weights that are zero before training: nothing gets past them."""
        for weight in model.parameters():
            if weight.ndim > 1 and not weight.any():
                self.torch.nn.init.normal_(weight, std=WEIGHTS)
        for module in model.modules():
            padding = getattr(module, "padding_idx", None)
            rows = getattr(module, "weight", None)
            # Where padding is zero, nothing that leaks out of it shows.
            if isinstance(padding, int) and rows is not None and rows.ndim == 2:
                with self.torch.no_grad():
                    rows[padding].normal_(std=WEIGHTS)

    def with_seed(self, seed: int) -> TinyModel:
        """Give the same model with the weights of a seed."""
        return self.with_model(self._build(seed))

    def with_options(self, **options: Any) -> TinyModel:
        """Give the same model as it is built with other options."""
        return self.with_model(self._build(0, **options))

    def with_model(self, model: Any) -> TinyModel:
        """Give the same with another model of the kind."""
        other = copy.copy(self)
        other.model, other._answers = model, {}
        return other

    def inputs(self, size: int, first: int = 0) -> dict[str, np.ndarray]:
        """Make a batch; a sample is the same in every batch that holds it."""
        batch = {}
        for name, spec in self.plan.items():
            samples = [make_sample(name, spec, first + index) for index in range(size)]
            is_row = is_concatenated(spec)
            batch[name] = np.concatenate(samples) if is_row else np.stack(samples)
        class_name = type(self.model).__name__
        if class_name.endswith("ForSequenceClassification") and "input_ids" in batch:
            batch["input_ids"][:, -1] = END
        start = 1
        for token, count in self.tokens:
            batch["input_ids"][:, start : start + count] = token
            if "mm_token_type_ids" in batch:
                batch["mm_token_type_ids"][:, start : start + count] = 1
            start += count
        return batch

    def size_of(self, inputs: dict[str, np.ndarray]) -> int:
        """Count the samples of a batch; ValueError when its inputs do not agree."""
        missing = [name for name in self.plan if name not in inputs]
        if missing:
            raise ValueError(f"the inputs have no {' and no '.join(missing)}")
        sizes = {len(inputs[name]) / self._rows(name) for name in self.plan}
        if len(sizes) != 1 or not sizes.copy().pop().is_integer() or 0 in sizes:
            raise ValueError(f"the inputs are for {sizes} samples")
        return int(sizes.pop())

    def select_sample(
        self, inputs: dict[str, np.ndarray], index: int
    ) -> dict[str, np.ndarray]:
        """Take one sample out of a batch."""
        rows = {name: self._rows(name) for name in self.plan}
        return {
            name: inputs[name][index * count : (index + 1) * count]
            for name, count in rows.items()
        }

    def _rows(self, name: str) -> int:
        spec = self.plan[name]
        return len(make_sample(name, spec, 0)) if is_concatenated(spec) else 1

    def __call__(self, inputs: dict[str, np.ndarray]) -> Any:
        """Give what the model makes of a batch: run once, and kept for other tests."""
        key = self._key(inputs)
        if key not in self._answers:
            self._answers[key] = self.run(self.tensors(inputs))
        return self._answers[key]

    def forget(self, inputs: dict[str, np.ndarray]) -> None:
        """Let the model run again on a batch."""
        self._answers.pop(self._key(inputs), None)

    def _key(self, inputs: dict[str, np.ndarray]) -> tuple[Any, ...]:
        return tuple((inputs[name].shape, inputs[name].tobytes()) for name in self.plan)

    def run(self, given: dict[str, Any], **options: Any) -> Any:
        """Run the model's forward method; what is random in it is the same each time."""
        call = {**self.facts.get("call", {}), **options}
        with self.place.running():
            return self.model(**given, **call)

    def why_silent(self) -> str | None:
        """Say why the model is not asked to generate, if a fact does."""
        reason = self.facts.get("silent")
        if isinstance(reason, dict):
            reason = reason.get(self.auto_class)
        return str(reason) if reason else None

    def generate(self, inputs: dict[str, np.ndarray], tokens: int) -> Any:
        """Generate so many tokens at most, the likeliest each."""
        ids = self.generate_all(self.tensors(inputs), tokens)
        return getattr(ids, "sequences", ids)

    def generate_all(self, given: dict[str, Any], tokens: int, **options: Any) -> Any:
        """Generate, and give all that comes of it."""
        given = {n: value for n, value in given.items() if n != "decoder_input_ids"}
        if options:
            options["return_dict_in_generate"] = True
        with self.place.running():
            return self.model.generate(
                **given, max_new_tokens=tokens, do_sample=False, **options
            )

    def tensors(self, inputs: dict[str, np.ndarray]) -> dict[str, Any]:
        """Put a batch where the model is."""
        return {name: self.place.tensor(inputs[name]) for name in self.plan}

    def saved_and_loaded(self, folder: Path) -> TinyModel:
        """Give the same model as it comes back from disk."""
        self.model.save_pretrained(folder)
        return self._loaded(type(self.model).from_pretrained(folder))

    def saved_and_loaded_with_report(
        self, folder: Path
    ) -> tuple[TinyModel, dict[str, Any]]:
        """Give the same, and what loading reports."""
        self.model.save_pretrained(folder)
        load = type(self.model).from_pretrained
        model, report = load(folder, output_loading_info=True)
        return self._loaded(model), report

    def _loaded(self, model: Any) -> TinyModel:
        return self.with_model(self.place.move(model.eval()))

    def _make_room_for_tokens(self) -> None:
        for kind, carriers in _CARRIERS.items():
            names = (f"{kind}_token_id", f"{kind}_token_index")
            token = setting(self.model.config, *names)
            carried = any(name in self.plan for name in carriers)
            if token is not None and carried and "input_ids" in self.plan:
                known = self.facts.get(f"{kind}_tokens")
                count = self._count(kind) if known is None else known
                self.tokens += [(token, count)] if count else []
        words = WORDS + sum(count for _, count in self.tokens)
        if not self.tokens:
            return
        self.plan["input_ids"] = f"ids {words}"
        if "attention_mask" in self.plan:
            self.plan["attention_mask"] = f"ones {words}"
        if "mm_token_type_ids" in inspect.signature(self.model.forward).parameters:
            self.plan["mm_token_type_ids"] = f"zeros {words}"

    def _count(self, kind: str) -> int:
        """Count the tokens that one image, sound or video becomes, by making them."""
        owners = (getattr(self.model, "model", None), self.model, self.model.base_model)
        methods = (getattr(owner, f"get_{kind}_features", None) for owner in owners)
        method = next((method for method in methods if method is not None), None)
        if method is None:
            return 0
        given = self.tensors(self.inputs(1))
        wanted = {}
        for name, parameter in inspect.signature(method).parameters.items():
            if name in given:
                wanted[name] = given[name]
            elif parameter.default is parameter.empty and parameter.kind == _NAMED:
                wanted[name] = setting(self.model.config, name)
        with self.place.running():
            features = method(**wanted)
        pooled = getattr(features, "pooler_output", None)
        return _row_count(features if pooled is None else pooled)


def tied_weights(model: Any) -> list[set[str]]:
    """Group the names of weights that are one."""
    groups: dict[int, set[str]] = {}
    for name, weight in model.named_parameters(remove_duplicate=False):
        groups.setdefault(weight.data_ptr(), set()).add(name)
    return [names for names in groups.values() if len(names) > 1]


@contextlib.contextmanager
def _building() -> Iterator[None]:
    """Take what cannot be imported as a reason why there is no tiny model."""
    try:
        yield
    except ImportError as error:
        lines = str(error).strip().splitlines()
        raise CannotBuild(lines[0] if lines else "needs a package") from error
    except Exception as error:
        raise BuildFailed(f"{type(error).__name__}: {error}") from error


def _row_count(features: Any) -> int:
    features = getattr(features, "last_hidden_state", features)
    if isinstance(features, list | tuple):
        return sum(map(_row_count, features))
    return features.numel() // features.shape[-1]


def _loader(
    model_type: str, auto_class: str, facts: dict[str, Any], transformers: Any
) -> Any:
    """Find the auto class; CannotBuild, with the reason, where that is no use."""
    version = transformers.__version__
    if model_type not in transformers.CONFIG_MAPPING:
        raise CannotBuild(f"transformers {version} has no {model_type}")
    if not hasattr(transformers, auto_class):
        raise CannotBuild(f"transformers {version} has no {auto_class}")
    reason = facts.get("skip") or facts.get("skip_class", {}).get(auto_class)
    if reason:
        raise CannotBuild(reason)
    loader = getattr(transformers, auto_class)
    mapping = getattr(loader, "_model_mapping", None)
    config_class = transformers.CONFIG_MAPPING[model_type]
    if mapping is not None and config_class not in mapping:
        raise CannotBuild(f"{auto_class} of transformers {version} has no {model_type}")
    return loader


# The models of one type at a time: its tests come one after the other.
_made: dict[tuple[Any, ...], TinyModel] = {}


def tiny_model(
    model_type: str, auto_class: str, torch: Any, transformers: Any, device: str
) -> TinyModel:
    """Make a tiny model, or give the one that was made for the test before."""
    key = (model_type, auto_class, torch, transformers, device)
    if key not in _made:
        if any(other[0] != model_type for other in _made):
            _made.clear()
        _made[key] = TinyModel(*key)
    return _made[key]
