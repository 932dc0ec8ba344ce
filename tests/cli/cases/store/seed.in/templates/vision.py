# ${model_name} on ${hardware_type}
