# The modules that this test imports stand at the end of the file. They are unpacked into
# a temporary folder, so that `pytest FILE` runs it alone.
TGEN_TEST_ID = "{test_id}"


def _unpack_support() -> None:
    import atexit
    import base64
    import io
    import shutil
    import sys
    import tempfile
    import zipfile
    from pathlib import Path

    _, _, packed = Path(__file__).read_text("utf-8").rpartition("# tgen-packed-support:\n")
    lines = [line.removeprefix("# ") for line in packed.splitlines()]
    folder = tempfile.mkdtemp(prefix="tgen-support-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with zipfile.ZipFile(io.BytesIO(base64.b64decode("".join(lines)))) as archive:
        archive.extractall(folder)
    sys.path.insert(0, folder)


_unpack_support()
