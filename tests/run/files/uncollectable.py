import no_such_module_at_all


def test_never():
    pass
