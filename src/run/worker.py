"""Starts test files in processes of their own, and reports what their tests do.

`cargo tgen run` starts this script once for an interpreter. It reads commands from
standard input, a line of JSON each, and writes messages to the pipe that was its standard
output. In the isolation `fork` it imports what the tests import, once, and forks for each
file; in the isolation `spawn` it starts a new interpreter. It has one thread and must not
touch a device: a fork after that is broken.

It knows nothing of schedules, time limits or results files: the runner does.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import importlib
import json
import os
import select
import signal
import struct
import subprocess
import sys
import sysconfig
import tempfile
import time
import warnings
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any, NoReturn

_HERE = str(Path(__file__).resolve().parent)
# The unit, the length of the part, and whether it is the last of its message.
_HEADER = struct.Struct("<IHB")
# Writes of this length are not mixed with those of other processes.
_LONGEST_PART = min(select.PIPE_BUF, 4096) - _HEADER.size
_LONGEST_TEXT = 20_000
_LAUNCHER = 0


class Channel:
    """Sends messages to the runner, from any process that has the pipe."""

    def __init__(self, pipe: int, unit: int) -> None:
        self.pipe = pipe
        self.unit = unit

    def send(self, kind: str, content: Any) -> None:
        """Send a message in parts that the system writes as wholes."""
        data = json.dumps({kind: content}).encode()
        for start in range(0, len(data), _LONGEST_PART):
            part = data[start : start + _LONGEST_PART]
            is_last = start + _LONGEST_PART >= len(data)
            header = _HEADER.pack(self.unit, len(part), is_last)
            os.write(self.pipe, header + part)


# --- The process of a test file.


def run_unit(channel: Channel, order: dict[str, Any]) -> NoReturn:
    """Run a test file in this process, and end it."""
    status = 3
    try:
        _prepare_process(order)
        status = _run_pytest(channel, order)
        channel.send("end", status)
    except BaseException as error:  # noqa: BLE001 -- the runner must learn of any
        with contextlib.suppress(OSError):
            channel.send("broken", f"{type(error).__name__}: {error}"[:_LONGEST_TEXT])
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _prepare_process(order: dict[str, Any]) -> None:
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    with contextlib.suppress(OSError):
        # Where memory is short, the kernel ends a test and not the runner.
        Path("/proc/self/oom_score_adj").write_text("500")
    os.chdir(order["folder"])
    for name in order["unset"]:
        os.environ.pop(name, None)
    os.environ.update(order["environment"])
    sys.path[:] = [order["folder"], *(path for path in sys.path if path != _HERE)]
    # A file that is asked to end tears its fixtures down, and says where it was.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    faulthandler.register(signal.SIGTERM, file=log, all_threads=True, chain=True)


def _run_pytest(channel: Channel, order: dict[str, Any]) -> int:
    import pytest

    hooks = _hooks(channel, order)
    status = int(pytest.main([*order["arguments"], order["file"]], plugins=[hooks]))
    if order["learn"]:
        channel.send("modules", _installed_modules())
    return status


def _installed_modules() -> list[str]:
    """Name the imported modules that do not belong to the project."""
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    folders = tuple({str(Path(sysconfig.get_path(name))) + os.sep for name in names})
    learnt = []
    for name, module in list(sys.modules.items()):
        spec = getattr(module, "__spec__", None)
        origin = getattr(spec, "origin", None) or ""
        if spec is not None and spec.name == name and origin.startswith(folders):
            learnt.append(name)
    return learnt


def _hooks(channel: Channel, order: dict[str, Any]) -> Any:
    """Give the hooks of pytest: this is made late, because pytest is imported late."""
    import _tgen_results as results
    import pytest

    class OneEntry:
        """Collects the one entry of a folder that leads to the file."""

        def collect(self) -> Iterator[Any]:
            folder: Any = self
            part = file.relative_to(folder.path).parts[0]
            path = folder.path / part
            if path == file:
                yield from folder.ihook.pytest_collect_file(
                    file_path=path, parent=folder
                )
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
        """Reports the tests of the file as they run."""

        def __init__(self) -> None:
            self.recorder = results.Recorder(order["run"], self.send_line)
            self.started: dict[str, float] = {}
            self.is_out_of_memory = False

        # Only one file is wanted, so that a folder of thousands is not read for each.

        @pytest.hookimpl(optionalhook=True)
        def pytest_collect_directory(self, path: Path, parent: Any) -> Any:
            if path == file or path not in file.parents:
                return None
            is_package = (path / "__init__.py").is_file()
            kind: Any = OneEntryPackage if is_package else OneEntryFolder
            return kind.from_parent(parent, path=path)

        @pytest.hookimpl(wrapper=True, tryfirst=True)
        def pytest_cmdline_main(self, config: pytest.Config) -> Any:
            """Run in this process, whatever `addopts` says of pytest-xdist."""
            if getattr(config.option, "numprocesses", None):
                config.option.numprocesses = 0
                config.option.dist = "no"
                config.option.tx = []
            return (yield)

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
            channel.send("collected", [item.nodeid for item in session.items])

        def pytest_collectreport(self, report: pytest.CollectReport) -> None:
            if report.failed:
                channel.send("uncollected", report.longreprtext[-_LONGEST_TEXT:])

        def pytest_runtest_logstart(self, nodeid: str) -> None:
            self.started[nodeid] = time.time()
            channel.send("test", nodeid)

        def pytest_runtest_setup(self) -> None:
            self.is_out_of_memory = False
            if (cuda := _devices()) is not None:
                cuda.reset_peak_memory_stats()

        @pytest.hookimpl(wrapper=True)
        def pytest_runtest_makereport(
            self, item: pytest.Item, call: pytest.CallInfo[Any]
        ) -> Any:
            report: Any = yield
            if not hasattr(report, "tgen"):
                report.tgen = {"test": getattr(item, "originalname", item.name)}
            if call.excinfo is not None and _is_out_of_memory(call.excinfo.value):
                self.is_out_of_memory = True
            return report

        def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
            if report.failed:
                text = report.longreprtext[-_LONGEST_TEXT:]
                channel.send("failure", {"nodeid": report.nodeid, "text": text})
            self.recorder.add(report, None)

        def pytest_sessionfinish(self) -> None:
            self.recorder.close()

        def send_line(self, line: dict[str, Any]) -> None:
            cuda = _devices()
            line["started"] = self.started.get(line["nodeid"])
            line["device_memory_peak"] = cuda and cuda.max_memory_reserved()
            if line["outcome"] == "failed" and self.is_out_of_memory:
                line["outcome"] = "oom"
            elif line["outcome"] == "failed" and _is_outside_of_call(line):
                line["outcome"] = "error"
            channel.send("line", line)

    file = Path(order["folder"], order["file"])
    return Hooks()


def _is_outside_of_call(line: dict[str, Any]) -> bool:
    """Tell whether only the fixtures of a test have failed."""
    return line["phases"].get("call") != "failed" and not line.get("subtests")


def _is_out_of_memory(error: BaseException) -> bool:
    names = {kind.__name__ for kind in type(error).__mro__}
    return bool(names & {"OutOfMemoryError", "MemoryError"})


def _devices() -> Any:
    """Give `torch.cuda` where the tests use it."""
    torch = sys.modules.get("torch")
    cuda = getattr(torch, "cuda", None)
    return cuda if cuda is not None and cuda.is_initialized() else None


# --- The launcher.


class Launcher:
    """Starts a process for each test file, and tells when it has ended."""

    def __init__(self, pipe: int) -> None:
        self.pipe = pipe
        self.channel = Channel(pipe, _LAUNCHER)
        self.pids: dict[int, int] = {}
        self.is_warm = False
        self._unread = b""
        self._wakers = self._woken, wake = os.pipe()
        for end in self._wakers:
            os.set_blocking(end, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        # The runner decides what Ctrl-C means.
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def serve(self) -> None:
        """Do what the runner asks for, until it is gone."""
        self.channel.send("ready", _versions())
        while True:
            readable, _, _ = select.select([0, self._woken], [], [])
            if self._woken in readable:
                with contextlib.suppress(BlockingIOError):
                    while os.read(self._woken, 4096):
                        pass
                self._reap()
            if 0 in readable:
                data = os.read(0, 1 << 16)
                if not data:
                    return
                *lines, self._unread = (self._unread + data).split(b"\n")
                for line in lines:
                    self._obey(json.loads(line))

    def end_all(self) -> None:
        """End everything that still runs."""
        for pid in self.pids.values():
            _signal(pid, signal.SIGKILL)

    def _obey(self, command: dict[str, Any]) -> None:
        if "start" in command:
            self._start(command["start"])
        elif "signal" in command:
            if (pid := self.pids.get(command["unit"])) is not None:
                _signal(pid, command["signal"])
        elif "warm" in command:
            self._warm(command["warm"])

    def _start(self, order: dict[str, Any]) -> None:
        unit = order["unit"]
        try:
            pid = self._fork(order) if order["fork"] else self._spawn(order)
        except OSError as error:
            self.channel.send("unstarted", {"unit": unit, "reason": str(error)})
            return
        self.pids[unit] = pid
        self.channel.send("started", {"unit": unit, "pid": pid})

    def _fork(self, order: dict[str, Any]) -> int:
        with warnings.catch_warnings():
            # The threads of numeric libraries do not matter: they start anew.
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if pid:
            return pid
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for end in self._wakers:
            os.close(end)
        run_unit(Channel(self.pipe, order["unit"]), order)

    def _spawn(self, order: dict[str, Any]) -> int:
        process = subprocess.Popen(
            [sys.executable, __file__, "unit", str(self.pipe), json.dumps(order)],
            pass_fds=[self.pipe],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        # It is waited for here, not by `subprocess`.
        process.returncode = 0
        return process.pid

    def _reap(self) -> None:
        for unit, pid in list(self.pids.items()):
            ended, status, usage = os.wait4(pid, os.WNOHANG)
            if not ended:
                continue
            del self.pids[unit]
            try:
                # Only a process that the file has left behind can be reached now.
                os.killpg(pid, signal.SIGKILL)
                has_left = True
            except OSError:
                has_left = False
            exited = {
                "unit": unit,
                "code": os.waitstatus_to_exitcode(status),
                "left_processes": has_left,
                "peak": usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
            }
            self.channel.send("exited", exited)

    def _warm(self, modules: list[str]) -> None:
        started = time.monotonic()
        # What cannot be imported here is told by the file that needs it.
        with contextlib.suppress(Exception):
            _load_plugins()
        imported = 0
        for name in modules:
            if name in sys.modules:
                continue
            try:
                importlib.import_module(name)
                imported += 1
            except BaseException:  # noqa: BLE001, S112 -- the tests import it or not
                continue
        gc.collect()
        gc.freeze()
        torch: Any = sys.modules.get("torch")
        is_spoilt = torch is not None and torch.cuda.is_initialized()
        seconds = time.monotonic() - started
        warmed = {"imported": imported, "seconds": seconds, "is_spoilt": is_spoilt}
        self.channel.send("warmed", warmed)


def _versions() -> dict[str, str | None]:
    """Tell what is installed, without importing it."""
    found: dict[str, str | None] = {}
    for name in ("torch", "transformers"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    packages = Path(sysconfig.get_path("purelib"))
    stamp = packages.stat().st_mtime_ns if packages.is_dir() else 0
    python = ".".join(map(str, sys.version_info[:3]))
    return {**found, "python": python, "installed": f"{sys.version} {stamp}"}


def _signal(pid: int, number: int) -> None:
    """Send a signal to a group, or to the process that is about to lead it."""
    try:
        os.killpg(pid, number)
    except OSError:
        with contextlib.suppress(OSError):
            os.kill(pid, number)


def _load_plugins() -> None:
    """Import pytest with its plugins, as a session does before it configures them.

    The plugins are imported by pytest, which rewrites their assertions: it would warn of
    plugins that were imported before. They are not configured, because some start threads.
    """
    # As pytest-xdist does it.
    from _pytest.config import _prepareconfig

    with tempfile.TemporaryDirectory() as folder:
        ini = Path(folder, "pytest.ini")
        ini.write_text("[pytest]\n")
        here = Path.cwd()
        os.chdir(folder)
        try:
            options = ["-q", "-p", "no:cacheprovider", "-c", str(ini)]
            config = _prepareconfig([*options, "--rootdir", folder, folder])
            config._ensure_unconfigure()
        finally:
            os.chdir(here)


def main() -> None:
    """Serve the runner, or run one file for the launcher."""
    # The results are in a module of their own beside this one.
    import _tgen_results  # noqa: F401

    if sys.argv[1:2] == ["unit"]:
        order = json.loads(sys.argv[3])
        run_unit(Channel(int(sys.argv[2]), order["unit"]), order)
    pipe = os.dup(1)
    # Whatever an import prints goes where messages of the runner go.
    os.dup2(2, 1)
    launcher = Launcher(pipe)
    try:
        launcher.serve()
    finally:
        launcher.end_all()


if __name__ == "__main__":
    main()
