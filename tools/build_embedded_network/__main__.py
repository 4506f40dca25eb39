"""``python -m tools.build_embedded_network STEP``: the steps in order; README.md beside this file says how."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from PIL import Image

from .archives import unpack
from .crops import Crop, CropMaker, centre_crop
from .data import read_features
from .evaluate import measure
from .export import export
from .extract import extract_blocks, features_of
from .head import Head, relevance_growth
from .networks import CLASSES, load_convolutions, load_teacher
from .recipes import RECIPES, SHARPNESS
from .sources import list_pictures, read_list, write_list
from .train import merge_heads, train_head
from .winograd import speed_up


def main() -> None:
    """Run a step."""
    parser = argparse.ArgumentParser(prog="python -m tools.build_embedded_network", description=__doc__)
    parser.add_argument("step", choices=list(STEPS))
    parser.add_argument("--work", type=Path, default=Path("build_embedded"), help="folder for everything in between")
    parser.add_argument("--convolutions", type=Path, help="safetensors file; torchvision's download by default")
    parser.add_argument("--crops", type=int, default=21_088, help="training crops (21,088)")
    parser.add_argument("--worker", type=int, default=0, help="number of this worker, for several at once")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--samples", type=Path, default=Path("sample_images"))
    parser.add_argument("--out", type=Path, default=Path("model_store/embedded_vgg16.safetensors"))
    options = parser.parse_args()
    STEPS[options.step](options)


def _unpack(options: argparse.Namespace) -> None:
    for archive in sorted((options.work / "packages").iterdir()):
        print(archive.name, "->", unpack(archive, options.work / "src") or "left out: not in the catalogue")


def _list(options: argparse.Namespace) -> None:
    pictures = list_pictures(options.work / "src")
    write_list(pictures, options.work / "pictures.json")
    print(f"{len(pictures)} pictures, {sum(picture.held_out for picture in pictures)} of them held out")


def _extract(options: argparse.Namespace) -> None:
    maker = CropMaker(read_list(options.work / "pictures.json"))
    convolutions = load_convolutions(options.convolutions)
    quick = convolutions._replace(features=speed_up(convolutions.features, 128))
    extract_blocks(maker, quick, load_teacher(), options.work / "features", options.crops, options.worker, options.workers)


def _train(options: argparse.Namespace) -> None:
    train = read_features(options.work / "features", "train")
    held_out = read_features(options.work / "features", "measure")
    last = load_teacher()._fc
    for name, recipe in RECIPES.items():
        head = train_head(train, last, recipe)
        torch.save(head, options.work / f"head_{name}.pt")
        print(name, *measure(head, held_out, last), sep="  |  ")


def _merged(work: Path) -> Head:
    """The mean of the trained heads as one, sharpened; the files were written by the step before."""
    heads = [torch.load(work / f"head_{name}.pt", weights_only=False) for name in RECIPES]
    return merge_heads(heads).sharpened(SHARPNESS)


def _measure(options: argparse.Namespace) -> None:
    head, teacher = _merged(options.work), load_teacher()
    held_out = read_features(options.work / "features", "measure")
    everything, photographs = measure(head, held_out, teacher._fc)
    print(f"held out, all crops: {everything}\nheld out, photographs alone: {photographs}")
    growth = relevance_growth(head.folded(), held_out.pooled[:200])
    print("growth of |R| under LRP-0 at relu7, relu6, pool5, median:", growth.median(0).values.tolist())
    paths = sorted(options.samples.glob("*.jpg"))
    crops = [Crop(centre_crop(Image.open(path).convert("RGB")), number, True) for number, path in enumerate(paths)]
    pool5 = torch.from_numpy(features_of(crops, load_convolutions(options.convolutions), teacher)["pool5"])
    with torch.inference_mode():
        for path, row in zip(paths, head(pool5.float().mean((2, 3))).softmax(1), strict=True):
            print(path.stem, *(f"{CLASSES[place]} {row[place]:.2f}" for place in row.topk(5).indices), sep="  |  ")


def _export(options: argparse.Namespace) -> None:
    head = _merged(options.work)
    everything, photographs = measure(head, read_features(options.work / "features", "measure"), load_teacher()._fc)
    description = (
        "Compact VGG16 that ships with the app: ImageNet convolutions, narrow fully connected layers trained to agree with "
        "EfficientNet-Lite0; on held-out pictures its first class is the teacher's on "
        f"{100 * everything.top1:.0f} % of crops, the teacher's first class among its first five on "
        f"{100 * everything.top5:.0f} % "
        f"({100 * photographs.top1:.0f} % and {100 * photographs.top5:.0f} % on photographs)."
    )
    export(options.out, load_convolutions(options.convolutions), head.folded(), description)
    print(f"{options.out}: {options.out.stat().st_size / 1e6:.1f} MB. {description}")


STEPS = {"unpack": _unpack, "list": _list, "extract": _extract, "train": _train, "measure": _measure, "export": _export}

if __name__ == "__main__":
    main()
