"""${model_name} on ${hardware_type}, hearing, ${batch_size} at a time."""

from __future__ import annotations

import numpy as np

# isort: split
# tgen-support: tgen_support/__init__.py
import tgen_support as tgen


class TestAudio(tgen.CaseTests):
    case = tgen.Case(
        model="${model_name}",
        model_type="${model_type}",
        family="${model_family}",
        task="${primary_task}",
        platform="${hardware_type}",
        auto_class=tgen.auto_class_of("${primary_task}"),
    )
    batch_size = ${batch_size}

    def test_${model_family}_${hardware_type}(self, handler: tgen.Handler) -> None:
        tgen.check_forward(handler, self.case, self.batch_size)

    def test_weights(self, platform: str) -> None:
        model = self.load_model("AutoModel", platform)
        extractor = self.load("AutoFeatureExtractor")
        rate = extractor.sampling_rate
        seconds = [np.resize(wave, rate) for wave in self.inputs["audio"]]
        features = extractor(seconds, sampling_rate=rate, return_tensors="pt")
        encoder = model.get_encoder() if model.config.is_encoder_decoder else model
        states = encoder(**features.to(model.device))[0]
        assert len(states) == self.batch_size
        assert states.isfinite().all()


if __name__ == "__main__":
    raise SystemExit(tgen.run(__file__))
