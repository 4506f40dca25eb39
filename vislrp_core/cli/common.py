"""What several commands share: their arguments, files, and how results are printed."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from vislrp_core.architecture import ARCHITECTURES, DEFAULT, Architecture
from vislrp_core.cli.debugging import add_debug
from vislrp_core.cli.pictures import printable
from vislrp_core.composites import COMPOSITES, composite
from vislrp_core.errors import InputError
from vislrp_core.images import FIT_HELP, FITS
from vislrp_core.imports import notes_of, read_model
from vislrp_core.model import MAX_BYTES, LRPModel, ModelError
from vislrp_core.network import Network, Prediction, Trace, forward
from vislrp_core.networks import DEVICES, DTYPES, default_network_name, load_network

TOP = 10


def add_network(parser: argparse.ArgumentParser) -> None:
    """``--network``, ``--dtype``, ``--device``."""
    parser.add_argument(
        "--network", metavar="NAME|PATH", help="imagenet, embedded, auto, or the path of a state dict (.safetensors, .pth)"
    )
    parser.add_argument("--dtype", choices=list(DTYPES), default="float32", help="number format (float32)")
    parser.add_argument("--device", choices=DEVICES, default="auto", help="where to compute (auto)")


def add_json(parser: argparse.ArgumentParser) -> None:
    """``--json``."""
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object")


def positive(text: str) -> int:
    """Argument type: a whole number of at least 1."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f'must be a whole number of at least 1, got "{text}"')
    return number


def some_of(known: Iterable[str], *, as_known: bool = True) -> Callable[[str], tuple[str, ...]]:
    """Argument type: some of these words separated by commas, each once; in their own order, or in the one given."""
    words = tuple(known)

    def parse(text: str) -> tuple[str, ...]:
        wanted = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
        if not wanted or not set(wanted) <= set(words):
            raise argparse.ArgumentTypeError(f'must be some of {", ".join(words)}, separated by commas, got "{text}"')
        return tuple(word for word in words if word in wanted) if as_known else wanted

    return parse


def add_run(parser: argparse.ArgumentParser) -> None:
    """What commands over many pictures have in common: ``--fit``, ``--out``, network, ``--json``, ``--debug``."""
    parser.add_argument("--fit", choices=list(FITS), default="crop", help=FIT_HELP)
    parser.add_argument("--out", required=True, metavar="DIR", help="folder for the results; interrupted runs resume")
    add_network(parser)
    add_json(parser)
    add_debug(parser)


def open_network(options: argparse.Namespace) -> Network:
    """The network that the arguments ask for; a download's progress goes to a terminal's stderr."""
    name = options.network if options.network is not None else default_network_name()
    progress = _show_progress if sys.stderr.isatty() else None
    return load_network(name, device=options.device, dtype=options.dtype, progress=progress)


def _show_progress(done: int, total: int) -> None:
    share = f" of {total / 1e6:.0f}" if total else ""
    print(f"\rDownloading VGG16: {done / 1e6:.0f}{share} MB", end="\n" if done == total else "", file=sys.stderr)


def open_model(path: str, *, notes: bool = True) -> LRPModel:
    """A model file, ours or the original program's; or a ready model by its name, where there is no such file.

    What an import cannot keep is said on stderr, unless `notes` is False.

    Raises
    ------
    ModelError
        One sentence that names the file and the place.
    """
    if path in COMPOSITES and not os.path.lexists(path):
        return composite(path)
    file = Path(path)
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ModelError(f"{path}: cannot be read ({reason})") from error
    model = read_model(content, file.name)
    if notes:
        for note in notes_of(model):
            print(f"{file.name[:80]}: {note}", file=sys.stderr)
    return model


def named_models(paths: Sequence[str]) -> dict[str, LRPModel]:
    """Models by name; models with the same name are distinguished by their files."""
    models = {path: open_model(path) for path in dict.fromkeys(paths)}
    names = [model.name for model in models.values()]
    return {
        model.name if names.count(model.name) == 1 else f"{model.name} ({printable(path)})": model
        for path, model in models.items()
    }


def layer_text(text: str) -> str:
    """Argument type: a layer by number or name, that at least one known architecture has: the network is loaded later."""
    for architecture in ARCHITECTURES.values():
        try:
            architecture.resolve(text)
        except InputError:
            continue
        return text
    try:
        ARCHITECTURES[DEFAULT].resolve(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def parse_layers(text: str) -> tuple[str, ...] | None:
    """Argument type: layers by number or name separated by commas; None for "all"."""
    if text.strip() == "all":
        return None
    try:
        return tuple(layer_text(part) for part in text.split(","))
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"{error}; several separated by commas, or all") from error


def find_layers(texts: Sequence[str] | None, architecture: Architecture) -> tuple[int, ...]:
    """Numbers of the layers given, all of them for None (Raises InputError: the network has no such layer)."""
    if texts is None:
        return tuple(range(architecture.last + 1))
    return tuple(sorted({architecture.resolve(text) for text in texts}))


def see(network: Network, image: Any, fit: str = "crop") -> Trace:
    """Forward pass of a picture."""
    from vislrp_core.images import to_input

    return forward(network, to_input(image, network, fit))


def network_record(network: Network) -> str:
    """What a result calls its network: imagenet, embedded, or the stem of the file."""
    return network.name


def network_details(network: Network) -> dict[str, Any]:
    """What a result may need to be repeated."""
    return {
        "title": network.title,
        "architecture": network.architecture.key,
        "classes": network.num_classes,
        "digest": network.digest,
        "dtype": str(network.dtype).removeprefix("torch."),
        "device": str(network.device),
    }


def prediction_rows(predictions: Sequence[Prediction]) -> list[list[str]]:
    """Predictions as cells of a table."""
    return [
        [str(rank), str(one.index), one.name, f"{one.logit:.3f}", f"{one.probability:.4f}"]
        for rank, one in enumerate(predictions, start=1)
    ]


def segment_rows(model: LRPModel) -> list[list[str]]:
    """Segments as cells of a table."""
    name = model.plan.name
    return [
        [str(place), f"{one.first}-{one.last}", f"{name(one.first)} - {name(one.last)}", one.rule.title, one.rule.short]
        for place, one in enumerate(model.segments, start=1)
    ]


SEGMENT_HEAD = ["segment", "layers", "names", "rule", "short"]
PREDICTION_HEAD = ["", "class", "name", "logit", "probability"]


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table with aligned columns; numbers to the right."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    numeric = [all(_is_number(row[column]) for row in rows) for column in range(len(head))]
    for row in [head, *rows]:
        cells = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        ]
        print("  ".join(cells).rstrip())


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def dump_json(data: Any) -> str:
    """JSON text of a result, in ASCII, which every terminal and pipe carries; a number that is not finite is an error."""
    return json.dumps(data, allow_nan=False, indent=1)
