"""``vislrp app``: Streamlit in place of this process, with every option; what is missing is one sentence."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from vislrp_core.cli import app, main
from vislrp_core.resources import app_script


@pytest.mark.parametrize("system", ["posix", "nt"])
def test_streamlit_gets_the_pages_and_every_option(monkeypatch: pytest.MonkeyPatch, system: str) -> None:
    begun: list[list[str]] = []
    monkeypatch.setattr(app, "os", SimpleNamespace(name=system, execv=lambda file, command: begun.append(command)))
    monkeypatch.setattr(app, "subprocess", SimpleNamespace(call=lambda command: begun.append(command) or 3))
    options = argparse.Namespace(rest=["--server.port", "8600"])
    status = app.run(options)
    assert begun == [[sys.executable, "-m", "streamlit", "run", str(app_script()), "--server.port", "8600"]]
    assert status == (3 if system == "nt" else None), "elsewhere nothing comes back"


def test_what_is_missing_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(app, "NEEDED", ("torch", "a_package_that_nobody_has"))
    assert main(["app"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "needs the package a_package_that_nobody_has: install it with" in said
    monkeypatch.setattr(app, "NEEDED", ("torch",))
    monkeypatch.setattr(app, "app_script", lambda: tmp_path / "Home.py")
    assert main(["app", "--server.port", "8600"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and f"{tmp_path / 'Home.py'} is missing" in said
