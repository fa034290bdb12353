"""Our store beside plain boto3 on the same S3 server, in rounds that take turns.

Large: one blob up and down. Ours hashes it (SHA-256, twice up and once down), sends Content-MD5 and
publishes what came down whole; boto3's TransferManager moves bytes with its own defaults.
Small: 1,000 pictures of 64 KB: as objects one by one with boto3, packed into a shard, and through
`data add`, which decodes, hashes and compares them as well.

Run: make bench-store      (or: python tests/benchmarks/store.py --json result.json)
"""

import argparse
import io
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import numpy as np
from PIL import Image

from acutance_storage import add_dataset, blob_path, open_store, put_blob_file
from acutance_storage.shards import ShardSpool

sys.path.append(str(Path(__file__).parents[1] / "helpers"))
from loader import machine
from object_stores import BUCKET, Service, swift

MIB = 1 << 20


def main() -> None:
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="acutance-bench-") as scratch:
        place = Path(scratch)
        with swift(place / "swift") as service:
            os.environ.update(service.variables, ACUTANCE_LOCAL=str(place / "local"))
            seconds: dict[str, list[float]] = {}
            for number in range(options.rounds):
                # Whoever goes first in a round goes last in the next.
                for work in (large, small)[:: 1 if number % 2 else -1]:
                    for name, spent in work(service, place, options, number).items():
                        seconds.setdefault(name, []).append(spent)
                print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
    result = {
        "machine": machine(),
        "server": "OpenStack Swift s3api on loopback",
        "boto3": metadata.version("boto3"),
        "date": datetime.now(UTC).date().isoformat(),
        "rounds": options.rounds,
        "large_bytes": options.mib * MIB,
        "small_files": options.files,
        "seconds": {name: spread(values) for name, values in seconds.items()},
        "times_as_fast": compared(seconds),
    }
    print(json.dumps(result, indent=2))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Our store beside plain boto3.")
    parser.add_argument("--rounds", type=int, default=7, help="rounds (default 7)")
    parser.add_argument("--mib", type=int, default=256, help="size of the large blob in MiB")
    parser.add_argument("--files", type=int, default=1000, help="number of small files")
    parser.add_argument("--json", type=Path, help="write the result to this file")
    return parser.parse_args()


def large(
    service: Service, place: Path, options: argparse.Namespace, number: int
) -> dict[str, float]:
    """Move one new blob up and down, ours and boto3's in turns; return seconds of each."""
    store, client = open_store(service.address()), service.client()
    file = place / "large"
    with file.open("wb") as out:
        for part in range(options.mib):
            out.write(np.random.default_rng([number, part]).bytes(MIB))
    sha, plain = [""], f"plain/{number}"

    def up() -> None:
        sha[0] = put_blob_file(store, file)

    def down() -> None:
        blob_path(store, sha[0])

    ups: dict[str, Callable[[], object]] = {
        "up, ours": up,
        "up, boto3": lambda: client.upload_file(str(file), BUCKET, plain),
    }
    downs: dict[str, Callable[[], object]] = {
        "down, ours": down,
        "down, boto3": lambda: client.download_file(BUCKET, plain, str(place / "plain")),
    }
    found = {**in_turns(ups, number), **in_turns(downs, number)}
    store.delete(f"blobs/{sha[0][:2]}/{sha[0]}")
    client.delete_object(Bucket=BUCKET, Key=plain)
    shutil.rmtree(place / "local", ignore_errors=True)
    return found


def small(
    service: Service, place: Path, options: argparse.Namespace, number: int
) -> dict[str, float]:
    """Store many small pictures one by one, packed, and by `data add`; return seconds of each."""
    store, client = open_store(service.address()), service.client()
    pictures = [picture(number, each) for each in range(options.files)]
    files = [png(pixels) for pixels in pictures]
    folder = place / f"small-{number}"
    folder.mkdir()
    for each, data in enumerate(files):
        (folder / f"{each:04d}.png").write_bytes(data)

    def one_by_one() -> None:
        for each, data in enumerate(files):
            client.put_object(Bucket=BUCKET, Key=f"plain/{number}/{each:04d}", Body=data)

    def packed() -> None:
        with ShardSpool(store, key=f"bench{number}") as spool:
            for pixels in pictures:
                spool.add(pixels)
            spool.publish()

    found = in_turns(
        {
            "small one by one, boto3": one_by_one,
            "small packed, ours": packed,
            "small by data add, ours": lambda: add_dataset(store, "small", folder),
        },
        number,
    )
    shutil.rmtree(folder)
    return found


def picture(number: int, each: int) -> np.ndarray:
    """Return noise that takes 64 KB as pixels and as PNG."""
    return np.random.default_rng([number, each]).integers(0, 256, (148, 148, 3), dtype=np.uint8)


def png(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "png", compress_level=1)
    return out.getvalue()


def in_turns(works: dict[str, Callable[[], object]], number: int) -> dict[str, float]:
    """Run each; who begins changes from round to round."""
    names = list(works)
    first = number % len(names)
    found = {}
    for name in names[first:] + names[:first]:
        began = time.perf_counter()
        works[name]()
        found[name] = time.perf_counter() - began
    return found


def spread(values: list[float]) -> dict[str, float]:
    return {
        "median": round(statistics.median(values), 3),
        "least": round(min(values), 3),
        "most": round(max(values), 3),
    }


def compared(seconds: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    """Return how many times as fast ours was, within each round."""
    pairs = {
        "large up": ("up, boto3", "up, ours"),
        "large down": ("down, boto3", "down, ours"),
        "small packed": ("small one by one, boto3", "small packed, ours"),
        "small by data add": ("small one by one, boto3", "small by data add, ours"),
    }
    return {
        what: spread([a / b for a, b in zip(seconds[theirs], seconds[ours], strict=True)])
        for what, (theirs, ours) in pairs.items()
    }


if __name__ == "__main__":
    main()
