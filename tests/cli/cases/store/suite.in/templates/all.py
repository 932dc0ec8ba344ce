MODEL = "${model_name}"  # ${template_name}
