import os
from pathlib import Path


def test_steady():
    pass


def test_crashes_once():
    seen = Path(__file__).with_suffix(".seen")
    if not seen.exists():
        seen.touch()
        os.abort()
