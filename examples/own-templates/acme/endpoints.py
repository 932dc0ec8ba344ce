"""What the generated tests are about: the endpoints of a made-up company."""

LARGEST_INPUT_KB = {"image-classification": 4096, "automatic-speech-recognition": 64}


def path(model: str, task: str) -> str:
    return f"/acme/{model}/{task}"


def max_input_kb(task: str) -> int:
    return LARGEST_INPUT_KB.get(task, 16)


def content_types(task: str) -> list[str]:
    return ["image/png", "image/jpeg"] if task.startswith("image") else ["text/plain"]
