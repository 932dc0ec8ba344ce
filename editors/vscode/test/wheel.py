"""Makes a wheel with a program that was built already, as `pip install cargo-tgen` gets one: wheel.py PROGRAM FOLDER."""

import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path


def main(program: Path, folder: Path) -> None:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    version = said.split()[1]
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    info = f"cargo_tgen-{version}.dist-info"
    tag = f"py3-none-{platform}"
    script = f"cargo_tgen-{version}.data/scripts/{program.name}"
    texts = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: cargo-tgen\nVersion: {version}\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: false\nTag: {tag}\n",
    }
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / f"cargo_tgen-{version}-{tag}.whl", "w") as wheel:
        wheel.write(program, script)
        for name, text in texts.items():
            wheel.writestr(name, text)
        # pip asks for no hashes here.
        wheel.writestr(f"{info}/RECORD", "".join(f"{name},,\n" for name in [script, *texts, f"{info}/RECORD"]))


main(Path(sys.argv[1]), Path(sys.argv[2]))
