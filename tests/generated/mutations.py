"""Breaks the code under the generated tests, one way at a time: each must be caught.

Run it with a Python that has numpy, pytest, torch and transformers:

    python tests/generated/mutations.py target/debug/cargo-tgen

It renders the tests of a few model types, breaks them in a copy, and runs pytest on
the copy. Then it runs the unbroken tests several times. It fails when fewer than 95 %
of the breaks are caught, or when an unbroken run fails.
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


HANDLERS, SKILLSET = "tgen_support/handlers.py", "tgen_support/skillset.py"
LOADING, TINY = "tgen_support/loading.py", "tgen_support/tiny.py"
TEST = "test_hf_{model}.py"


def _tensor(name: str, expression: str) -> Break:
    return Break(name, HANDLERS, "tensor=tensor,", f"tensor={expression},")


BREAKS = [
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
    Break("the seed is ignored", TINY, "torch.manual_seed(seed)",
          "torch.manual_seed(0)"),
    Break("weights are not seeded", TINY, "torch.manual_seed(seed)", "torch.seed()"),
    Break("dropout stays on", TINY, "self.model.eval()", "self.model.train()"),
    Break("inputs are lost", TINY, "to_tensor(inputs[name].copy()).to(device)",
          "to_tensor(inputs[name].copy() * 0 + 1).to(device)"),
    Break("a model comes back with other weights", TINY,
          "type(self.model).from_pretrained(folder).eval()",
          "type(self.model)(self.model.config).eval()"),
    Break("generates too much", TINY, "max_new_tokens=tokens,",
          "max_new_tokens=tokens + 2,", ("gpt2", "t5")),
    Break("generates at random", TINY, "do_sample=False)",
          "do_sample=bool(self.torch.seed() or True))", ("gpt2", "t5")),
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
        whole = Path(folder) / "whole"
        render(options.binary.resolve(), whole)
        return judge(whole, options.only, options.repeat)


def judge(whole: Path, only: str, repeat: int) -> int:
    """Run everything; 0 when enough is caught and nothing else fails."""
    failed = [n for n in range(repeat) if not passes(whole, MODELS)]
    print(f"unbroken: {repeat - len(failed)} of {repeat} runs passed", flush=True)
    models = itertools.cycle(MODELS)
    caught = 0
    breaks = [broken for broken in BREAKS if only in broken.name]
    for broken in breaks:
        model = next(m for m in models if not broken.models or m in broken.models)
        is_caught = caught_in(whole, broken, model)
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
        return not passes(copy, [model])


def primary_task(source: str) -> str:
    """Read the first task that a test file has a handler for."""
    _, found, rest = source.partition("    def create_cpu_")
    return rest.partition("_endpoint_handler")[0] if found else ""


def render(binary: Path, folder: Path) -> None:
    """Render the tests of the models for the processor alone."""
    models = [argument for model in MODELS for argument in ("--model", model)]
    command = [binary, "tgen", "generate", "--hardware", "cpu", *models]
    subprocess.run(
        [*command, "--output-dir", folder],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=folder.parent,
    )


def passes(folder: Path, models: list[str]) -> bool:
    """Run the tests of some models, where a mock is a failure."""
    files = [f"test_hf_{model}.py" for model in models]
    command = [sys.executable, "-m", "pytest", "-q", "-x", "--require-real", *files]
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider"],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


if __name__ == "__main__":
    raise SystemExit(main())
