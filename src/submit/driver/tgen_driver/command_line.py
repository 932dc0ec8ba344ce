"""The command line of the driver, and its exit codes.

They are those of `cargo tgen run`: 0 all passed, 1 tests failed or were not run, 2 it could
not run, 3 nothing failed but the machine.
"""

from __future__ import annotations

import argparse
import os
import re
import secrets
import signal
import sys
import time
from collections import Counter
from datetime import datetime, timezone
from importlib.util import find_spec
from pathlib import Path

from tgen_driver import machine, plan, results
from tgen_driver.local import LocalRun, elapsed, say
from tgen_driver.plan import Plan, PlanError
from tgen_driver.unit import RETRIED, Retries

_ROOT = Path(__file__).resolve().parent.parent
_UNITS = {
    "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12,
    "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
}  # fmt: skip
_interrupted = False


def main() -> int:
    """Run what the command line asks for."""
    arguments = _parser().parse_args()
    try:
        return _run(arguments)
    except PlanError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    except OSError as error:
        where = f" `{error.filename}`" if error.filename else ""
        sys.stderr.write(f"error: cannot use{where}: {error.strerror}\n")
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="driver.py",
        description="Run the tests of this bundle. A run that was cut short goes on when the"
        " same command is given again with its --run and --results.",
    )
    add = parser.add_argument
    add("--shard", metavar="I/N", type=_shard, help="the I-th of N parts")
    add("--hardware", metavar="TYPE,...", type=_hardware,
        help="only these [default: this machine's]")  # fmt: skip
    add("--needs", metavar="SIZE..SIZE", type=_span,
        help="only what needs more memory than the first and at most the second")  # fmt: skip
    add("--memory", metavar="SIZE", type=_size, help="the memory that may be used")
    add("--jobs", metavar="N", type=_count, help="how many files run at a time")
    add("--results", metavar="FILE", type=Path,
        help="the file that results are appended to [default: results.jsonl]")  # fmt: skip
    add(
        "--run",
        metavar="ID",
        type=_run_id,
        help="the run's id, the same for all shards",
    )
    add(
        "--label",
        metavar="I/N",
        type=_shard,
        help="what results call the shard [default: as --shard]",
    )
    add("--retries", metavar="N", type=_number, default=0,
        help="how often a test is tried again [default: 0]")  # fmt: skip
    add("--retry-on", metavar="WHAT,...", type=_reasons, default=RETRIED,
        help="what is tried again: outcomes, or parts of the reason of a failure"
        f" [default: {','.join(RETRIED)}]")  # fmt: skip
    add("--flaky", choices=("pass", "fail"), default="pass",
        help="what a test that passed on a retry counts as [default: pass]")  # fmt: skip
    add("--ray", action="store_true", help=argparse.SUPPRESS)
    add("--device", action="append", default=[], type=_device, help=argparse.SUPPRESS)
    add("--list", action="store_true", help="list the files and run nothing")
    return parser


def _run(arguments: argparse.Namespace) -> int:
    whole = plan.read(_ROOT / "plan.json")
    if arguments.ray:
        if find_spec("ray") is None:
            message = (
                f"`{sys.executable}`, which is `python` on the head's PATH, has no Ray; "
                "start the head with the environment of Ray activated"
            )
            raise PlanError(message)
        # Only where Ray has started this program can Ray be imported.
        from tgen_driver import on_ray

        run = arguments.run or _new_id()
        devices = dict(arguments.device)
        counts = on_ray.execute(whole, run, devices, _retries(arguments))
        return exit_code(counts, arguments.flaky)
    present = machine.present()
    named = arguments.hardware or present
    own = whole.on(lambda hardware: hardware in named)
    if arguments.needs:
        own = own.needing(*arguments.needs)
    if arguments.shard:
        own = own.shard(*arguments.shard)
    if arguments.list:
        for unit in own.units:
            say(f"{unit.name} on {unit.hardware}")
        return 0
    if find_spec("pytest") is None:
        message = f"`{sys.executable}` has no pytest; install it there"
        raise PlanError(message)
    return _execute(own, present, arguments)


