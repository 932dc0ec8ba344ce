# Test for ${model_name} on ${hardware_type} with batch size ${batch_size}
import torch
from transformers import AutoModel, AutoTokenizer

def test_${model_family}_${hardware_type}():
    # Initialize model
    model_name = "${model_name}"
    tokenizer = AutoTokenizer.from_pretrained(model_name)
    model = AutoModel.from_pretrained(model_name)
    
    # Move to appropriate device
    device = "${hardware_type}"
    if device != "cpu":
        model = model.to(device)
    
    # Prepare input
    text = "Example text for embedding test"
    inputs = tokenizer(text, return_tensors="pt")
    if device != "cpu":
        inputs = {k: v.to(device) for k, v in inputs.items()}
    
    # Run inference with batch size ${batch_size}
    batch = {k: v.repeat(${batch_size}, 1) for k, v in inputs.items()}
    
    # Execute model
    with torch.no_grad():
        outputs = model(**batch)
    
    # Return results
    return {
        "model_name": "${model_name}",
        "hardware_type": "${hardware_type}",
        "batch_size": ${batch_size},
        "embedding_shape": outputs.last_hidden_state.shape,
        "success": True
    }
