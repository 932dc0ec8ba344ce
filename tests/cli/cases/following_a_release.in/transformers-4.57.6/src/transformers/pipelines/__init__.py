from ..models.auto.configuration_auto import AutoConfig
from ..utils import is_tf_available, is_torch_available
from .base import PipelineRegistry
from .fill_mask import FillMaskPipeline
from .image_to_text import ImageToTextPipeline
from .text2text_generation import SummarizationPipeline, Text2TextGenerationPipeline


if is_tf_available():
    import tensorflow as tf

    from ..models.auto.modeling_tf_auto import TFAutoModelForMaskedLM, TFAutoModelForSeq2SeqLM, TFAutoModelForVision2Seq

if is_torch_available():
    import torch

    from ..models.auto.modeling_auto import AutoModelForMaskedLM, AutoModelForSeq2SeqLM, AutoModelForVision2Seq

SUPPORTED_TASKS = {
    "fill-mask": {
        "impl": FillMaskPipeline,
        "tf": (TFAutoModelForMaskedLM,) if is_tf_available() else (),
        "pt": (AutoModelForMaskedLM,) if is_torch_available() else (),
        "default": {
            "model": {
                "pt": ("distilbert/distilroberta-base", "fb53ab8"),
                "tf": ("distilbert/distilroberta-base", "fb53ab8"),
            }
        },
        "type": "text",
    },
    "summarization": {
        "impl": SummarizationPipeline,
        "tf": (TFAutoModelForSeq2SeqLM,) if is_tf_available() else (),
        "pt": (AutoModelForSeq2SeqLM,) if is_torch_available() else (),
        "type": "text",
    },
    "text2text-generation": {
        "impl": Text2TextGenerationPipeline,
        "tf": (TFAutoModelForSeq2SeqLM,) if is_tf_available() else (),
        "pt": (AutoModelForSeq2SeqLM,) if is_torch_available() else (),
        "type": "text",
    },
    "image-to-text": {
        "impl": ImageToTextPipeline,
        "tf": (TFAutoModelForVision2Seq,) if is_tf_available() else (),
        "pt": (AutoModelForVision2Seq,) if is_torch_available() else (),
        "type": "multimodal",
    },
}
