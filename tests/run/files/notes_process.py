import os


def test_notes_its_process():
    with open("processes", "a") as processes:
        processes.write(f"{os.getpid()}\n")
