"""Unpacking the downloaded packages: Debian archives, wheels, npm tarballs, and GCompris' resource files inside them."""

from __future__ import annotations

import subprocess
import tarfile
import zipfile
from pathlib import Path

from .rcc import unpack_rcc
from .sources import SOURCES, SUFFIXES


def package_of(archive: str) -> str | None:
    """Package of the catalogue to which a file name belongs; None for a file that is none of them."""
    name = archive.lower().replace("_", "-")
    names = [source.package for source in SOURCES if source.package in name]
    return max(names, key=len, default=None)


def unpack(archive: Path, root: Path) -> Path | None:
    """Unpack one archive into the folder of its package below `root`; None if it belongs to no package.

    Raises
    ------
    ValueError
        If it is neither ``.deb``, ``.whl`` nor ``.tgz``.
    """
    package = package_of(archive.name)
    if package is None:
        return None
    folder = root / package
    folder.mkdir(parents=True, exist_ok=True)
    if archive.suffix == ".deb":
        subprocess.run(["dpkg-deb", "-x", str(archive), str(folder)], check=True)
    elif archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(folder)
    elif archive.suffix == ".tgz":
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
    else:
        raise ValueError(f"{archive.name}: not a .deb, .whl or .tgz file")
    for resources in sorted(folder.rglob("*.rcc")):
        unpack_rcc(resources, folder / "pictures", SUFFIXES)
    for inner in sorted(folder.rglob("*.tar.gz")):
        with tarfile.open(inner) as tar:
            tar.extractall(folder, filter="data")
    return folder
