"""${model_name} on ${hardware_type}, generating text, ${batch_size} at a time."""

from __future__ import annotations

# isort: split
# tgen-support: tgen_support/__init__.py
import tgen_support as tgen


class TestTextGeneration(tgen.CaseTests):
    case = tgen.Case(
        model="${model_name}",
        model_type="${model_type}",
        family="${model_family}",
        task="${primary_task}",
        platform="${hardware_type}",
        auto_class=tgen.auto_class_of("${primary_task}"),
    )
    batch_size = ${batch_size}
    new_tokens = 8

    def test_${model_family}_${hardware_type}(self, handler: tgen.Handler) -> None:
        tgen.check_forward(handler, self.case, self.batch_size)

    def test_weights(self, platform: str) -> None:
        model = self.load_model(self.case.auto_class, platform)
        tokenizer = self.load("AutoTokenizer")
        tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
        tokenizer.padding_side = "left"
        tokens = tokenizer(self.inputs["text"], return_tensors="pt", padding=True)
        tokens = tokens.to(model.device)
        limit = self.new_tokens
        generated = model.generate(**tokens, max_new_tokens=limit, do_sample=False)
        prompt = 1 if model.config.is_encoder_decoder else tokens["input_ids"].shape[1]
        assert len(generated) == self.batch_size
        assert prompt < generated.shape[1] <= prompt + limit


if __name__ == "__main__":
    raise SystemExit(tgen.run(__file__))
