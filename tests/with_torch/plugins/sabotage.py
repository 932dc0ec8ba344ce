"""Faults that releases of transformers have had, to be put into sound models.

Each takes a model and gives it back broken. `mutations.py` puts them into the kit.
"""

from __future__ import annotations

import copy
import functools
from typing import Any

import torch


def _wrapped(model: Any, change: Any) -> Any:
    """Wrap the forward method: `change` gets it, with its arguments."""
    forward = model.forward

    @functools.wraps(forward)
    def changed(*args: Any, **kwargs: Any) -> Any:
        return change(forward, args, kwargs)

    model.forward = changed
    return model


def _words(model: Any) -> Any:
    return model.get_input_embeddings()


# --- Caches.


def cache_scales_scores(model: Any) -> Any:
    def change(forward: Any, args: Any, kwargs: Any) -> Any:
        outputs = forward(*args, **kwargs)
        if outputs.get("past_key_values") is not None:
            name = "logits" if "logits" in outputs else "last_hidden_state"
            outputs[name] = outputs[name] * 1.05
        return outputs

    return _wrapped(model, change)


def cache_forgets_a_word(model: Any) -> Any:
    def change(forward: Any, args: Any, kwargs: Any) -> Any:
        # The second name is that of releases before 5.24.
        cache = kwargs.get("cache", kwargs.get("past_key_values"))
        for layer in getattr(cache, "layers", []):
            keys = getattr(layer, "keys", None)
            if keys is not None and keys.ndim == 4 and keys.shape[2] > 1:
                keys[:, :, 0] = 0
        return forward(*args, **kwargs)

    return _wrapped(model, change)


def cache_raises(model: Any) -> Any:
    def change(forward: Any, args: Any, kwargs: Any) -> Any:
        if kwargs.get("use_cache"):
            raise AttributeError("'tuple' object has no attribute 'get_seq_length'")
        return forward(*args, **kwargs)

    return _wrapped(model, change)


# --- Padding.


def mask_is_ignored(model: Any) -> Any:
    def change(forward: Any, args: Any, kwargs: Any) -> Any:
        mask = kwargs.get("attention_mask")
        if mask is not None:
            kwargs["attention_mask"] = torch.ones_like(mask)
        return forward(*args, **kwargs)

    return _wrapped(model, change)


def padding_leaks(model: Any) -> Any:
    def leak(_module: Any, _args: Any, vectors: Any) -> Any:
        return vectors + vectors.mean(1, keepdim=True)

    _words(model).register_forward_hook(leak)
    return model


def mask_hides_the_neighbour(model: Any) -> Any:
    def change(forward: Any, args: Any, kwargs: Any) -> Any:
        mask = kwargs.get("attention_mask")
        if mask is not None and bool((mask == 0).any()):
            kwargs["attention_mask"] = mask.roll(1, 1)
        return forward(*args, **kwargs)

    return _wrapped(model, change)


# --- Order.


def words_are_sorted(model: Any) -> Any:
    def sort(_module: Any, args: Any) -> Any:
        return (args[0].sort(-1).values, *args[1:])

    _words(model).register_forward_pre_hook(sort)
    return model


def words_are_a_bag(model: Any) -> Any:
    def mix(_module: Any, _args: Any, vectors: Any) -> Any:
        return vectors.double().mean(1, keepdim=True).float().expand_as(vectors)

    _words(model).register_forward_hook(mix)
    return model


def one_word_counts(model: Any) -> Any:
    def keep(_module: Any, args: Any) -> Any:
        return (args[0].amax(-1, keepdim=True).expand_as(args[0]), *args[1:])

    _words(model).register_forward_pre_hook(keep)
    return model


# --- Losses.


def _with_loss(model: Any, compute: Any) -> Any:
    def change(forward: Any, args: Any, kwargs: Any) -> Any:
        labels = kwargs.pop("labels", None)
        outputs = forward(*args, **kwargs)
        if labels is not None:
            outputs["loss"] = compute(outputs["logits"], labels)
        return outputs

    return _wrapped(model, change)


def _entropy(scores: Any, labels: Any, **options: Any) -> Any:
    flat = scores.reshape(-1, scores.shape[-1])
    return torch.nn.functional.cross_entropy(flat, labels.reshape(-1), **options)


