batch = ${batch_size}
name = ${ model_name }
