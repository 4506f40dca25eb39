"""Loading a network holds its weights once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tests.support.networks import tiny_state
from vislrp_core.network import forward
from vislrp_core.networks import load_network

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.linux

PEAKS = """
import sys
from pathlib import Path
import torch
from vislrp_core import networks

def memory(key):
    return next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith(key))

def read(path):
    return [tensor.sum() for tensor in networks.read_state_dict(path).values()]

def peak(work, path):
    Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from here
    before = memory("VmRSS")
    work(path)
    return memory("VmHWM") - before

torch.zeros(1000, 1000).sum(dtype=torch.float64)
folder = Path(sys.argv[1])
print(peak(read, folder / "net.safetensors"), peak(read, folder / "net.pth"), peak(read, folder / "legacy.pth"),
      peak(networks.mapped_copy, folder / "legacy.pth"), peak(networks.load_network, folder / "legacy.safetensors"))
"""


def test_loading_never_holds_two_copies_of_the_weights(tmp_path: Path):
    """Peaks of resident memory in a process of its own, for a state dict of about 120 MB, most of it fc6 as in VGG16."""
    state = tiny_state(divisor=8, hidden=(8192, 64), classes=100)
    weights = sum(tensor.nbytes for tensor in state.values())
    save_file(state, tmp_path / "net.safetensors")
    torch.save(state, tmp_path / "net.pth")
    torch.save(state, tmp_path / "legacy.pth", _use_new_zipfile_serialization=False)
    result = subprocess.run(
        [sys.executable, "-c", PEAKS, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    mapped, zipped, legacy, copied, loaded = (int(number) / weights for number in result.stdout.split())
    assert 0.9 < mapped <= 1.15 and 0.9 < zipped <= 1.15 and 0.9 < legacy <= 1.15 and 0.9 < copied <= 1.15
    assert 0.9 < loaded <= 1.15
    assert (tmp_path / "legacy.safetensors").stat().st_size > weights


@pytest.mark.parametrize("name", ["net.safetensors", "net.pth"])
def test_weights_in_use_do_not_depend_on_their_file(tmp_path: Path, name: str):
    """A mapped file that is cut off while its weights are in use would end the process."""
    file = tmp_path / name
    state = tiny_state(divisor=32, hidden=(64, 64), classes=10)
    save_file(state, file) if file.suffix == ".safetensors" else torch.save(state, file)
    network = load_network(file)
    assert str(file) not in Path("/proc/self/maps").read_text()
    picture = torch.zeros((1, 3, 224, 224))
    before = forward(network, picture).logits
    os.truncate(file, 100)
    assert torch.equal(forward(network, picture).logits, before)
