"""Counts the parameters of every model type's default configuration, and prints `model_sizes.txt`.

Needs torch and transformers. No memory is allocated for the weights: the models are made on torch's device `meta`.

    python model_sizes.py > model_sizes.txt
"""

import sys

import torch
import transformers
from transformers import CONFIG_MAPPING, AutoModel


def count(model_type: str) -> int:
    """Count the parameters of a model type's base model."""
    with torch.device("meta"):
        model = AutoModel.from_config(CONFIG_MAPPING[model_type]())
    return sum(parameter.numel() for parameter in model.parameters())


if __name__ == "__main__":
    transformers.logging.set_verbosity_error()
    for model_type in sorted(CONFIG_MAPPING):
        try:
            print(model_type, max(1, round(count(model_type) / 1_000_000)))
        except Exception as error:  # A type without a base model, or whose defaults cannot be built, is left out.
            print(f"{model_type}: {error}", file=sys.stderr)
