"""${model_name} on ${hardware_type}, seeing, ${batch_size} at a time."""

from __future__ import annotations

# isort: split
# tgen-support: tgen_support/__init__.py
import tgen_support as tgen


class TestVision(tgen.CaseTests):
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
        model = self.load_model(self.case.auto_class, platform)
        processor = self.load("AutoImageProcessor")
        images = processor(images=tgen.images_of(self.inputs), return_tensors="pt")
        outputs = model(**images.to(model.device))
        assert len(outputs[0]) == self.batch_size
        assert outputs[0].isfinite().all()


if __name__ == "__main__":
    raise SystemExit(tgen.run(__file__))
