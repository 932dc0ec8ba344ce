"""${model_name} on ${hardware_type}, as a text embedding, ${batch_size} at a time."""

from __future__ import annotations

# isort: split
# tgen-support: tgen_support/__init__.py
import tgen_support as tgen


class TestTextEmbedding(tgen.CaseTests):
    case = tgen.Case(
        model="${model_name}",
        model_type="${model_type}",
        family="${model_family}",
        task="feature-extraction",
        platform="${hardware_type}",
        auto_class="AutoModel",
    )
    batch_size = ${batch_size}

    def test_${model_family}_${hardware_type}(self, handler: tgen.Handler) -> None:
        tgen.check_forward(handler, self.case, self.batch_size)

    def test_weights(self, platform: str) -> None:
        model = self.load_model(self.case.auto_class, platform)
        tokenizer = self.load("AutoTokenizer")
        tokens = tokenizer(self.inputs["text"], return_tensors="pt", padding=True)
        tokens = tokens.to(model.device)
        states = model(**tokens).last_hidden_state
        mask = tokens["attention_mask"].unsqueeze(-1)
        embeddings = (states * mask).sum(dim=1) / mask.sum(dim=1)
        assert embeddings.shape == (self.batch_size, model.config.hidden_size)
        assert embeddings.isfinite().all()


if __name__ == "__main__":
    raise SystemExit(tgen.run(__file__))