def _execute(own: Plan, present: list[str], arguments: argparse.Namespace) -> int:
    began = time.monotonic()
    named = arguments.label or arguments.shard
    shard = "/".join(map(str, named)) if named else None
    run = results.Run(arguments.run or _new_id(), shard, own.rerun_of)
    path = arguments.results or Path("results.jsonl")
    if not results.may_take(path):
        message = (
            f"`{path}` is there and no results file; give `--results` another name"
        )
        raise PlanError(message)
    recorded = results.read(path, run)
    offered = machine.Machine(
        memory=min(machine.memory(), arguments.memory or sys.maxsize),
        jobs=arguments.jobs or machine.jobs(),
        devices=machine.devices(present),
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    recording = results.Recording(path)
    local = LocalRun(
        own,
        run,
        offered,
        _ROOT / "files",
        recording,
        recorded,
        lambda: _interrupted,
        _retries(arguments),
    )
    local.execute()
    counts = recorded.counts(unit.key for unit in own.units)
    _show(counts, elapsed(began), path)
    if _interrupted:
        sys.stderr.write(
            "error: interrupted; the same command goes on where it stopped\n"
        )
        return 2
    return exit_code(counts, arguments.flaky)


def _show(counts: Counter[str], took: str, path: Path) -> None:
    count = sum(counts.values())
    told = ", ".join(f"{many} {outcome}" for outcome, many in counts.most_common())
    say(f"{count} test{'s' * (count != 1)}: {told or 'nothing to run'} ({took})")
    say(f"results in `{path}`")


def _retries(arguments: argparse.Namespace) -> Retries:
    return Retries(arguments.retries, arguments.retry_on)


def exit_code(counts: Counter[str], flaky: str) -> int:
    """Give the exit code for outcomes of tests, of which flaky ones count as `pass` or `fail`."""
    good = results.GOOD | ({"flaky"} if flaky == "pass" else set())
    bad = {
        outcome for outcome, count in counts.items() if count and outcome not in good
    }
    if not bad:
        return 0
    return 3 if bad == {"infra_error"} else 1


def _interrupt(*_: object) -> None:
    global _interrupted
    if _interrupted:
        os._exit(130)
    _interrupted = True


def _new_id() -> str:
    """Make a name that sorts by time."""
    return f"{datetime.now(timezone.utc):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


# --- The values of options.


def _shard(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        message = "write it as `2/4`: the second of four parts"
        raise argparse.ArgumentTypeError(message)
    return int(found[1]), int(found[2])


def _hardware(text: str) -> list[str]:
    named = [name.strip() for name in text.split(",")]
    if not set(named) <= set(machine.HARDWARE):
        message = f"write some of {', '.join(machine.HARDWARE)}"
        raise argparse.ArgumentTypeError(message)
    return named


def _size(text: str) -> int:
    found = re.fullmatch(r"(\d{1,12}) ?([kmgt]i?b)", text.strip().lower())
    if not found:
        message = "write it as a number with a unit, such as `500MB` or `2GB`"
        raise argparse.ArgumentTypeError(message)
    return int(found[1]) * _UNITS[found[2]]


def _span(text: str) -> tuple[int, int]:
    low, dots, high = text.partition("..")
    if not dots:
        message = "write it as `8GB..16GB`; either may be left out"
        raise argparse.ArgumentTypeError(message)
    return _size(low) if low else -1, _size(high) if high else sys.maxsize


def _count(text: str) -> int:
    if not re.fullmatch(r"[1-9]\d{0,5}", text):
        message = "write a number from 1"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def _number(text: str) -> int:
    if not re.fullmatch(r"\d{1,6}", text):
        message = "write a number"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def _reasons(text: str) -> tuple[str, ...]:
    reasons = tuple(text.split(","))
    if not all(reason.strip() for reason in reasons):
        message = "write outcomes, such as `crashed`, or parts of a reason"
        raise argparse.ArgumentTypeError(message)
    return reasons


def _device(text: str) -> tuple[str, str]:
    hardware, equals, name = text.partition("=")
    if not (hardware and equals and name):
        message = "write it as `cuda=GPU`: the hardware type and its name in Ray"
        raise argparse.ArgumentTypeError(message)
    return hardware, name


def _run_id(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,128}", text):
        message = "write letters, digits, `.`, `_` and `-`, at most 128"
        raise argparse.ArgumentTypeError(message)
    return text
