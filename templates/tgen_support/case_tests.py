"""The tests that every checkpoint has, on one platform at one batch size."""

from __future__ import annotations

from typing import Any

import pytest

from .checkpoint import from_weights, torch_device
from .checks import check_batch, check_wrong_input
from .endpoints import Case
from .handlers import Handler, handler_for
from .notes import MOCK
from .platforms import PLATFORMS, require
from .tasks import Inputs, inputs_for, task_of


class CaseTests:
    """Inherited by the test class of a case, which says what case it is."""

    case: Case
    batch_size: int

    @pytest.fixture
    def platform(self) -> str:
        """Give the platform of the case; skip where it is absent."""
        return require(self.case.platform)

    @pytest.fixture
    def handler(self, platform: str) -> Handler:
        """Load the case on its platform."""
        return handler_for(self.case)

    @property
    def inputs(self) -> Inputs:
        """A batch for each modality of the task."""
        return inputs_for(task_of(self.case.task, self.case.family), self.batch_size)

    def load(self, class_name: str) -> Any:
        """Load the checkpoint's tokenizer or processor from this machine."""
        return from_weights(class_name, self.case.model)

    def load_model(self, class_name: str, platform: str) -> Any:
        """Load the checkpoint's weights from this machine onto the platform."""
        device = torch_device(platform)
        return self.load(class_name).to(device).eval()

    def test_platform_is_known(self) -> None:
        """The platform is one that this package knows how to look for."""
        assert self.case.platform in PLATFORMS

    def test_batch(self, handler: Handler) -> None:
        """Each row of a batch follows its own sample."""
        check_batch(handler, self.batch_size)

    def test_wrong_input(self, handler: Handler) -> None:
        """What cannot be computed is refused."""
        check_wrong_input(handler)

    def test_missing_dependency(self, platform: str) -> None:
        """Without torch there is a mock, which says so."""
        handler = handler_for(self.case, {"torch": None})
        output = handler(handler.inputs(self.batch_size))
        assert output.implementation == MOCK
        assert output.reason == "torch is not installed"
