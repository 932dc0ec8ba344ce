"""The tests of one file: pytest in this process, and hooks that report what the tests do.

It knows neither how processes are started nor what the runner makes of the reports.
"""

from __future__ import annotations

import contextlib
import errno
import faulthandler
import itertools
import json
import os
import select
import signal
import struct
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import _tgen_results as results
import pytest

HERE = str(Path(__file__).resolve().parent)
# The unit, the length of the part, and whether it is the last of its message.
_HEADER = struct.Struct("<IHB")
# Writes of this length are not mixed with those of other processes.
_LONGEST_WRITE = min(select.PIPE_BUF, 4096)
_LONGEST_PART = _LONGEST_WRITE - _HEADER.size
_LONGEST_TEXT = 20_000
# The exit status of a process in which something outside of the tests has failed.
FAILED = 3


class Channel:
    """Sends messages to the runner, from any process that has the pipe."""

    def __init__(self, pipe: int, unit: int) -> None:
        self.pipe = pipe
        self.unit = unit
        self._held = b""

    def send(self, kind: str, content: Any) -> None:
        """Send a message, after the one that was held back."""
        self._write(self._parts(kind, content))

    def hold(self, kind: str, content: Any) -> None:
        """Send a message together with the next one: every write wakes the runner."""
        self._write([])
        parts = self._parts(kind, content)
        if len(parts) == 1:
            self._held = parts[0]
        else:
            self._write(parts)

    def _parts(self, kind: str, content: Any) -> list[bytes]:
        data = json.dumps({kind: content}).encode()
        parts = []
        for start in range(0, len(data), _LONGEST_PART):
            part = data[start : start + _LONGEST_PART]
            is_last = start + _LONGEST_PART >= len(data)
            parts.append(_HEADER.pack(self.unit, len(part), is_last) + part)
        return parts

    def _write(self, parts: list[bytes]) -> None:
        held, self._held = self._held, b""
        if parts and len(held) + len(parts[0]) <= _LONGEST_WRITE:
            parts[0] = held + parts[0]
        elif held:
            parts.insert(0, held)
        for part in parts:
            os.write(self.pipe, part)


@dataclass
class Job:
    """A test file that this process runs, and the channel to report on."""

    channel: Channel
    order: dict[str, Any]

    @property
    def file(self) -> Path:
        """The file, with the folder that its name starts from."""
        return Path(self.order["folder"], self.order["file"])

    def join_group(self) -> None:
        """Join the control group of the file, and report the memory used before."""
        group = self.order.get("group")
        if group is None:
            return
        # Where that is not allowed, the runner samples the memory.
        with contextlib.suppress(OSError):
            Path(group, "cgroup.procs").write_text("0")
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            self.channel.send("joined", pages * os.sysconf("SC_PAGE_SIZE"))


def run_alone(job: Job, known_modules: int | None) -> NoReturn:
    """Run a file in this process from the start, and end the process.

    The modules that are imported after the first `known_modules` are reported; none if it is
    None.
    """
    status = FAILED
    try:
        enter_project(job.order)
        enter_process(job.order)
        job.join_group()
        status = run_pytest(job.order, Hooks(lambda _: job))
        tell_end(job, status, known_modules)
    except BaseException as error:  # noqa: BLE001 -- the runner must learn of any
        tell_broken(job, error)
    finally:
        leave(status)


def run_pytest(order: dict[str, Any], hooks: Hooks) -> int:
    """Run pytest as its own program does, with the hooks beside its plugins."""
    return int(pytest.main([*order["arguments"], order["file"]], plugins=[hooks]))


def tell_end(job: Job, status: int, known_modules: int | None) -> None:
    """Report that the session of a file has ended."""
    if known_modules is not None and (new := installed_modules(known_modules)):
        job.channel.hold("modules", new)
    job.channel.send("end", status)


def tell_broken(job: Job, error: BaseException) -> None:
    """Report what has failed outside of the tests."""
    with contextlib.suppress(OSError):
        text = f"{type(error).__name__}: {error}"
        job.channel.send("broken", text[:_LONGEST_TEXT])


def leave(status: int) -> NoReturn:
    """End this process, whatever threads and handlers the tests have left."""
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(status)


