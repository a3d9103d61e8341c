"""Files that are whole or absent, whenever the process or the machine dies.

The protocol is the usual one (as in SQLite's and Orbax's atomic commits): write
to a temporary name in the same folder, flush, fsync, rename, fsync the folder.
"""

import json
import lzma
import os
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import get_ident
from typing import Any

DAMAGED = (  # what readers of arrays raise when bytes are missing, changed or foreign
    OSError,
    EOFError,
    RuntimeError,
    SyntaxError,  # NumPy parses the header of an array as Python
    tokenize.TokenError,
    ValueError,
    lzma.LZMAError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Write a file under a temporary name, then put it in place at once.

    Yields the temporary path. It ends as `path` does, because Keras chooses its
    format by the suffix. If the block raises, `path` is as it was before.
    """
    temporary = path.with_name(f".tmp-{os.getpid()}-{get_ident()}-{path.name}")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write `value` as JSON, whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it does not hold a JSON object.
    """
    value = parse_json(path.read_text(encoding="utf-8"))
    if not isinstance(value, dict):
        raise ValueError(f"{path.name} does not hold a JSON object.")
    return value


def parse_json(text: str | bytes) -> Any:
    """The value that a JSON text holds.

    Raises:
        ValueError: If it is not JSON, or is nested too deeply to be ours.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("The JSON is nested too deeply.") from error


def append_json_line(path: Path, value: Any) -> None:
    """Append one JSON line; a line that a crash left torn is closed off first."""
    line = json.dumps(value).encode()
    with path.open("ab+") as file:
        if file.tell() > 0:
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                line = b"\n" + line
        file.write(line + b"\n")


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """The whole lines of a JSON-lines file; torn or damaged ones are passed over.

    Raises:
        OSError: If it cannot be read.
    """
    whole, _, _ = path.read_bytes().rpartition(b"\n")
    values = []
    for line in whole.split(b"\n"):
        try:
            value = parse_json(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            values.append(value)
    return values


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows has no handle for a folder
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