def labels_shift_twice(model: Any) -> Any:
    return _with_loss(model, lambda s, y: _entropy(s[:, :-2], y[:, 2:]))


def hidden_labels_count(model: Any) -> Any:
    return _with_loss(model, lambda s, y: _entropy(s[:, :-1], y[:, 1:].clamp(min=0)))


def losses_add_up(model: Any) -> Any:
    return _with_loss(model, lambda s, y: _entropy(s[:, :-1], y[:, 1:], reduction="sum"))


def no_loss(model: Any) -> Any:
    return _with_loss(model, lambda _scores, _labels: None)


# --- A vocabulary that grows.


def _resizing(model: Any, change: Any) -> Any:
    kind = type(model)

    def resize(self: Any, *args: Any, **kwargs: Any) -> Any:
        table = kind.resize_token_embeddings(self, *args, **kwargs)
        change(self)
        return table

    # A class of its own: a copy of the model keeps it.
    model.__class__ = type(
        kind.__name__, (kind,), {"resize_token_embeddings": resize, "__module__": kind.__module__}
    )
    return model


def head_keeps_its_number(model: Any) -> Any:
    def change(grown: Any) -> None:
        head = grown.get_output_embeddings()
        (head if head is not None else _words(grown)).__dict__.update(
            out_features=1, num_embeddings=1
        )

    return _resizing(model, change)


def table_is_drawn_anew(model: Any) -> Any:
    return _resizing(model, lambda grown: _words(grown).weight.data.mul_(-1))


def configuration_is_forgotten(model: Any) -> Any:
    def change(grown: Any) -> None:
        grown.config.get_text_config().vocab_size -= 8

    return _resizing(model, change)


# --- Gradients.


class _Scaled(torch.autograd.Function):
    """Changes nothing in the forward pass, and scales gradients in the backward pass."""

    @staticmethod
    def forward(context: Any, vectors: Any, factor: float) -> Any:
        context.factor = factor
        return vectors.clone()

    @staticmethod
    def backward(context: Any, *gradients: Any) -> Any:
        return gradients[0] * context.factor, None


def gradients_are_nan(model: Any) -> Any:
    def change(_module: Any, _args: Any, vectors: Any) -> Any:
        return _Scaled.apply(vectors, float("nan"))

    _words(model).register_forward_hook(change)
    return model


def _when_checkpointing(model: Any, change: Any) -> Any:
    """Change the vectors of words once checkpointing is on."""
    kind = type(model)

    def enable(self: Any, *_args: Any, **_kwargs: Any) -> None:
        _words(self).register_forward_hook(lambda _module, _args, out: change(out))

    names = ("activation_checkpointing_enable", "gradient_checkpointing_enable")
    methods = {**dict.fromkeys(names, enable), "__module__": kind.__module__}
    model.__class__ = type(kind.__name__, (kind,), methods)
    return model


def checkpointing_stops_gradients(model: Any) -> Any:
    return _when_checkpointing(model, lambda vectors: vectors.detach())


def checkpointing_doubles_gradients(model: Any) -> Any:
    return _when_checkpointing(model, lambda vectors: _Scaled.apply(vectors, 2.0))


# --- Variants. The faults are in a class of its own, so that saving and loading keep them.


def _kind_with(model: Any, **methods: Any) -> Any:
    kind = type(model)
    model.__class__ = type(
        kind.__name__, (kind,), {**methods, "__module__": kind.__module__}
    )
    return model


def _attending(model: Any, name: str, change: Any) -> Any:
    """Change what the model gives where it computes attention in one way."""
    is_meant = model.config._attn_implementation == name
    return _wrapped(model, change) if is_meant else model


def _main(outputs: Any) -> str:
    return "logits" if "logits" in outputs else "last_hidden_state"


def sdpa_is_scaled_twice(model: Any) -> Any:
    def change(forward: Any, args: Any, kwargs: Any) -> Any:
        outputs = forward(*args, **kwargs)
        outputs[_main(outputs)] = outputs[_main(outputs)] * 1.01
        return outputs

    return _attending(model, "sdpa", change)


