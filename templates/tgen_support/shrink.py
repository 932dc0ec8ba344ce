"""From a model type to a small configuration: by rules about names, then by facts.

A configuration class declares its settings with defaults. The rules cut those that
decide size; what the class derives from other settings is left for it to derive. The
facts of `facts.toml` come last: what is true of one type and follows from no rule.
"""

from __future__ import annotations

import copy
import dataclasses
import inspect
import re
from collections.abc import Mapping
from typing import Any

from .facts import facts_of, merge
from .tasks import LABELS

VOCABULARY = 256
# How many words a layer sees that does not see all of them.
WINDOW = 6
# How far weights are drawn from zero.
WEIGHTS = 0.02

# What a setting is cut to, by its name: the first pattern that fits says it.
_SIZES = [
    (re.compile(pattern), size)
    for pattern, size in (
        (r".*num_key_value_heads|kv_n_heads|n_head_kv", 2),
        (r"num_hidden_groups|inner_group_num", 1),
        (r"(.*_)?(num_hidden|encoder|decoder|predictor|transformer)_layers", 2),
        (r"num_(text|vision|audio|code|patch)_layers|(.*_)?(num|n)_layers?", 2),
        (r"layers|(.*_)?depth|num_blocks", 2),
        (r"num_experts_per_tok|moe_topk|moe_k|top_k_experts", 2),
        (r"n_group|topk_group|num_expert_group", 1),
        (r"(.*_)?(num|n)_(local_|routed_)?experts", 4),
        (r"(.*_)?(attention|num|n|key|value)_heads?", 4),
        (r"(.*_)?head_dim|d_kv|attention_head_size", 16),
        (r"(.*_)?lora_rank", 16),
        (r".*(intermediate_size|ffn_dim|hidden_size_ff)|d_ff|d_inner|n_inner", 128),
        (r"(.*_)?mlp_dim|ffn_hidden_size|.*feed_?forward.*(size|dim)", 128),
        (r"(.*_)?(hidden_size|(embed|embedding|emb|hidden|projection)_dim)", 64),
        (r"(.*_)?(embedding|proj|pooler_output)_size|(vision_)?output_dim", 64),
        (r"d_model|n_embd|dim|d_embed|output_channels|vit_dim", 64),
        (r"adapter_(in|out)_dim|adapter_input_size", 64),
        (r"max_position_embeddings|n_positions|max_target_positions", 512),
        (r"max_source_positions|image_size|img_size|input_image_size", 64),
        (r"num_pos_feats", 32),
        (r"num_queries|num_object_queries|num_denoising", 10),
        (r"rotary_dim", 8),
        (r"num_codebooks", 2),
        (r"base_channels", 32),
        # Shorter than a text, or no word ever leaves them.
        (
            r"sliding_window(_size)?|attention_(chunk|window)_size|local_attention",
            WINDOW,
        ),
        (r"index_topk", WINDOW),
    )
]
_VOCABULARY = re.compile(r"(.*_)?vocab_size(_per_layer_input)?|.*_vocabulary_size")
_DEPTHS = re.compile(r"depths?|.*layers|num_blocks|stage_num_blocks|blocks_per_stage")
_TOKEN = re.compile(r"(.*)_token_(id|index)s?")
END = 2
_SPECIAL = {"pad": 0, "bos": 1, "eos": END, "decoder_start": 1, "unk": 3}
# Weights as small as some defaults tell no sample from another.
_SMALLEST_WEIGHTS = 1e-4
_LAYER_COUNTS = ("num_hidden_layers", "num_layers", "n_layer", "n_layers")

# Where heads or depths are given by stage, the widths of the stages hang together.
_BY_STAGE = (
    "num_heads",
    "num_attention_heads",
    "depths",
    "hidden_sizes",
    "embed_dims",
    "block_sizes",
)
_WIDTH = re.compile(r"(.*_)?(hidden_size|dim|embedding_size|intermediate_size)")


