def test_fills_the_disk():
    with open("/dev/full", "w") as full:
        full.write("some")


def test_after():
    pass
