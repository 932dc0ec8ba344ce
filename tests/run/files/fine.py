import os


def test_one():
    assert os.environ["TGEN_RUN_ID"]


def test_two():
    pass
