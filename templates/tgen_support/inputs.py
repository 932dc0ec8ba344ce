"""From a model to its inputs, by the names that its forward method gives them.

The specification of an input is a short text: a kind, and the shape of one sample.

- `ids 12`: ids of words. `int:5 12`: whole numbers below 5. `ones 12`, `zeros 12`
- `float 3 8 8`: numbers between -1 and 1. `positive 4`: above 0
- `true 12`, `false 12`: a mask of booleans. `solid 12`: of floats
- `boxes 12`: so many boxes, by two corners. `values 1 4 4`: these very numbers
- a star behind the kind, as in `float* 16 24`: the samples stand one behind the other
  in the first dimension, without a dimension of their own
"""

from __future__ import annotations

import inspect
import zlib
from typing import Any

import numpy as np

from .shrink import VOCABULARY

WORDS = 12
TARGETS = 6
FRAMES = 64
WAVEFORM = 3200
GRID = 4
# Ids below this one are special tokens; texts are made of the others.
FIRST_WORD = 64

# The specification of each input, by its name.
Plan = dict[str, str]


def setting(config: Any, *names: str, default: Any = None) -> Any:
    """Find a setting in a configuration or, if it has none, in those inside it."""
    for name in names:
        value = getattr(config, name, None)
        if value is not None:
            return value
    for inner in vars(config).values():
        found = setting(inner, *names) if hasattr(inner, "to_dict") else None
        if found is not None:
            return found
    return default


def make_sample(name: str, spec: str, index: int) -> np.ndarray:
    """Make one sample of an input; it depends on its index and on nothing else."""
    kind, *numbers = spec.replace("*", "").split()
    shape = [int(number) for number in numbers]
    random = np.random.default_rng([zlib.crc32(name.encode()), index])
    match kind.split(":"):
        case ["values"]:
            return np.array(shape)
        case ["ids"]:
            return random.integers(FIRST_WORD, VOCABULARY, shape)
        case ["int", limit]:
            return random.integers(0, int(limit), shape)
        case ["float"]:
            return random.uniform(-1, 1, shape).astype(np.float32)
        case ["positive"]:
            return random.uniform(0.1, 1, shape).astype(np.float32)
        case ["boxes"]:
            corners = random.integers(0, 400, [*shape, 2])
            return np.concatenate([corners, corners + 50], axis=-1)
    dtypes: dict[str, type] = {"ones": np.int64, "zeros": np.int64, "solid": np.float32}
    return np.full(shape, kind not in ("zeros", "false"), dtypes.get(kind, bool))


def is_concatenated(spec: str) -> bool:
    """Tell whether samples stand one behind the other in the first dimension."""
    return "*" in spec


def plan_inputs(model: Any, facts: dict[str, Any]) -> Plan:
    """Specify each input of the model; the facts have the last word."""
    plan = _Planner(model).plan()
    own = facts.get("inputs_of", {}).get(type(model).__name__, {})
    plan |= facts.get("inputs", {}) | own
    return {name: spec for name, spec in plan.items() if spec}