def enter_project(order: dict[str, Any]) -> None:
    """Enter the project's folder, with the environment that the file is to see."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.chdir(order["folder"])
    for name in order["unset"]:
        os.environ.pop(name, None)
    os.environ.update(order["environment"])
    others = (path for path in sys.path if path not in (HERE, order["folder"]))
    sys.path[:] = [order["folder"], *others]


def enter_process(order: dict[str, Any]) -> int:
    """Prepare this process for a test file, and give the descriptor of its log."""
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    with contextlib.suppress(OSError):
        # Where memory is short, the kernel ends a test and not the runner.
        Path("/proc/self/oom_score_adj").write_text("500")
    os.environ.update(order["own_environment"])
    # A file that is asked to end tears its fixtures down, and says where it was.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    faulthandler.register(signal.SIGTERM, file=log, all_threads=True, chain=True)
    return log


def leave_log(log: int) -> None:
    """Undo what `enter_process` can do only once, before another file."""
    faulthandler.unregister(signal.SIGTERM)
    os.close(log)


def installed_modules(known: int) -> list[str]:
    """Name the modules imported after the first `known` that do not belong to the project.

    The others are not touched: a forked process would copy the memory that they are in.
    """
    newest = itertools.islice(reversed(sys.modules), max(0, len(sys.modules) - known))
    learnt = []
    for name in reversed(list(newest)):
        spec = getattr(sys.modules[name], "__spec__", None)
        origin = getattr(spec, "origin", None) or ""
        if spec is not None and spec.name == name and is_installed(origin):
            learnt.append(name)
    return learnt


def is_installed(path: str) -> bool:
    """Tell whether a file belongs to the interpreter or its packages."""
    return path.startswith(_INSTALLED)


_NAMES = ("stdlib", "platstdlib", "purelib", "platlib")
_INSTALLED = tuple({str(Path(sysconfig.get_path(name))) + os.sep for name in _NAMES})


class OneEntry:
    """Collects the one entry of a folder that leads to the file."""

    file: Path

    def collect(self) -> Iterator[Any]:
        folder: Any = self
        part = self.file.relative_to(folder.path).parts[0]
        path = folder.path / part
        if path == self.file:
            yield from folder.ihook.pytest_collect_file(file_path=path, parent=folder)
        else:
            found = folder.ihook.pytest_collect_directory(path=path, parent=folder)
            if found is not None:
                yield found


# Before release 8, pytest reads no folder that it was not given.
class OneEntryFolder(OneEntry, getattr(pytest, "Dir", object)):  # type: ignore[misc]
    """A folder without `__init__.py`."""


class OneEntryPackage(OneEntry, pytest.Package):
    """A folder with `__init__.py`."""


class Hooks:
    """Reports the tests of a file as they run.

    `take` returns the job when pytest is about to start: a zygote forks for a file only then.
    """

    job: Job
    recorder: results.Recorder
    # What paths below the project's root begin with.
    root: str

    def __init__(self, take: Callable[[pytest.Config], Job]) -> None:
        self.take = take
        self.started: dict[str, float] = {}
        # The outcome to report instead of `failed`, such as `oom`.
        self.cause: str | None = None
        # The test that runs, and how it has ended the session.
        self.item: pytest.Item | None = None
        self.interruption: dict[str, str] | None = None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> Any:
        """Run in this process, whatever `addopts` says of pytest-xdist."""
        if getattr(config.option, "numprocesses", None):
            config.option.numprocesses = 0
            config.option.dist = "no"
            config.option.tx = []
        # Nobody reads it, and it takes the metadata of every plugin.
        config.option.no_header = True
        self.job = self.take(config)
        self.recorder = results.Recorder(self.job.order["run"], self.send_line)
        self.root = f"{config.rootpath}{os.sep}"
        return (yield)

    # Only one file is wanted, so that a folder of thousands is not read for each.

    @pytest.hookimpl(optionalhook=True)
    def pytest_collect_directory(self, path: Path, parent: Any) -> Any:
        file = self.job.file
        if path == file or path not in file.parents:
            return None
        is_package = (path / "__init__.py").is_file()
        kind: Any = OneEntryPackage if is_package else OneEntryFolder
        folder = kind.from_parent(parent, path=path)
        folder.file = file
        return folder

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Keep the processes from writing one cache together."""
        names = ["stepwiseplugin", "nfplugin"]
        if not (config.getoption("lf", None) or config.getoption("failedfirst", 0)):
            names.append("lfplugin")
        for name in names:
            if config.pluginmanager.has_plugin(name):
                config.pluginmanager.unregister(name=name)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Leave out what has run already, or was not asked for."""
        order = self.job.order
        only, skip = order["only"], set(order["skip"])
        wanted = None if only is None else set(only)
        plugins = config.pluginmanager
        knows_platforms = plugins.has_plugin("tgen_support.plugin")
        is_repetition = not (order["is_first"] or knows_platforms)

        def is_left_out(item: pytest.Item) -> bool:
            is_unwanted = wanted is not None and item.nodeid not in wanted
            return is_repetition or is_unwanted or item.nodeid in skip

        left_out = [item for item in items if is_left_out(item)]
        if left_out:
            config.hook.pytest_deselected(items=left_out)
            items[:] = [item for item in items if not is_left_out(item)]

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.job.channel.send("collected", [item.nodeid for item in session.items])

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.job.channel.send("uncollected", report.longreprtext[-_LONGEST_TEXT:])

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.started[nodeid] = time.time()
        self.job.channel.send("test", nodeid)

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        self.item = item
        self.cause = None
        if (cuda := _devices()) is not None:
            cuda.reset_peak_memory_stats()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[Any]
    ) -> Any:
        report: Any = yield
        if not hasattr(report, "tgen"):
            report.tgen = {"test": getattr(item, "originalname", item.name)}
        if call.excinfo is not None:
            self.cause = self.cause or _cause(call.excinfo.value)
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            text = report.longreprtext[-_LONGEST_TEXT:]
            self.job.channel.send("failure", {"nodeid": report.nodeid, "text": text})
        self.recorder.add(report, None)

    def pytest_runtest_logfinish(self) -> None:
        self.item = None

    def pytest_keyboard_interrupt(
        self, excinfo: pytest.ExceptionInfo[BaseException]
    ) -> None:
        """Note that the test that runs has ended the session."""
        if self.item is None:
            return
        nodeid = self.item.nodeid
        if isinstance(excinfo.value, pytest.exit.Exception):
            reason = f"pytest.exit: {excinfo.value.msg}"
            self.interruption = {"outcome": "interrupted", "reason": reason}
            return
        said: Any = self.item.repr_failure(excinfo)
        reason = str(getattr(said, "reprcrash", None) or excinfo.exconly())
        self.interruption = {"outcome": "failed", "reason": reason}
        text = str(said)[-_LONGEST_TEXT:]
        self.job.channel.send("failure", {"nodeid": nodeid, "text": text})
        self.job.channel.send("interrupted", nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        self.recorder.close()

    def send_line(self, line: dict[str, Any]) -> None:
        cuda = _devices()
        if line["outcome"] == "interrupted" and self.interruption is not None:
            line |= self.interruption
            ended = {"interrupted": line["outcome"]}
            line["phases"] = {
                phase: ended.get(how, how) for phase, how in line["phases"].items()
            }
        line["started"] = self.started.get(line["nodeid"])
        # pytest names files from the file system's root, which is another one on another machine.
        line["reason"] = line["reason"].replace(self.root, "")
        line["device_memory_peak"] = cuda and cuda.max_memory_reserved()
        line["device_name"] = cuda and cuda.get_device_name()
        if line["outcome"] == "failed" and self.cause is not None:
            line["outcome"] = self.cause
        elif line["outcome"] == "failed" and _is_outside_of_call(line):
            line["outcome"] = "error"
        # Another message follows at once: the start of the next test, or the end.
        self.job.channel.hold("line", line)


def _is_outside_of_call(line: dict[str, Any]) -> bool:
    """Tell whether only the fixtures of a test have failed."""
    return line["phases"].get("call") != "failed" and not line.get("subtests")


def _cause(error: BaseException) -> str | None:
    """Name the outcome of a test that lacked memory or disk space, by its error."""
    names = {kind.__name__ for kind in type(error).__mro__}
    if names & {"OutOfMemoryError", "MemoryError"}:
        return "oom"
    full = (errno.ENOSPC, errno.EDQUOT)
    is_disk_full = isinstance(error, OSError) and error.errno in full
    return "infra_error" if is_disk_full else None


def _devices() -> Any:
    """Give `torch.cuda` where the tests use it."""
    torch = sys.modules.get("torch")
    cuda = getattr(torch, "cuda", None)
    return cuda if cuda is not None and cuda.is_initialized() else None
