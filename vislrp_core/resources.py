"""Where the files are that come with the program: example models, embedded network, photographs, the pages.

A clone has them at its top level, as the design of the repository says; a wheel carries them inside the packages, because an
installed program may not assume anything beside them. All other modules ask here.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

_PACKAGE = Path(str(files("vislrp_core")))
_CLONE = _PACKAGE.parent
_INSTALLED = _PACKAGE / "data"


def _find(name: str) -> Path:
    """A file or folder of the program by its path in a clone; what reads it says so when it is missing."""
    installed = _INSTALLED / name
    return installed if installed.exists() else _CLONE / name


def model_store() -> Path:
    """Folder of the example models and of the embedded network."""
    return _find("model_store")


def sample_images() -> Path:
    """Folder of the photographs with ``credits.json``."""
    return _find("sample_images")


def app_script() -> Path:
    """``Home.py``, the script that `streamlit run` starts; ``pages`` and ``.streamlit`` are next to it."""
    return _find("Home.py")


def assets() -> Path:
    """Folder of the app's logos and of the pictures of the guided cases."""
    return Path(str(files("vislrp_ui"))) / "assets"
