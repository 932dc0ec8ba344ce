import os


def test_leaves_the_folder_and_its_environment():
    os.chdir("/")
    os.environ.clear()
    os.environ["MOVED"] = "1"


def test_after():
    assert os.environ["MOVED"]
