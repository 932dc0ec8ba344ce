"""The check of what a release of transformers has changed."""

from __future__ import annotations

import importlib.metadata

import pytest

from .fingerprints import differences, fingerprint, is_reviewed, name_of, recorded
from .handlers import Handler
from .known import judged, skip_not_known
from .subjects import asked


@judged
def check_fingerprint(handler: Handler) -> None:
    """Check that answers, states, ties and names are those of a reviewed release.

    The release before or the one after may be right: between them something changed.
    """
    endpoint = asked(handler, "fingerprint")
    tiny = endpoint.tiny
    if tiny.place.device != "cpu" or tiny.place.precision != "float32":
        pytest.skip("fingerprints are those of the processor, in float32")
    name, release = name_of(tiny.model), importlib.metadata.version("transformers")
    known = recorded(name, release)
    around = [neighbour for neighbour in known if neighbour is not None]
    if not around:
        pytest.skip(f"no fingerprint of {name} has been recorded")
    actual = fingerprint(tiny)
    changes = [differences(actual, record) for _, record in around]
    if not all(changes):
        return
    lines = (
        f"not what it is in {other}: {'; '.join(changed)}"
        for (other, _), changed in zip(around, changes, strict=True)
    )
    message = f"{name}: {'; '.join(lines)}"
    if known.before is None or not is_reviewed(release):
        skip_not_known(f"what {release} changes yet: {message}")
    pytest.fail(message)
