"""What holds for all tests, before anything imports PyTorch."""

from __future__ import annotations

import os

if "PYTEST_XDIST_WORKER" in os.environ:
    # Workers share the cores: each computes with one thread, and so do the apps and commands that it starts.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
# Nothing is kept in the folder of results of whoever runs the tests.
os.environ["VISLRP_STORE_MB"] = "0"
