"""What this machine offers: memory, processors, hardware types, devices.

It makes the same checks as `cargo tgen hardware`, and loads no library.
"""

from __future__ import annotations

import os
import platform
import sys
from ctypes.util import find_library
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

# The variables that tell numeric libraries, when they are loaded, how many threads to compute with.
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
VISIBLE = {"cuda": "CUDA_VISIBLE_DEVICES", "rocm": "HIP_VISIBLE_DEVICES"}


@dataclass(frozen=True)
class Device:
    """A device that one unit at a time has to itself."""

    hardware: str
    label: str


@dataclass(frozen=True)
class Machine:
    """What units may use."""

    memory: int
    jobs: int
    devices: tuple[Device, ...]


def memory() -> int:
    """Give the memory of the machine or of its control group, in bytes."""
    amounts = []
    try:
        amounts.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (ValueError, OSError):
        amounts.append(sys.maxsize)
    groups = ("memory.max", "memory/memory.limit_in_bytes")
    for name in groups:
        try:
            amounts.append(int(Path("/sys/fs/cgroup", name).read_text()))
        except (OSError, ValueError):
            continue
    return min(amounts)


def jobs() -> int:
    """Tell how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def threads_each(files: int) -> dict[str, str]:
    """Give the variables that keep several files from getting into each other's way."""
    threads = str(max(1, jobs() // max(1, files)))
    return {name: threads for name in _THREADS if name not in os.environ}


# The hardware types that a plan may name.
HARDWARE = ("cpu", "cuda", "rocm", "openvino", "mps", "qualcomm")


def present() -> list[str]:
    """Name the hardware types of this machine."""
    has = {
        "cpu": True,
        "cuda": _has_library("libcuda.so.1", "cuda")
        and _exists("/dev/nvidiactl", "/dev/nvhost-ctrl-gpu", "/dev/dxg"),
        "rocm": (
            _has_library("libamdhip64.so", "amdhip64")
            or _exists("/opt/rocm/lib/libamdhip64.so")
        )
        and _exists("/dev/kfd"),
        "openvino": _is_set("INTEL_OPENVINO_DIR")
        or _has_library("libopenvino.so", "openvino")
        or find_spec("openvino") is not None,
        "mps": (sys.platform, platform.machine()) == ("darwin", "arm64"),
        "qualcomm": _is_set("QNN_SDK_ROOT")
        or _is_set("SNPE_ROOT")
        or _has_library("libQnnHtp.so", "QnnHtp")
        or _exists("/dev/fastrpc-cdsp")
        or find_spec("qai_appbuilder") is not None,
    }
    hidden = {name for name, variable in VISIBLE.items() if _is_hidden(variable)}
    return [name for name in HARDWARE if has[name] and name not in hidden]


def devices(hardware: list[str]) -> tuple[Device, ...]:
    """Give the devices of hardware types; the processor has none."""
    found: list[Device] = []
    for name in hardware:
        if name in VISIBLE:
            found += [Device(name, f"{name}:{at}") for at in range(_count(name))]
        elif name == "openvino":
            # It computes on the processor, as a rule.
            found += [Device(name, name)] * jobs()
        elif name != "cpu":
            found.append(Device(name, name))
    return tuple(found)


def visible(device: Device) -> dict[str, str]:
    """Give the variable that lets a process see one device only."""
    name = VISIBLE.get(device.hardware)
    if name is None:
        return {}
    number = device.label.partition(":")[2]
    seen = os.environ.get(name)
    # Where only some devices are visible, the number counts those.
    numbers = seen.split(",") if seen else []
    at = int(number)
    return {name: numbers[at].strip() if at < len(numbers) else number}


def _count(hardware: str) -> int:
    seen = os.environ.get(VISIBLE[hardware])
    if seen:
        return len(seen.split(","))
    place = {"cuda": "/proc/driver/nvidia/gpus", "rocm": "/dev/dri"}[hardware]
    pattern = {"cuda": "*", "rocm": "renderD*"}[hardware]
    return max(1, len(list(Path(place).glob(pattern))))


def _has_library(file: str, name: str) -> bool:
    if find_library(name):
        return True
    folders = os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)
    return any(folder and Path(folder, file).exists() for folder in folders)


def _exists(*paths: str) -> bool:
    return any(Path(path).exists() for path in paths)


def _is_set(variable: str) -> bool:
    value = os.environ.get(variable)
    return bool(value) and Path(value or "").exists()


def _is_hidden(variable: str) -> bool:
    return os.environ.get(variable, "").strip() == "-1"
