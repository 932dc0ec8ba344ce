import pytest


@pytest.fixture
def bad_end():
    yield
    raise RuntimeError("bad end")


@pytest.fixture
def bad_start():
    raise RuntimeError("bad start")


def test_passes():
    pass


def test_fails():
    assert 1 == 2


def test_teardown_fails(bad_end):
    pass


def test_setup_fails(bad_start):
    pass


def test_skips():
    pytest.skip("not today")


@pytest.mark.xfail
def test_fails_as_expected():
    assert 0


class OutOfMemoryError(RuntimeError):
    pass


def test_has_no_memory():
    raise OutOfMemoryError("CUDA out of memory")


@pytest.mark.parametrize("value", [1, 1, 2])
def test_is_doubled(value):
    pass
