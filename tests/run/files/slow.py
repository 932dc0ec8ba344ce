import time

import pytest


@pytest.mark.parametrize("number", range(20))
def test_takes_its_time(number):
    time.sleep(0.02)
