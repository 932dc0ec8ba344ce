"""Breaks the code under the generated tests, one way at a time: each must be caught.

Run it with a Python that has numpy, pytest, torch and transformers:

    python tests/with_torch/mutations.py target/debug/cargo-tgen

It renders the tests of a few model types, breaks them in a copy, and runs pytest on
the copy. Some breaks are faults that a model may have, as `plugins/sabotage.py` makes
them; some put tensors on the wrong device, and run on a simulated GPU. Then it runs the
unbroken tests several times. It fails when fewer than 95 % of the breaks are caught, or
when an unbroken run fails.
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
MODELS = ["bert", "gpt2", "vit", "t5"]
REQUIRED_RATE = 0.95

# The first line of the method that makes the handler of the primary task.
CREATE = "    def create_cpu_{task}_endpoint_handler(\n"


class Break(NamedTuple):
    """One way to break the code: what is replaced where, and by what."""

    name: str
    file: str
    old: str
    new: str
    models: tuple[str, ...] = ()
    # The hardware that the tests are rendered for.
    hardware: str = "cpu"
    # The tests that must catch it; all of them where it is empty.
    tests: str = ""


HANDLERS, SKILLSET = "tgen_support/handlers.py", "tgen_support/skillset.py"
LOADING, TINY = "tgen_support/loading.py", "tgen_support/tiny.py"
ENDPOINTS, PLACEMENT = "tgen_support/endpoints.py", "tgen_support/placement.py"
TEST = "test_hf_{model}.py"


def _tensor(name: str, expression: str) -> Break:
    return Break(name, HANDLERS, "tensor=tensor,", f"tensor={expression},")


def _model(check: str, fault: str, *models: str) -> Break:
    """Give all models of the kit a fault, which one check must find."""
    old = "        return self.place.move(model.eval())\n"
    new = (
        "        import sabotage\n"
        f"        return sabotage.{fault}(self.place.move(model.eval()))\n"
    )
    return Break(f"{check}: {fault}", TINY, old, new, models, tests=f"test_{check}")


def _place(name: str, file: str, old: str, new: str) -> Break:
    return Break(f"placement: {name}", file, old, new, ("gpt2", "bert"), "cuda")


TEXT = ("gpt2", "t5")
BREAKS = [
    _place("inputs stay", PLACEMENT, "        return tensor.to(self.device)\n",
           "        return tensor\n"),
    _place("twins of a seed stay", TINY,
           "        return self.place.move(model.eval())\n",
           "        model.eval()\n"
           "        return self.place.move(model) if seed == 0 else model\n"),
    _place("a model from disk stays", TINY,
           "return self.with_model(self.place.move(model.eval()))",
           "return self.with_model(model.eval())"),
    _place("a shared model is moved", ENDPOINTS, "        self.tiny = tiny_model(*key)\n",
           '        self.tiny = tiny_model(*key[:-1], "cpu")\n'
           "        self.tiny.place.device = device\n"
           "        self.tiny.model.to(device)\n"),
    _place("parts in lists stay", PLACEMENT,
           "for part in [model, *_unregistered(model, self.torch.nn.Module)]:",
           "for part in [model]:"),
    _place("precision stays set", PLACEMENT,
           "            for switch, value in zip(switches, before, strict=True):\n"
           "                setattr(*switch, value)\n",
           "            pass\n"),
    _place("TF32 is on", PLACEMENT, "coarse if self.is_tf32 else exact", "coarse"),
    _model("cache", "cache_scales_scores", "gpt2"),
    _model("cache", "cache_forgets_a_word", "gpt2"),
    _model("cache", "cache_raises", *TEXT),
    _model("padding", "mask_is_ignored", "bert", *TEXT),
    _model("padding", "padding_leaks", "bert", "gpt2"),
    _model("padding", "mask_hides_the_neighbour", "bert", *TEXT),
    _model("order", "words_are_sorted", "bert", "gpt2"),
    _model("order", "words_are_a_bag", "bert", "gpt2"),
    _model("order", "one_word_counts", "bert", "gpt2"),
    _model("loss", "labels_shift_twice", "gpt2"),
    _model("loss", "hidden_labels_count", "gpt2"),
    _model("loss", "losses_add_up", "gpt2"),
    _model("loss", "no_loss", "bert", *TEXT),
    _model("embeddings", "head_keeps_its_number", "bert", *TEXT),
    _model("embeddings", "table_is_drawn_anew", "bert", *TEXT),
    _model("embeddings", "configuration_is_forgotten", "bert", *TEXT),
    _model("gradients", "gradients_are_nan", "bert", "gpt2"),
    _model("gradients", "checkpointing_stops_gradients", "bert", "gpt2"),
    _model("gradients", "checkpointing_doubles_gradients", "bert", "gpt2"),
    _model("attention", "sdpa_is_scaled_twice", "bert", "gpt2"),
    _model("attention", "sdpa_ignores_the_mask", "bert"),
    _model("attention", "eager_is_rounded", "bert", "gpt2"),
    _model("precision", "short_floats_are_nan", "bert", *TEXT),
    _model("precision", "formats_are_mixed", "bert", "gpt2"),
    _model("precision", "format_is_forgotten", "bert", *TEXT),
    _model("round_trip", "loading_drops_a_weight", "bert", *TEXT),
    _model("round_trip", "loading_changes_a_weight", "bert", *TEXT),
    _model("round_trip", "loading_unties_the_head", *TEXT),
    _model("configuration", "a_setting_is_not_saved", "bert", *TEXT),
    _model("configuration", "a_setting_is_cut", "bert", "gpt2"),
    _model("configuration", "labels_are_forgotten", "bert", *TEXT),
    _model("fingerprint", "attention_is_scaled_twice", "bert", "gpt2"),
    _model("fingerprint", "head_is_untied", *TEXT),
    _model("fingerprint", "norms_are_left_out", "bert", "gpt2"),
    _tensor("returns zeros", "tensor * 0"),
    _tensor("returns nan", "tensor * float('nan')"),
    _tensor("returns infinity", "tensor.abs() / 0"),
    _tensor("returns one value everywhere", "tensor * 0 + 1"),
    _tensor("one nan among the values", "tensor.index_fill(0, tensor.argmax() * 0, nan)"
            .replace("nan)", "float('nan'))")),
    _tensor("swaps rows", "tensor.flip(0)"),
    _tensor("rolls rows", "tensor.roll(1, 0)"),
    _tensor("takes the mean of the batch off", "tensor - tensor.mean(0)"),
    _tensor("adds rows up", "tensor.cumsum(0)"),
    _tensor("repeats the first row", "tensor[:1].expand_as(tensor)"),
    _tensor("scales by the batch size", "tensor * len(tensor)"),
    _tensor("drops a row", "tensor[1:]"),
    _tensor("doubles rows", "tensor.repeat_interleave(2, 0)"),
    _tensor("adds a dimension", "tensor[None]"),
    _tensor("flattens", "tensor.flatten()"),
    _tensor("drops the last column", "tensor[..., :-1]"),
    _tensor("transposes", "tensor.transpose(0, -1)"),
    _tensor("gives numpy for torch", "tensor.numpy()"),
    _tensor("gives a list", "tensor.tolist()"),
    _tensor("adds noise", "tensor + tensor.new_tensor(__import__('numpy').random.rand())"),
    _tensor("follows the clock", "tensor + time.perf_counter() % 1"),
    Break("wrong batch size", HANDLERS, "batch_size=batch_size,",
          "batch_size=batch_size + 1,"),
    Break("batch size is always one", HANDLERS, "batch_size=batch_size,",
          "batch_size=1,"),
    Break("wrong device label", HANDLERS, "device=self.device,", 'device="cuda:0",'),
    Break("no device label", HANDLERS, "device=self.device,", 'device="",'),
    Break("wrong platform", HANDLERS, "platform=self.case.platform,",
          'platform="mps",'),
    Break("wrong task", HANDLERS, "task=self.case.task,", 'task="other",'),
    Break("wrong model", HANDLERS, "model=self.case.model,", 'model="other",'),
    Break("negative time", HANDLERS, "elapsed=time.perf_counter() - started,",
          "elapsed=started - time.perf_counter(),"),
    Break("calls a result a mock", HANDLERS,
          "implementation=self.endpoint.implementation,", "implementation=MOCK,"),
    Break("gives nothing", HANDLERS, "        return Output(\n            tensor",
          "        return None and Output(\n            tensor"),
    Break("gives the bare tensor", HANDLERS,
          "        return Output(\n            tensor",
          "        return tensor if len(batch) else Output(\n            tensor"),
    Break("swallows wrong input", HANDLERS,
          "        batch_size = self.endpoint.size_of(batch)\n",
          "        try:\n            batch_size = self.endpoint.size_of(batch)\n"
          "        except ValueError:\n            return None\n"),
    Break("computes something for wrong input", HANDLERS,
          "        batch_size = self.endpoint.size_of(batch)\n",
          "        try:\n            batch_size = self.endpoint.size_of(batch)\n"
          "        except ValueError:\n            batch = self.endpoint.inputs(1)\n"
          "            batch_size = 1\n"),
    Break("a mock in place of the model", LOADING,
          "        return endpoint(case, torch, transformers)",
          '        return MockEndpoint(case, "because")'),
    Break("a mock that says it is real", LOADING,
          "        return endpoint(case, torch, transformers)",
          '        mock = MockEndpoint(case, "because")\n'
          "        mock.implementation = REAL\n        return mock"),
    Break("resources are ignored", SKILLSET, "endpoint or load(case, self.resources),",
          "endpoint or load(case, {}),"),
    Break("metadata is dropped", SKILLSET,
          "self.metadata = {} if metadata is None else dict(metadata)",
          "self.metadata = {}"),
    Break("init loses the label", SKILLSET,
          "            case.model, device, hardware_label, endpoint, tokenizer\n",
          "            case.model, None, None, endpoint, tokenizer\n"),
    Break("init gives four things", SKILLSET,
          "return Loaded(endpoint, tokenizer, handler, asyncio.Queue(64), 1)",
          "return (endpoint, tokenizer, handler, 1)"),
    Break("init's handler has an endpoint of its own", SKILLSET,
          "return Loaded(endpoint, tokenizer, handler, asyncio.Queue(64), 1)",
          "from .endpoints import MockEndpoint\n"
          '        endpoint = MockEndpoint(case, "because")\n'
          "        return Loaded(endpoint, tokenizer, handler, asyncio.Queue(64), 1)"),
    Break("a renamed parameter of init", TEST,
          "        hardware_label: str | None = None,\n    ) -> tgen.Loaded:",
          "        label: str | None = None,\n    ) -> tgen.Loaded:\n"
          "        hardware_label = label"),
    Break("a renamed parameter of create", TEST,
          CREATE + "        self,\n        endpoint_model: str,",
          CREATE + "        self,\n        model: str = MODEL,\n"
          "        endpoint_model: str = MODEL,"),
    Break("a missing init method", TEST, "    def init_cpu(", "    def start_cpu("),
    Break("a missing handler method", TEST, CREATE,
          CREATE.replace("create", "make")),
    Break("the self-test runs nothing", SKILLSET,
          "return [subject.attempt(platform, task) for platform, task in pairs]",
          "return []"),
    Break("the seed is ignored", PLACEMENT, "torch.default_generator.manual_seed(seed)",
          "torch.default_generator.manual_seed(0)"),
    Break("weights are not seeded", PLACEMENT,
          "torch.default_generator.manual_seed(seed)", "torch.seed()"),
    Break("dropout stays on", TINY, "model.eval())\n\n    def _from_config",
          "model.train())\n\n    def _from_config"),
    Break("inputs are lost", PLACEMENT, "self.torch.from_numpy(array.copy())",
          "self.torch.from_numpy(array.copy() * 0 + 1)"),
    Break("a model comes back with other weights", TINY,
          "        return self.with_model(self.place.move(model.eval()))\n",
          "        model = type(self.model)(self.model.config)\n"
          "        return self.with_model(self.place.move(model.eval()))\n"),
    Break("generates too much", TINY, "max_new_tokens=tokens,",
          "max_new_tokens=tokens + 2,", TEXT),
    Break("generates at random", TINY, "do_sample=False,",
          "do_sample=bool(self.torch.seed() or True),", TEXT),
]  # fmt: skip


def main() -> int:
    """Break, run, and say what was not caught."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("binary", type=Path, help="cargo-tgen")
    parser.add_argument("--repeat", type=int, default=20, metavar="N",
                        help="unbroken runs [20]")  # fmt: skip
    parser.add_argument("--only", default="", metavar="TEXT", help="breaks named so")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for hardware in ("cpu", "cuda"):
            render(options.binary.resolve(), Path(folder), hardware)
        shutil.copy(HERE / "test_placement.py", Path(folder) / "cuda")
        return judge(Path(folder), options.only, options.repeat)


