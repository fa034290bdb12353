"""Images per CPU-second of our loader, side by side with a plain loader of PNG files.

Both give batches of 16 pairs, 48 -> 192 at x4, under one of eight symmetries, as float tensors in
[0, 1], on one thread. The plain loader is what people write: it decodes the LR and the HR file with
Pillow, cuts a random crop, flips and turns it, and stacks. It reads sub-pictures of 480 pixels, the
custom of the field, and in a second row the whole pictures. Rounds are interleaved and the ratio is
taken within each round, so that a machine busy with other work cannot favour one side.

Run: make bench      (or: python tests/benchmarks/loader.py --folder Pictures --json result.json)
"""

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import PIL
import torch
from PIL import Image

from acutance_models import stream
from acutance_platform.recipe import Recipe, build_recipe
from acutance_platform.training.data import Batches, Pairs
from acutance_storage import add_dataset, open_store

SCALE, PATCH, BATCH = 4, 192, 16
SUB, STRIDE = 480, 240  # side and distance of sub-pictures, as BasicSR cuts them
PHOTOGRAPHS = Path(__file__).parents[2] / "experiments" / "quickstart" / "photos"

Step = Callable[[int], object]


def main() -> None:
    options = arguments()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="acutance-bench-") as scratch:
        os.environ["ACUTANCE_LOCAL"] = f"{scratch}/local"
        pairs, recipe = our_pairs(options.folder, Path(scratch))
        batches = Batches(pairs, recipe, device=torch.device("cpu"))
        check_first_batch(batches, pairs, recipe)
        print("the first batch equals the plain numpy reference, bit for bit")
        whole = write_png(pairs, Path(scratch) / "whole", side=None)
        cut = write_png(pairs, Path(scratch) / "cut", side=SUB)
        loaders: dict[str, tuple[Step, int]] = {
            "ours, float": (batches, options.batches),
            "ours, uint8": (batches.pixels, options.batches),
            f"PNG, {SUB} sub-pictures": (PngFolder(cut), max(1, options.batches // 10)),
            "PNG, whole pictures": (PngFolder(whole), max(1, options.batches // 10)),
        }
        rates = measured(loaders, options.rounds)
    result = {
        "machine": machine(),
        "pictures": len(pairs.dataset),
        "sub_pictures": len(cut),
        "rounds": options.rounds,
        "images_per_cpu_second": {name: spread(values) for name, values in rates.items()},
        "times_as_fast": compared(rates),
    }
    show(result)
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Images per CPU-second of loaders.")
    parser.add_argument("--folder", type=Path, default=PHOTOGRAPHS, help="folder of pictures")
    parser.add_argument("--rounds", type=int, default=7, help="interleaved rounds (default 7)")
    parser.add_argument("--batches", type=int, default=100, help="batches of ours per round")
    parser.add_argument("--json", type=Path, help="write the result to this file")
    return parser.parse_args()


def our_pairs(folder: Path, scratch: Path) -> tuple[Pairs, Recipe]:
    """Ingest the pictures (all of them are trained on here) and return them with a recipe."""
    store = open_store(str(scratch / "store"))
    dataset = add_dataset(store, "bench", folder, split={"*": "train"}).dataset
    small = [p.name for p in dataset.pictures if min(p.height, p.width) < PATCH]
    if small:
        raise SystemExit(f"these pictures are smaller than a crop of {PATCH}: {', '.join(small)}")
    recipe = build_recipe(
        {
            "scale": SCALE,
            "data": {"dataset": "bench", "patch": PATCH, "batch": BATCH},
            "generator": {"kind": "enhancenet"},
            "stages": {"train": {"steps": 1, "loss": {"pixel": {"kind": "l1", "weight": 1.0}}}},
        }
    )
    return Pairs(dataset, recipe, local=scratch / "local"), recipe


def check_first_batch(batches: Batches, pairs: Pairs, recipe: Recipe) -> None:
    """Compare step 0 with crops cut, turned and divided in the plainest way."""
    corners = stream(recipe.seed, "crop", 0, 0).random((BATCH, 2))
    turns = stream(recipe.seed, "flip", 0, 0).integers(0, 8, BATCH)
    count, side = len(pairs.dataset), PATCH // SCALE
    lr, hr = (tensor.numpy() for tensor in batches(0))
    for k in range(BATCH):
        order = stream(recipe.seed, "order", k // count).permutation(count)
        index = int(order[k % count])
        small = pairs.lr(index)
        y, x = (int(corners[k, axis] * (small.shape[axis] - side + 1)) for axis in (0, 1))
        for got, picture, zoom in ((lr[k], small, 1), (hr[k], pairs.hr(index), SCALE)):
            crop = picture[y * zoom : (y + side) * zoom, x * zoom : (x + side) * zoom]
            turned = np.rot90(crop, turns[k] % 4)
            turned = np.fliplr(turned) if turns[k] >= 4 else turned
            expected = turned.transpose(2, 0, 1).astype(np.float32) / np.float32(255)
            assert np.array_equal(got, expected), f"crop {k} differs from the reference"


def write_png(pairs: Pairs, folder: Path, side: int | None) -> list[tuple[Path, Path]]:
    """Write each pair, whole or as sub-pictures of at most `side`; return (LR, HR) files."""
    folder.mkdir()
    files = []
    for index in range(len(pairs.dataset)):
        lr, hr = pairs.lr(index), pairs.hr(index)
        for y, x in corners(hr.shape[0], hr.shape[1], side):
            size = side or max(hr.shape)
            names = tuple(folder / f"{kind}{index}-{y}-{x}.png" for kind in ("lr", "hr"))
            for name, picture, zoom in ((names[0], lr, SCALE), (names[1], hr, 1)):
                part = picture[y // zoom : (y + size) // zoom, x // zoom : (x + size) // zoom]
                Image.fromarray(np.ascontiguousarray(part)).save(name)
            files.append((names[0], names[1]))
    return files


def corners(height: int, width: int, side: int | None) -> Iterator[tuple[int, int]]:
    """Yield the top left corners of sub-pictures; the last ones end at the picture's edge."""
    if side is None:
        yield 0, 0
        return
    for y in starts(height, side):
        for x in starts(width, side):
            yield y, x


def starts(length: int, side: int) -> list[int]:
    last = max(length - side, 0) // SCALE * SCALE
    return sorted({*range(0, last, STRIDE), last})


class PngFolder:
    """The plain loader: two files are decoded for each sample."""

    def __init__(self, files: list[tuple[Path, Path]]) -> None:
        self._files = files
        self._rng = np.random.default_rng(0)

    def __call__(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        samples = [self._sample() for _ in range(BATCH)]
        return torch.stack([lr for lr, _ in samples]), torch.stack([hr for _, hr in samples])

    def _sample(self) -> tuple[torch.Tensor, torch.Tensor]:
        files, side = self._files[self._rng.integers(len(self._files))], PATCH // SCALE
        lr, hr = (np.asarray(Image.open(file).convert("RGB")) for file in files)
        y = int(self._rng.integers(lr.shape[0] - side + 1))
        x = int(self._rng.integers(lr.shape[1] - side + 1))
        lr = lr[y : y + side, x : x + side]
        hr = hr[y * SCALE : (y + side) * SCALE, x * SCALE : (x + side) * SCALE]
        flip, turn = self._rng.integers(2), self._rng.integers(4)
        return _tensor(lr, flip, turn), _tensor(hr, flip, turn)


def _tensor(crop: np.ndarray, flip: int, turn: int) -> torch.Tensor:
    turned = np.rot90(crop[:, ::-1] if flip else crop, turn)
    return torch.from_numpy(np.ascontiguousarray(turned.transpose(2, 0, 1))).float() / 255


def measured(loaders: dict[str, tuple[Step, int]], rounds: int) -> dict[str, list[float]]:
    """Return images per CPU-second of each loader in each round; one batch each warms up."""
    for loader, _ in loaders.values():
        loader(0)
    rates: dict[str, list[float]] = {name: [] for name in loaders}
    for _ in range(rounds):
        for name, (loader, count) in loaders.items():
            began = time.process_time()
            for step in range(count):
                loader(step)
            rates[name].append(BATCH * count / (time.process_time() - began))
    return rates


def compared(rates: dict[str, list[float]]) -> dict[str, dict[str, dict[str, float]]]:
    """Return how many times as fast each of ours is as each plain loader, round by round."""
    return {
        ours: {
            peer: spread([a / b for a, b in zip(rates[ours], rates[peer], strict=True)])
            for peer in rates
            if peer.startswith("PNG")
        }
        for ours in rates
        if ours.startswith("ours")
    }


def spread(values: list[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def machine() -> dict[str, str | int | None]:
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        cpu = names[0].partition(":")[2].strip() if names else cpu
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "numpy": np.__version__,
        "pillow": PIL.__version__,
        "date": datetime.now(UTC).date().isoformat(),
    }


def show(result: dict) -> None:
    print(", ".join(f"{key} {value}" for key, value in result["machine"].items()))
    print(
        f"{result['pictures']} pictures, {result['sub_pictures']} sub-pictures; median [min..max]"
        f" of {result['rounds']} rounds; one thread, CPU time\n"
    )
    for name, rate in result["images_per_cpu_second"].items():
        print(
            f"{name:26} {rate['median']:8.0f} [{rate['min']:.0f}..{rate['max']:.0f}] images/CPU-s"
        )
    print()
    for ours, peers in result["times_as_fast"].items():
        for peer, ratio in peers.items():
            print(
                f"{ours} / {peer:24} {ratio['median']:6.1f} x"
                f" [{ratio['min']:.1f}..{ratio['max']:.1f}]"
            )


if __name__ == "__main__":
    main()