def sdpa_ignores_the_mask(model: Any) -> Any:
    def change(forward: Any, args: Any, kwargs: Any) -> Any:
        mask = kwargs.get("attention_mask")
        if mask is not None:
            kwargs["attention_mask"] = torch.ones_like(mask)
        return forward(*args, **kwargs)

    return _attending(model, "sdpa", change)


def eager_is_rounded(model: Any) -> Any:
    def change(forward: Any, args: Any, kwargs: Any) -> Any:
        outputs = forward(*args, **kwargs)
        outputs[_main(outputs)] = outputs[_main(outputs)].round(decimals=1)
        return outputs

    return _attending(model, "eager", change)


def _in_bfloat16(model: Any, change: Any) -> Any:
    forward = type(model).forward

    @functools.wraps(forward)
    def changed(self: Any, *args: Any, **kwargs: Any) -> Any:
        outputs = forward(self, *args, **kwargs)
        return change(outputs) if self.dtype is torch.bfloat16 else outputs

    return _kind_with(model, forward=changed)


def short_floats_are_nan(model: Any) -> Any:
    def change(outputs: Any) -> Any:
        outputs[_main(outputs)] = outputs[_main(outputs)] * float("nan")
        return outputs

    return _in_bfloat16(model, change)


def formats_are_mixed(model: Any) -> Any:
    def change(outputs: Any) -> Any:
        return torch.mm(outputs[_main(outputs)].flatten(0, -2).T, torch.ones(24, 1))

    return _in_bfloat16(model, change)


def _loading(model: Any, change: Any) -> Any:
    load = type(model).from_pretrained.__func__

    def changed(cls: Any, *args: Any, **kwargs: Any) -> Any:
        return change(functools.partial(load, cls, *args), kwargs)

    return _kind_with(model, from_pretrained=classmethod(changed))


def format_is_forgotten(model: Any) -> Any:
    return _loading(model, lambda load, options: load(**{**options, "dtype": None}))


def loading_drops_a_weight(model: Any) -> Any:
    def save(self: Any, folder: Any) -> None:
        weights = self.state_dict()
        weights.pop(min(weights))
        type(self).__mro__[1].save_pretrained(self, folder, state_dict=weights)

    return _kind_with(model, save_pretrained=save)


def loading_changes_a_weight(model: Any) -> Any:
    def change(load: Any, options: Any) -> Any:
        loaded, report = load(**options)
        with torch.no_grad():
            # Too little to show in an output.
            min(loaded.named_parameters())[1].view(-1)[0] += 1e-7
        return loaded, report

    return _loading(model, change)


def loading_unties_the_head(model: Any) -> Any:
    def change(load: Any, options: Any) -> Any:
        loaded, report = load(**options)
        head = loaded.get_output_embeddings()
        head.weight = torch.nn.Parameter(head.weight.detach().clone())
        return loaded, report

    return _loading(model, change)


# --- Configurations.


def _configured(model: Any, change: Any) -> Any:
    kind = type(model.config)

    def save(self: Any, folder: Any) -> None:
        changed = copy.deepcopy(self)
        change(changed)
        kind.save_pretrained(changed, folder)

    methods = {"save_pretrained": save, "__module__": kind.__module__}
    model.config.__class__ = type(kind.__name__, (kind,), methods)
    return model


def a_setting_is_not_saved(model: Any) -> Any:
    return _configured(model, lambda config: delattr(config, "vocab_size"))


def a_setting_is_cut(model: Any) -> Any:
    def change(config: Any) -> None:
        config.initializer_range = round(config.initializer_range, 1)

    return _configured(model, change)


def labels_are_forgotten(model: Any) -> Any:
    def change(config: Any) -> None:
        config.num_labels = 2

    return _configured(model, change)


# --- From release to release.


def attention_is_scaled_twice(model: Any) -> Any:
    for module in model.modules():
        if isinstance(getattr(module, "scaling", None), float):
            module.scaling **= 2
    return model


def head_is_untied(model: Any) -> Any:
    head = model.get_output_embeddings()
    head.weight = torch.nn.Parameter(head.weight.detach().clone())
    return model


def norms_are_left_out(model: Any) -> Any:
    for module in model.modules():
        if type(module).__name__.endswith("Norm"):
            module.forward = lambda vectors: vectors
    return model
