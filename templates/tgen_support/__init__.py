# The rest of this package, which is rendered with it:
# tgen-support: conftest.py
# tgen-support: tgen_support/case_tests.py
# tgen-support: tgen_support/checkpoint.py
# tgen-support: tgen_support/checks.py
# tgen-support: tgen_support/contract_checks.py
# tgen-support: tgen_support/endpoints.py
# tgen-support: tgen_support/environment.py
# tgen-support: tgen_support/facts.py
# tgen-support: tgen_support/facts.toml
# tgen-support: tgen_support/fingerprints.py
# tgen-support: tgen_support/fingerprints.toml
# tgen-support: tgen_support/handlers.py
# tgen-support: tgen_support/inputs.py
# tgen-support: tgen_support/known.py
# tgen-support: tgen_support/loading.py
# tgen-support: tgen_support/model_checks.py
# tgen-support: tgen_support/model_outputs.py
# tgen-support: tgen_support/notes.py
# tgen-support: tgen_support/openvino_endpoint.py
# tgen-support: tgen_support/outputs.py
# tgen-support: tgen_support/padding.py
# tgen-support: tgen_support/placement.py
# tgen-support: tgen_support/platforms.py
# tgen-support: tgen_support/plugin.py
# tgen-support: tgen_support/reference.py
# tgen-support: tgen_support/reference_import.py
# tgen-support: tgen_support/release_checks.py
# tgen-support: tgen_support/results.py
# tgen-support: tgen_support/script.py
# tgen-support: tgen_support/shrink.py
# tgen-support: tgen_support/signatures.py
# tgen-support: tgen_support/skillset.py
# tgen-support: tgen_support/stand_ins.py
# tgen-support: tgen_support/subjects.py
# tgen-support: tgen_support/task_checks.py
# tgen-support: tgen_support/tasks.py
# tgen-support: tgen_support/tiny.py
# tgen-support: tgen_support/variant_checks.py
# tgen-support: tgen_support/verified.toml
"""What the generated tests beside this package share.

It needs numpy and pytest; torch, transformers and openvino are used where they are
installed. Nothing here reaches for the network. Every result says what computed it:

- REAL: the architecture itself, in torch: small and randomly initialised, or from
  weights that are on this machine.
- MOCK: a deterministic numpy computation of the declared shape, with the reason for it.

With `--require-real`, or `TGEN_REQUIRE_REAL=1` in the environment, a MOCK result is a
failure. `--results FILE` appends a line of JSON for each test that ran.
"""

from __future__ import annotations

from . import environment
from .case_tests import CaseTests
from .checkpoint import images_of
from .checks import (
    check_agrees_with_torch,
    check_batch,
    check_forward,
    check_generation,
    check_round_trip,
    check_seed,
    check_wrong_input,
)
from .contract_checks import check_loaded, check_methods
from .endpoints import Case, Endpoint, WordTokenizer
from .handlers import Handler, handler_for
from .model_checks import (
    check_cache,
    check_embeddings,
    check_gradients,
    check_loss,
    check_order,
    check_padding,
)
from .notes import MOCK, REAL
from .platforms import PLATFORMS, needs_torch, require
from .reference import (
    Reference,
    call,
    call_with_weights,
    check_reference_loaded,
    resources,
    skip_if_not_installed,
)
from .release_checks import check_fingerprint
from .script import run
from .signatures import platform_of
from .skillset import Loaded, Skillset
from .task_checks import (
    check_boxes,
    check_follows_input,
    check_labels,
    check_masks,
    check_pairs,
    check_reads_both_ways,
    check_reads_forward,
    check_spans,
)
from .tasks import auto_class_of, inputs_for, once_a_class, task_of
from .variant_checks import check_attention, check_configuration, check_precision

__all__ = [
    "MOCK",
    "PLATFORMS",
    "REAL",
    "Case",
    "CaseTests",
    "Endpoint",
    "Handler",
    "Loaded",
    "Reference",
    "Skillset",
    "WordTokenizer",
    "auto_class_of",
    "call",
    "call_with_weights",
    "check_agrees_with_torch",
    "check_attention",
    "check_batch",
    "check_boxes",
    "check_cache",
    "check_configuration",
    "check_embeddings",
    "check_fingerprint",
    "check_follows_input",
    "check_forward",
    "check_generation",
    "check_gradients",
    "check_labels",
    "check_loaded",
    "check_loss",
    "check_masks",
    "check_methods",
    "check_order",
    "check_padding",
    "check_pairs",
    "check_precision",
    "check_reads_both_ways",
    "check_reads_forward",
    "check_reference_loaded",
    "check_round_trip",
    "check_seed",
    "check_spans",
    "check_wrong_input",
    "environment",
    "handler_for",
    "images_of",
    "inputs_for",
    "needs_torch",
    "once_a_class",
    "platform_of",
    "require",
    "resources",
    "run",
    "skip_if_not_installed",
    "task_of",
]
