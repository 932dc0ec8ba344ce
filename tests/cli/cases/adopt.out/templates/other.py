MODEL = "${model_name}"
SIZE = 1

COUNT = 1
