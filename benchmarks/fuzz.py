"""Hostile files and addresses: ``python -m benchmarks.fuzz [--cases 20000] [--reader NAME ...] [--seed 0]``.

Every reader of what visitors bring gets good examples that were damaged: bits turned, parts cut out, doubled or exchanged,
words of JSON replaced. It has to read it, or to refuse it in one sentence; anything else is printed, cut down to its
smallest case. Says how many cases were read and refused, and which took longest.
"""

from __future__ import annotations

import argparse
import io
import json
import logging
import re
import resource
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import parse_qsl, urlencode

import torch
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import save

from vislrp_core import compact, composites, imports, masks
from vislrp_core.architecture import ARCHITECTURES, DEFAULT
from vislrp_core.errors import VisLRPError
from vislrp_core.images import read_image
from vislrp_core.model import LRPModel
from vislrp_core.resources import model_store, sample_images
from vislrp_ui import own_networks, permalink, state
from vislrp_ui.ablation import set_files
from vislrp_ui.neuron_sets import Cut, KeptSet

LONGEST_SENTENCE = 600
ODD = (
    b"null",
    b"-1",
    b"0",
    b"1e999",
    b"NaN",
    b"-Infinity",
    b"true",
    b"[]",
    b"{}",
    b'""',
    b'"\\ud800"',
    b'"\\u0000"',
    b"99999999999999999999",
    b"1e-320",
    b"0.1",
    b'"<img src=x onerror=alert(1)>"',
    b'"../../etc/passwd"',
    b"[[[[[[]]]]]]",
)
WORD = re.compile(rb'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|true|false|null')


@dataclass(frozen=True)
class Reader:
    """Something that reads what visitors bring.

    Attributes
    ----------
    examples : callable
        Good content.
    read : callable
        Reads it, or raises an error of this program.
    """

    examples: Callable[[], Sequence[bytes]]
    read: Callable[[bytes], object]


@dataclass
class Count:
    """What came of the cases of one reader."""

    read: int = 0
    refused: int = 0
    slowest: float = 0.0
    sentences: set[str] = field(default_factory=set)


# --- good examples --------------------------------------------------------------------------------------------------------


@cache
def pictures() -> tuple[bytes, ...]:
    """Small pictures of many kinds."""
    with Image.open(next(iter(sorted(sample_images().glob("*.jpg"))))) as opened:
        return _of_all_kinds(opened.convert("RGB").resize((24, 18)))


@cache
def mask_files() -> tuple[bytes, ...]:
    """Masks as pictures of many kinds."""
    return _of_all_kinds(Image.radial_gradient("L").resize((20, 20)).point(lambda value: 255 * (value > 128)).convert("RGB"))


def _of_all_kinds(small: Image.Image) -> tuple[bytes, ...]:
    found = []
    kinds = "PNG RGB, PNG RGBA, PNG P, PNG 1, PNG I;16, JPEG RGB, JPEG CMYK, WEBP RGB, GIF P, BMP RGB, TIFF RGB, TIFF L"
    for kind, mode in (one.split() for one in kinds.split(", ")):
        buffer = io.BytesIO()
        (small.convert("L").convert("I;16") if mode == "I;16" else small.convert(mode)).save(buffer, kind)
        found.append(buffer.getvalue())
    return tuple(found)


@cache
def model_files() -> tuple[bytes, ...]:
    """The example models, and one of Zennit's composites."""
    named = [composites.composite(name) for name in list(composites.COMPOSITES)[:2]]
    return (
        *(path.read_bytes() for path in sorted(model_store().glob("*.json")) if b"vislrp-model" in path.read_bytes()),
        *(one.to_json().encode() for one in named),
    )


@cache
def network_files() -> tuple[bytes, ...]:
    """A network of very few weights in both formats."""
    from tests.support.networks import tiny_state

    state_dict = {name: tensor.clone() for name, tensor in tiny_state(divisor=64, hidden=(3, 3), classes=4).items()}
    file = io.BytesIO()
    torch.save(state_dict, file)
    return save(state_dict), file.getvalue()


def label_files() -> Sequence[bytes]:
    """Lists of names."""
    return (
        b"one\ntwo\nthree\n",
        b'["one", "two", "three"]',
        b'{"classes": ["a"], "mean": [0.4, 0.4, 0.4], "std": [1, 1, 1]}',
        "\ufeffé\nß\n".encode(),
    )


def set_files_() -> Sequence[bytes]:
    """Files of neuron sets."""
    kept = [KeptSet(1, Cut(((5, (1, 2, 3)),), "zero"), "a"), KeptSet(2, Cut(((38, (0,)),), "zero"), "b")]
    return (set_files.write(kept, "tiny"),)


@cache
def addresses() -> tuple[bytes, ...]:
    """Addresses of views of all pages."""
    code = compact.encode(LRPModel.basic())
    brush = masks.encode(masks.select(torch.arange(224.0 * 224).reshape(224, 224).numpy(), 0.1))
    return tuple(
        urlencode(params).encode()
        for params in (
            {"image": "kitten", "target": "281", "model": "example-configuration_2", "segment": "2", "layer": "7"},
            {"image": "upload-" + "a" * 64, "fit": "squash", "model": code, "as": "own", "based": "x", "overlay": "50"},
            {
                "flip": "1~relevance~brush~12",
                "flip1": f"black~positive~10~1~{brush}~name",
                "measure": "16~black~20~1~linear~a.b",
            },
            {
                "neurons": "5~zero~relevance~common~number~replace~8~sum~set~0",
                "chosen": "5:1-3",
                "ablated": "chosen",
                "cut1": "zero~5:1,2~name",
                "ablate": "50~10~1~linear~a",
            },
            {"spectrum": "red_blue", "range": "p99", "paper": "dark", "network": "embedded"},
        )
    )


