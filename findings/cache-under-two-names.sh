#!/bin/sh
# transformers 5.24.0: a cache reaches hooks under two names, and an output "has" a key that its keys() do not list.
#
# One would expect the rename of `past_key_values` to `cache` to leave code alone that still uses the old name, as its warning says.
# The decorator that translates the name is inside `__call__`, around `forward`: a forward pre-hook sees what the caller wrote, and
# `generate` writes the new name. A hook or wrapper that looks at `kwargs["past_key_values"]` therefore finds no cache in any
# call of `generate`, without a warning, and does what it does for a model without one. Outputs answer to both names
# by attribute and by `in`, but `keys()`, `items()` and `**` give the new one alone, so that a check of `"past_key_values" in output`
# passes before a loop over the same output misses it.
#
# Seen with torch 2.15.0 on Python 3.11.7:
#   GPT2LMHeadModel: the signature has ['cache']; an output has the keys ['cache'], and `in` finds ['past_key_values', 'cache']
#     a hook sees ['cache'] when `generate` calls, ['past_key_values'] when a caller uses the old name
#   LlamaForCausalLM: the same
#
# Needs python3 with venv, PyPI, and 6 GB of disk space for torch. Ends with an error if the behaviour changes.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install "torch==2.15.0" "transformers==5.24.0"

cat > measure.py <<'PYTHON'
"""Notes by which name a cache reaches a hook, an outer wrapper of `forward`, and what the signature says."""
import inspect

import torch
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

SMALL = {"vocab_size": 32, "bos_token_id": 1, "eos_token_id": 2}
MODELS = (
    GPT2LMHeadModel(GPT2Config(n_embd=16, n_layer=1, n_head=2, n_positions=32, **SMALL)),
    LlamaForCausalLM(
        LlamaConfig(hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2, **SMALL)
    ),
)
NAMES = ("past_key_values", "cache")


def names_in(given: dict) -> list[str]:
    """The names under which a call holds a cache."""
    return [name for name in NAMES if given.get(name) is not None]


for model in MODELS:
    model.eval()
    seen: list[list[str]] = []
    hook = model.register_forward_pre_hook(lambda _, args, given: seen.append(names_in(given)), with_kwargs=True)
    words = torch.arange(3, 9)[None]
    with torch.no_grad():
        model.generate(words, max_new_tokens=3, min_new_tokens=3, do_sample=False)
        by_generate = seen.copy()
        seen.clear()
        first = model(words, use_cache=True)
        model(words[:, :1], past_key_values=first.past_key_values)
        by_hand = seen[-1]
    hook.remove()
    signature = [name for name in NAMES if name in inspect.signature(model.forward).parameters]
    keys, found = ([name for name in NAMES if name in where] for where in (list(first.keys()), first))
    print(f"{type(model).__name__}: the signature has {signature}; an output has the keys {keys}, and `in` finds {found}")
    print(f"  a hook sees {by_generate[-1]} when `generate` calls, {by_hand} when a caller uses the old name")
    assert (signature, keys, found) == (["cache"], ["cache"], ["past_key_values", "cache"]), "the behaviour has changed"
    assert (by_generate[-1], by_hand) == (["cache"], ["past_key_values"]), "the behaviour has changed"
PYTHON

venv/bin/python -W ignore measure.py