def judge(folder: Path, only: str, repeat: int) -> int:
    """Run everything; 0 when enough is caught and nothing else fails."""
    failed = [n for n in range(repeat) if not passes(folder / "cpu", MODELS)]
    print(f"unbroken: {repeat - len(failed)} of {repeat} runs passed", flush=True)
    models = itertools.cycle(MODELS)
    caught = 0
    breaks = [broken for broken in BREAKS if only in broken.name]
    for broken in breaks:
        model = next(m for m in models if not broken.models or m in broken.models)
        is_caught = caught_in(folder / broken.hardware, broken, model)
        caught += is_caught
        print(
            f"{'caught' if is_caught else 'MISSED'}  {broken.name} ({model})",
            flush=True,
        )
    print(f"{caught} of {len(breaks)} breaks caught")
    enough = caught >= REQUIRED_RATE * len(breaks)
    return 0 if enough and not failed else 1


def caught_in(whole: Path, broken: Break, model: str) -> bool:
    """Break a copy of the tests, and tell whether a test of the model fails."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "broken"
        shutil.copytree(whole, copy, ignore=shutil.ignore_patterns("__pycache__"))
        file = copy / broken.file.format(model=model)
        source = file.read_text(encoding="utf-8")
        task = primary_task(source)
        old, new = (text.replace("{task}", task) for text in (broken.old, broken.new))
        if source.count(old) != 1:
            sys.exit(
                f"{broken.name}: {old!r} stands {source.count(old)} times in {file}"
            )
        file.write_text(source.replace(old, new), encoding="utf-8")
        return not passes(copy, [model], broken.tests)


def primary_task(source: str) -> str:
    """Read the first task that a test file has a handler for."""
    _, found, rest = source.partition("    def create_cpu_")
    return rest.partition("_endpoint_handler")[0] if found else ""


def render(binary: Path, folder: Path, hardware: str) -> None:
    """Render the tests of the models for some hardware, into a folder of its name."""
    models = [argument for model in MODELS for argument in ("--model", model)]
    command = [binary, "tgen", "generate", "--hardware", hardware, *models]
    subprocess.run(
        [*command, "--output-dir", folder / hardware],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=folder,
    )


def passes(folder: Path, models: list[str], tests: str = "") -> bool:
    """Run the tests of some models, where a mock is a failure."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "--require-real"]
    files = [f"test_hf_{model}.py" for model in models]
    if (folder / "test_placement.py").exists():
        command += ["-p", "simulated_gpu"]
        files.append("test_placement.py")
    if tests:
        command += ["-k", tests]
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", *files],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(HERE / "plugins")},
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


if __name__ == "__main__":
    raise SystemExit(main())
