import os
import time


def test_forks_many():
    for _ in range(200):
        if os.fork() == 0:
            time.sleep(600)
            os._exit(0)