def tiny_config(model_type: str, auto_class: str, transformers: Any) -> Any:
    """Make the small configuration of a model type, as an auto class needs it."""
    own = facts_of(model_type).get("config_of", {}).get(auto_class, {})
    config = _Shrinker(transformers).whole({"model_type": model_type, **own})
    config.num_labels = LABELS
    if getattr(config, "pad_token_id", None) is None:
        config.pad_token_id = _SPECIAL["pad"]
    if getattr(config, "decoder_start_token_id", None) is None:
        config.decoder_start_token_id = _SPECIAL["decoder_start"]
    if getattr(config, "architectures", None) is None:
        config.architectures = []
    return config


class _Shrinker:
    """Shrinks a configuration and those inside it, which share their special tokens."""

    def __init__(self, transformers: Any) -> None:
        names = ("PreTrainedConfig", "PretrainedConfig")
        bases = [getattr(transformers, name, None) for name in names]
        self.base = next(base for base in bases if base is not None)
        self.classes = transformers.CONFIG_MAPPING
        # Before version 5.4 a configuration takes those inside it as dictionaries.
        self.takes_dicts = not dataclasses.is_dataclass(self.base)
        self.tokens: dict[str, int] = {}

    def whole(self, facts: Mapping[str, Any]) -> Any:
        """Make the small configuration of the model type that the facts name."""
        rest = {name: value for name, value in facts.items() if name != "model_type"}
        return self.shrink(self.classes[facts["model_type"]], None, rest)

    def shrink(self, config_class: Any, given: Any, facts: dict[str, Any]) -> Any:
        """Make a small configuration like the given one, or like the default one."""
        facts = merge(facts_of(config_class.model_type).get("config", {}), facts)
        parameters = inspect.signature(config_class).parameters
        own = self._own(facts, parameters)
        live = vars(given or self._default(config_class, facts, own))
        settings = {
            name: value
            for name, parameter in parameters.items()
            if name in live and name not in facts
            if not _is_derived(live[name], parameter, given)
            if (value := self._cut(name, live)) is not None
        }
        if "pad_token_id" in parameters:
            settings.setdefault("pad_token_id", _SPECIAL["pad"])
        if "vocab_size" in parameters:
            settings.setdefault("vocab_size", VOCABULARY)
        settings |= _one_layer_of_each_kind(live, parameters)
        if given is not None:
            settings |= _switches_of_the_outer_one(live, parameters)
            settings |= _stages(live, facts)
        inner = self._inner(live, facts)
        return config_class(**{**settings, **own, **inner})

    def _own(
        self, facts: dict[str, Any], parameters: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Make the settings that the facts are about."""
        own = {name: self._value(fact) for name, fact in facts.items()}
        if not self.takes_dicts:
            return own
        own = {name: self._as_dict(value) for name, value in own.items()}
        if "rope_parameters" in own and "rope_scaling" in parameters:
            own["rope_scaling"] = own.pop("rope_parameters")
        if "backbone_config" in own and "backbone" in parameters:
            own["backbone"] = None
        return own

    def _as_dict(self, value: Any) -> Any:
        """Say a configuration as what differs from the default, as it is saved."""
        if isinstance(value, self.base):
            return {**value.to_diff_dict(), "model_type": value.model_type}
        return value

    def _default(
        self, config_class: type, facts: dict[str, Any], own: dict[str, Any]
    ) -> Any:
        """Make the default; what has none of its own is helped by the facts."""
        is_whole = {name: _is_whole(facts.get(name)) for name in own}
        # Before version 5 some configurations take apart what they are given.
        own = copy.deepcopy(own)
        whole = {n: value for n, value in own.items() if value is None or is_whole[n]}
        try:
            return config_class(**whole)
        except (ValueError, TypeError, AttributeError, KeyError, OSError):
            return config_class(**own)

    def _inner(self, live: dict[str, Any], facts: dict[str, Any]) -> dict[str, Any]:
        inner = {
            name: self.shrink(type(value), value, facts.get(name, {}))
            for name, value in live.items()
            if isinstance(value, self.base) and not _is_whole(facts.get(name))
        }
        if not self.takes_dicts:
            return inner
        return {name: self._as_dict(config) for name, config in inner.items()}

    def _value(self, fact: Any) -> Any:
        if _is_whole(fact):
            return self.whole(fact)
        if isinstance(fact, dict):
            return {int(k) if k.isdigit() else k: v for k, v in fact.items()}
        return fact

    def _cut(self, name: str, live: dict[str, Any]) -> Any:
        value = live[name]
        if isinstance(value, bool):
            return None
        if name == "initializer_range" and isinstance(value, float):
            return WEIGHTS if value < _SMALLEST_WEIGHTS else None
        if match := _TOKEN.fullmatch(name):
            return self._token(match.group(1), value)
        if type(value) is int:
            return _cut_size(name, value, live)
        is_depth = isinstance(value, list | tuple) and _DEPTHS.fullmatch(name)
        if is_depth and all(type(item) is int for item in value):
            return type(value)(min(item, 1) for item in value)
        return None

    def _token(self, name: str, value: Any) -> Any:
        if isinstance(value, list | tuple):
            ids = [self._token(f"{name}{i}", item) for i, item in enumerate(value)]
            return type(value)(ids) if ids and None not in ids else None
        if type(value) is not int or value < 0:
            return None
        if name in _SPECIAL:
            return _SPECIAL[name]
        return self.tokens.setdefault(name, len(_SPECIAL) + len(self.tokens))


def _is_derived(value: Any, parameter: inspect.Parameter, given: Any) -> bool:
    """Tell whether the class works the setting out itself when it is not given."""
    if parameter.default is not None:
        return False
    return given is None or type(value) is not int


def _is_whole(fact: Any) -> bool:
    """Tell whether a fact is a configuration of its own, by its model type."""
    return isinstance(fact, dict) and "model_type" in fact


def _cut_size(name: str, value: int, live: dict[str, Any]) -> int | None:
    if _VOCABULARY.fullmatch(name):
        return VOCABULARY
    by_stage = any(isinstance(live.get(other), list | tuple) for other in _BY_STAGE)
    if by_stage and _WIDTH.fullmatch(name):
        return None
    if name == "num_key_value_heads" and value == live.get("num_attention_heads"):
        return min(value, 4)
    sizes = (min(value, size) for pattern, size in _SIZES if pattern.fullmatch(name))
    return next(sizes, None)


def _one_layer_of_each_kind(
    live: dict[str, Any], parameters: Mapping[str, Any]
) -> dict[str, Any]:
    """Keep one layer of each kind, and at least two, where kinds are listed."""
    declared = [name for name in _LAYER_COUNTS if name in parameters]
    count = next((name for name in declared if type(live.get(name)) is int), None)
    if count is None:
        return {}
    by_layer = {
        name: value
        for name, value in live.items()
        if name in parameters
        and isinstance(value, list | tuple)
        and len(value) == live[count]
        and not isinstance(value[0], list | tuple | dict)
        and (isinstance(value[0], str) or list(value) != sorted(set(value)))
    }
    kinds = [value for value in by_layer.values() if isinstance(value[0], str)]
    if not kinds:
        return {}
    firsts = {
        kind: i for i, kind in reversed(list(enumerate(zip(*kinds, strict=True))))
    }
    chosen = sorted(firsts.values())
    chosen = chosen if len(chosen) > 1 else list(range(live[count]))[:2]
    cut = {name: type(v)(v[i] for i in chosen) for name, v in by_layer.items()}
    return {**cut, count: len(chosen)}


def _switches_of_the_outer_one(
    live: dict[str, Any], parameters: Mapping[str, Any]
) -> dict[str, Any]:
    """Keep the switches that the configuration around this one has turned."""
    return {
        name: live[name]
        for name, parameter in parameters.items()
        if isinstance(live.get(name), bool) and live[name] != parameter.default
    }


def _stages(live: dict[str, Any], facts: dict[str, Any]) -> dict[str, Any]:
    """Keep as many stages of a backbone as the model around it reads."""
    indices = live.get("_out_indices")
    if not indices or {"out_indices", "out_features"} & facts.keys():
        return {}
    counts = [name for name in _LAYER_COUNTS[:2] if type(live.get(name)) is int]
    if not counts or isinstance(live.get("depths"), list | tuple):
        return {"out_indices": list(indices)}
    layers = max(2, len(indices))
    last = list(range(layers + 1))[-len(indices) :]
    return {counts[0]: layers, "out_indices": last}
