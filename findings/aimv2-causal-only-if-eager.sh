#!/bin/sh
# transformers 5.24.0: in AIMv2's text encoder, an attention mask of ones decides whether a word sees the words behind it, and
# does so with eager attention alone.
#
# One would expect a mask that masks nothing to change nothing, and `attn_implementation` to change only speed. The encoder makes
# its causal mask only if it is given an attention mask, and its attention has `is_causal = False`. With sdpa, the helper that
# makes the mask leaves it out when nothing is padded, because sdpa can be told to be causal; here it is not told. So the same
# weights and words give other hidden states with sdpa than with eager, and with a mask of ones than without one. A test
# that compares two implementations finds it only if it feeds a mask without padding.
#
# Seen with torch 2.15.0 on Python 3.11.7: how far the first four words move when the fifth is replaced
#   eager, no mask         0.32
#   eager, mask of ones    0.00
#   sdpa,  no mask         0.32
#   sdpa,  mask of ones    0.32
#
# Needs python3 with venv, PyPI, and 6 GB of disk space for torch. Ends with an error if the behaviour changes.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install "torch==2.15.0" "transformers==5.24.0"

cat > measure.py <<'PYTHON'
"""Replaces the fifth of six words, and measures how far the hidden states of the first four move."""
import torch
from transformers import Aimv2TextConfig, Aimv2TextModel

SIZES = {"vocab_size": 64, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
WORDS = torch.tensor([[1, 2, 3, 4, 5, 63]])
OTHER = torch.tensor([[1, 2, 3, 4, 9, 63]])


def moved(implementation: str, options: dict) -> float:
    """How far the first four words move."""
    torch.manual_seed(0)
    config = Aimv2TextConfig(**SIZES, max_position_embeddings=16, eos_token_id=63, attn_implementation=implementation)
    model = Aimv2TextModel(config).eval()
    assert model.config._attn_implementation == implementation
    with torch.no_grad():
        one, other = (model(input_ids=words, **options).last_hidden_state for words in (WORDS, OTHER))
    return (one[:, :4] - other[:, :4]).abs().max().item()


for implementation in ("eager", "sdpa"):
    for name, options in (("no mask", {}), ("mask of ones", {"attention_mask": torch.ones_like(WORDS)})):
        distance = moved(implementation, options)
        print(f"{implementation:5}  {name:12}  {distance:.2f}")
        is_causal = distance < 1e-4
        assert is_causal == (implementation == "eager" and name == "mask of ones"), "the behaviour has changed"
PYTHON

venv/bin/python -W ignore measure.py
