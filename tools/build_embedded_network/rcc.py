"""Reader for Qt binary resource files (``.rcc``), in which GCompris keeps its pictures.

The format: a 20-byte header (``qres``, version, offsets of tree, data and names; version 3 adds flags), a tree of fixed
size nodes, names in UTF-16, and length-prefixed data. All integers are big-endian. Entries may be compressed with zlib;
Zstandard (version 3) is refused, for no picture is stored that way.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

_COMPRESSED_ZLIB, _DIRECTORY, _COMPRESSED_ZSTD = 1, 2, 4


def read_rcc(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield every file of a Qt resource archive.

    Parameters
    ----------
    content : bytes
        The whole ``.rcc`` file.

    Yields
    ------
    tuple of (str, bytes)
        Path inside the archive (with ``/``) and the file's content.

    Raises
    ------
    ValueError
        If the content is no resource archive, is cut off, or uses an unknown compression.
    """
    if content[:4] != b"qres":
        raise ValueError("not a Qt resource file: it does not start with 'qres'")
    try:
        version, tree, data, names = struct.unpack_from(">4I", content, 4)
        # Version 2 appended the time of last change to every node.
        yield from _walk(content, tree, data, names, 22 if version >= 2 else 14, 0, "")
    except struct.error as error:
        raise ValueError(f"the Qt resource file is cut off: {error}") from error


def unpack_rcc(archive: Path, folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    """Write the archive's files with one of the suffixes below ``folder`` and return their paths."""
    written = []
    root = folder.resolve()
    for name, content in read_rcc(archive.read_bytes()):
        if not name.lower().endswith(suffixes):
            continue
        path = (folder / name).resolve()
        if not path.is_relative_to(root):
            raise ValueError(f"{archive.name}: the entry {name!r} points outside the folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        written.append(path)
    return written


def _walk(
    content: bytes, tree: int, data: int, names: int, size: int, node: int, prefix: str
) -> Iterator[tuple[str, bytes]]:
    name_offset, flags = struct.unpack_from(">IH", content, tree + node * size)
    name = ""
    if node:  # the root has no name
        (length,) = struct.unpack_from(">H", content, names + name_offset)
        start = names + name_offset + 6  # length and hash come first
        name = content[start : start + 2 * length].decode("utf-16-be")
    path = f"{prefix}/{name}" if prefix else name
    if flags & _DIRECTORY:
        count, first = struct.unpack_from(">II", content, tree + node * size + 6)
        for child in range(first, first + count):
            yield from _walk(content, tree, data, names, size, child, path)
        return
    (offset,) = struct.unpack_from(">I", content, tree + node * size + 10)
    (length,) = struct.unpack_from(">I", content, data + offset)
    payload = content[data + offset + 4 : data + offset + 4 + length]
    if len(payload) < length:
        raise ValueError(f"the Qt resource file is cut off inside {path!r}")
    if flags & _COMPRESSED_ZSTD:
        raise ValueError(f"{path!r} is compressed with Zstandard, which this reader does not know")
    yield path, zlib.decompress(payload[4:]) if flags & _COMPRESSED_ZLIB else payload
