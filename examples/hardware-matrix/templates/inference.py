"""${model_name} on ${hardware_type} with a batch of ${batch_size}."""

import pytest

DEVICE = "${hardware_type}"
BATCH_SIZE = ${batch_size}
# A small model with random weights, so that the test downloads nothing.
SIZES = {
    "vocab_size": 64,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
}


def test_embeddings() -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    if DEVICE == "cuda" and not torch.cuda.is_available():
        pytest.skip(f"this machine has no {DEVICE} device")
    torch.manual_seed(0)
    config = transformers.AutoConfig.for_model("${model_type}", **SIZES)
    model = transformers.AutoModel.from_config(config).to(DEVICE).eval()
    tokens = torch.randint(3, SIZES["vocab_size"], (BATCH_SIZE, 8), device=DEVICE)
    with torch.no_grad():
        embeddings = model(input_ids=tokens).last_hidden_state
    assert embeddings.shape == (BATCH_SIZE, 8, SIZES["hidden_size"])
    assert embeddings.isfinite().all()
