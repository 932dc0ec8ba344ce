import time


def test_before():
    pass


def test_allocates():
    parts = []
    for _ in range(200):
        parts.append(b"x" * (10 << 20))
        time.sleep(0.05)


def test_after():
    pass
