import os
import subprocess
import sys
import time

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)", "tgen-leaked"]


def test_leaves_a_child_that_holds_every_pipe():
    if os.fork() == 0:
        time.sleep(600)


def test_leaves_a_daemon():
    subprocess.Popen(SLEEP, start_new_session=True)