# --- readers --------------------------------------------------------------------------------------------------------------

SIZES = dict.fromkeys(range(1, ARCHITECTURES[DEFAULT].last + 1), 8)


def _address(data: bytes) -> object:
    params = dict(parse_qsl(data.decode("utf-8", "replace"), keep_blank_values=True))
    visit, _ = permalink.from_params(params, state.start(()))
    again, damaged = permalink.from_params(permalink.to_params(visit), state.start(()))
    if damaged:
        raise AssertionError(f"the address of a visit that was read cannot be read again: {damaged}")
    return again


READERS: dict[str, Reader] = {
    "pictures": Reader(pictures, read_image),
    "masks": Reader(mask_files, masks.from_png),
    "model files": Reader(model_files, imports.read_model),
    "network files, safetensors": Reader(
        lambda: network_files()[:1], lambda data: own_networks.read(data, "net.safetensors")
    ),
    "network files, torch": Reader(lambda: network_files()[1:], lambda data: own_networks.read(data, "net.pth")),
    "label files, text": Reader(label_files, lambda data: own_networks.read_labels(data, "names.txt")),
    "label files, JSON": Reader(label_files, lambda data: own_networks.read_labels(data, "names.json")),
    "ablation sets": Reader(set_files_, lambda data: set_files.read(data, SIZES, ARCHITECTURES[DEFAULT])),
    "addresses": Reader(addresses, _address),
}


# --- damage ---------------------------------------------------------------------------------------------------------------


@st.composite
def damaged(draw: st.DrawFn, examples: Sequence[bytes]) -> bytes:
    """A good example with up to four kinds of damage; now and then anything at all."""
    if draw(st.integers(0, 15)) == 0:
        return draw(st.binary(max_size=300))
    data = draw(st.sampled_from(examples))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, max(len(data) - 1, 0)))
        end = min(len(data), place + draw(st.sampled_from((1, 2, 4, 8, 64, 1000))))
        kind = draw(st.sampled_from(("bits", "cut off", "cut out", "double", "other", "word")))
        if kind == "bits":
            data = (
                data[:place]
                + bytes(b ^ draw(st.integers(1, 255)) for b in data[place : min(end, place + 4)])
                + data[min(end, place + 4) :]
            )
        elif kind == "cut off":
            data = data[:place]
        elif kind == "cut out":
            data = data[:place] + data[end:]
        elif kind == "double":
            data = data[:end] + data[place:end] * draw(st.integers(1, 50)) + data[end:]
        elif kind == "other":
            data = data[:place] + draw(st.binary(max_size=8)) + data[end:]
        elif words := list(WORD.finditer(data[:100_000])):
            one = draw(st.sampled_from(words))
            data = data[: one.start()] + draw(st.sampled_from(ODD)) + data[one.end() :]
    return data


def attack(name: str, cases: int, start: int = 0) -> Count:
    """Give a reader so many cases.

    Raises
    ------
    Exception
        What the reader raised for the smallest case found, if it is no error of this program.
    """
    reader, count = READERS[name], Count()
    examples = reader.examples()
    sound = 0
    for example in examples:
        with suppress(VisLRPError):  # a list of names, say, that is no JSON
            reader.read(example)
            sound += 1
    if not sound:
        raise ValueError(f"the reader of {name} takes none of its examples: damaged ones prove nothing")

    @seed(start)
    @settings(
        max_examples=cases,
        deadline=None,
        database=None,
        derandomize=False,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(damaged(examples))
    def one(data: bytes) -> None:
        begin = time.perf_counter()
        try:
            reader.read(data)
            count.read += 1
        except VisLRPError as error:
            count.refused += 1
            sentence = str(error)
            assert sentence and "\n" not in sentence and len(sentence) < LONGEST_SENTENCE, sentence
            count.sentences.add(re.sub(r"\d+", "0", sentence)[:60])
        count.slowest = max(count.slowest, time.perf_counter() - begin)

    one()
    return count


def main() -> int:
    """Attack the readers and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--reader", nargs="*", choices=list(READERS), default=list(READERS))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    failed = 0
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # it tells of each damaged tag
    print("| reader | cases | read | refused | kinds of sentences | slowest | highest memory so far |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name in options.reader:
        try:
            count = attack(name, options.cases, options.seed)
        except Exception as error:
            failed += 1
            notes = " ".join(getattr(error, "__notes__", ()))
            print(f"| {name} | failed: {type(error).__name__}: {json.dumps(str(error)[:300])} {notes[:600]} |", flush=True)
            continue
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
        print(
            f"| {name} | {count.read + count.refused} | {count.read} | {count.refused} | {len(count.sentences)} | "
            f"{1000 * count.slowest:.0f} ms | {memory:.0f} MB |",
            flush=True,
        )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
