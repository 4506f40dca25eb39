"""``--report FILE.html``: where a command's report goes, and writing it."""

from __future__ import annotations

from pathlib import Path

from vislrp_core.errors import InputError
from vislrp_core.report import ViewReport
from vislrp_core.report_html import html_of


def report_file(path: str) -> Path:
    """The file of the report; its folder is made before anything is computed.

    Raises
    ------
    InputError
        There can be no such file; one sentence.
    """
    file = Path(path)
    if file.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"--report {path}: must end in .html")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        taken = file.is_dir()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"--report {path}: its folder cannot be made ({reason})") from error
    if taken:
        raise InputError(f"--report {path}: is a folder, name a file in it")
    return file


def write_report(file: Path, report: ViewReport) -> None:
    """Write it (OSError where the disk refuses)."""
    file.write_bytes(html_of(report).encode("utf-8"))