class _Planner:
    """Goes through the parameters of a forward method, modality by modality."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.config = model.config
        self.parameters = inspect.signature(model.forward).parameters

    def plan(self) -> Plan:
        plan: Plan = {}
        if self._takes("pixel_values", "hidden_states", "grid_thw"):
            plan |= self._image()
        if self._requires("pixel_values_videos"):
            plan |= self._video()
        if self._takes("input_features"):
            plan |= self._spectrogram()
        if self._takes("input_values"):
            plan |= self._waveform()
        if self._takes("input_ids"):
            plan |= self._text()
        if self._takes("decoder_input_ids") and not self._classifies_text():
            plan["decoder_input_ids"] = f"ids {TARGETS}"
        return plan

    def _classifies_text(self) -> bool:
        """Tell whether the decoder reads the input itself, up to its last token."""
        return type(self.model).__name__.endswith("ForSequenceClassification")

    def _takes(self, *names: str) -> bool:
        return any(name in self.parameters for name in names)

    def _requires(self, name: str) -> bool:
        parameter = self.parameters.get(name)
        return parameter is not None and _is_required(parameter)

    def _text(self) -> Plan:
        plan = {"input_ids": f"ids {WORDS}"}
        plan |= (
            {"attention_mask": f"ones {WORDS}"} if self._takes("attention_mask") else {}
        )
        plan |= {"bbox": f"boxes {WORDS}"} if self._takes("bbox") else {}
        return plan

    def _image(self) -> Plan:
        vision = getattr(self.config, "vision_config", None) or self.config
        channels = setting(vision, "num_channels", "in_channels", "in_chans", default=3)
        channels = channels if isinstance(channels, int) else 3
        size = setting(vision, "image_size", "img_size", default=64)
        height, width = size if isinstance(size, list | tuple) else (size, size)
        image = f"{channels} {height} {width}"
        name = "pixel_values" if self._takes("pixel_values") else "hidden_states"
        if self._takes("image_grid_thw", "grid_thw"):
            return self._patches(name, vision, channels)
        if self._takes("spatial_shapes"):
            side = _side(setting(vision, "patch_size", default=16))
            return {
                name: f"float {GRID**2} {channels * side**2}",
                "spatial_shapes": f"values {GRID} {GRID}",
                "pixel_attention_mask": f"ones {GRID**2}",
            }
        if self._takes("pixel_attention_mask"):
            return {name: f"float 1 {image}"}
        if name != "pixel_values":
            return {}
        if self._takes("image_sizes") and self._reads_sizes(vision):
            tiles = "2 " if hasattr(self.config, "image_grid_pinpoints") else ""
            sizes = f"values {height} {width}"
            return {name: f"float {tiles}{image}", "image_sizes": sizes}
        return {name: f"float {self._frames()}{image}"}

    def _patches(self, name: str, vision: Any, channels: int) -> Plan:
        side = _side(setting(vision, "patch_size", default=16))
        depth = setting(vision, "temporal_patch_size", "patch_temporal", default=1)
        grid = "image_grid_thw" if self._takes("image_grid_thw") else "grid_thw"
        numbers = channels * depth * side**2
        return {
            name: f"float* {GRID**2} {numbers}",
            grid: f"values 1 {GRID} {GRID}",
        }

    def _reads_sizes(self, vision: Any) -> bool:
        if hasattr(self.config, "image_grid_pinpoints"):
            return True
        if "pixtral" in getattr(vision, "model_type", ""):
            return True
        method = getattr(self.model, "get_image_features", None)
        known = inspect.signature(method).parameters if method else {}
        return "image_sizes" in known and _is_required(known["image_sizes"])

    def _frames(self) -> str:
        modalities = str(getattr(self.model, "input_modalities", "image"))
        if "video" not in modalities or "image" in modalities:
            return ""
        frames = setting(self.config, "num_frames")
        return f"{frames} " if frames else ""

    def _video(self) -> Plan:
        vision = getattr(self.config, "vision_config", None) or self.config
        frames = setting(vision, "num_frames", "frames_per_clip", default=2)
        size = setting(vision, "image_size", "crop_size", default=64)
        return {"pixel_values_videos": f"float {frames} 3 {size} {size}"}

    def _spectrogram(self) -> Plan:
        audio = getattr(self.config, "audio_config", None) or self.config
        names = ("num_mel_bins", "feature_size", "feature_projection_input_dim")
        bins = setting(audio, *names, "input_dim", "n_mels", default=80)
        positions = setting(audio, "max_source_positions")
        frames = 2 * positions if positions else FRAMES
        plan = {"input_features": f"float {frames} {bins}"}
        if positions or self._convolves(bins):
            plan = {"input_features": f"float {bins} {frames}"}
        elif self._takes("attention_mask") and not self._takes("input_ids"):
            plan["attention_mask"] = f"ones {frames}"
        if self._takes("input_features_mask"):
            plan["input_features_mask"] = f"ones {frames}"
        return plan

    def _convolves(self, bins: int) -> bool:
        """Tell whether bins come before frames: a convolution wants its channels so."""
        layers = self.model.modules()
        convolutions = (layer for layer in layers if type(layer).__name__ == "Conv1d")
        return any((c.in_channels, c.groups) == (bins, 1) for c in convolutions)

    def _waveform(self) -> Plan:
        channels = setting(self.config, "audio_channels")
        lead = f"{channels} " if channels else ""
        return {"input_values": f"float {lead}{WAVEFORM}"}


def _is_required(parameter: inspect.Parameter) -> bool:
    return parameter.default is parameter.empty


def _side(patch_size: Any) -> int:
    return patch_size[-1] if isinstance(patch_size, list | tuple) else patch_size
