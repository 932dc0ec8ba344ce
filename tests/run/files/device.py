"""Notes which devices are in use while it has its own, until two files have met."""

import os
import time
import uuid
from pathlib import Path


def in_use():
    return sorted(path.name.partition("-")[0] for path in Path("holders").iterdir())


def test_has_its_device():
    holders = Path("holders")
    holders.mkdir(exist_ok=True)
    own = holders / f"{os.environ['CUDA_VISIBLE_DEVICES']}-{uuid.uuid4()}"
    own.touch()
    seen = {" ".join(in_use())}
    until = time.monotonic() + 30
    while not Path("have-met").exists() and time.monotonic() < until:
        devices = in_use()
        seen.add(" ".join(devices))
        if len(devices) == 2:
            Path("have-met").touch()
    with open("seen", "a") as notes:
        notes.write("".join(f"{devices}\n" for devices in seen))
    own.unlink()
