from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from acutance_storage.duplicates import BITS, NEAR, difference_hash, near_pairs
from acutance_storage.errors import DatasetError
from acutance_storage.records import SPLITS
from acutance_storage.splits import Settled, Unsettled, asked_splits, leaks, settle, split_rules

Pixels = NDArray[np.uint8]


def bits(seed: int, flips: int = 0) -> bytes:
    """Return a random difference hash with some of its first bits flipped."""
    ones = np.random.default_rng(seed).integers(0, 2, BITS, dtype=np.uint8)
    ones[:flips] ^= 1
    return np.packbits(ones).tobytes()


def new(number: int, like: int | None = None, flips: int = 0) -> Unsettled:
    shown = bits(number if like is None else like, flips)
    return Unsettled(sha256=f"{number:064x}", difference_hash=shown)


def stored(number: int, split: str) -> Settled:
    return Settled(sha256=f"{number:064x}", difference_hash=bits(number), split=split)


numbers = st.sets(st.integers(0, 10_000), max_size=30)


@settings(max_examples=40, deadline=None)
@given(first=numbers, second=numbers, shuffled=st.randoms(use_true_random=False))
def test_splits_depend_on_content_and_never_move(
    first: set[int], second: set[int], shuffled: object
) -> None:
    pictures = [new(n) for n in first]
    splits = settle("d", [], pictures).splits
    pictures.reverse()
    assert settle("d", [], pictures).splits == splits
    for filled, split in enumerate(SPLITS):
        assert (split in splits.values()) or len(first) <= filled
    before = [
        Settled(sha256=sha, difference_hash=bits(int(sha, 16)), split=split)
        for sha, split in splits.items()
    ]
    later = settle("d", before, [new(n) for n in second - first]).splits
    assert not set(later) & set(splits)
    together = {**splits, **later}
    assert set(together) == {new(n).sha256 for n in first | second}
    if second - first:
        assert "train" in together.values()


def test_pictures_added_one_by_one_fill_the_splits_too() -> None:
    known: list[Settled] = []
    for number in range(3):
        (split,) = settle("d", known, [new(number)]).splits.values()
        known.append(stored(number, split))
        assert [picture.split for picture in known] == list(SPLITS[: number + 1])


def test_the_hash_rule_gives_about_eighty_ten_ten_and_is_salted() -> None:
    pictures = [new(n) for n in range(1000)]
    splits = settle("a", [], pictures).splits
    counts = {split: list(splits.values()).count(split) for split in SPLITS}
    assert 760 <= counts["train"] <= 840
    assert 70 <= counts["validation"] <= 130
    assert splits != settle("b", [], pictures).splits


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_few_pictures_fill_the_splits_in_order(count: int) -> None:
    for start in range(0, 200, 10):
        splits = settle("d", [], [new(n) for n in range(start, start + count)]).splits
        assert set(splits.values()) == set(SPLITS[:count])


def test_a_near_duplicate_joins_what_it_resembles() -> None:
    for split in SPLITS:
        found = settle("d", [stored(1, split)], [new(2, like=1, flips=NEAR)])
        assert found.splits == {f"{2:064x}": split}
        assert found.resembles == {f"{2:064x}": f"{1:064x}"}
    apart = settle("d", [stored(1, "test")], [new(2, like=1, flips=NEAR + 1)])
    assert apart.resembles == {}


def test_new_near_duplicates_stay_together_also_through_others() -> None:
    chain = [new(1), new(2, like=1, flips=20), new(3, like=1, flips=40)]
    found = settle("d", [stored(n, s) for n, s in ((50, "validation"), (51, "test"))], chain)
    assert len(set(found.splits.values())) == 1
    assert len(found.splits) == 3


def test_a_picture_between_two_splits_is_left_out() -> None:
    one = Settled(sha256="1" * 64, difference_hash=bits(1), split="train")
    other = Settled(sha256="2" * 64, difference_hash=bits(1, flips=40), split="test")
    found = settle("d", [one, other], [new(3, like=1, flips=20), new(4)])
    assert found.torn == {f"{3:064x}": ("test", "train")}
    assert set(found.splits) == {f"{4:064x}"}
    assert leaks([one], [one, other]) == []


def test_what_somebody_assigned_across_splits_is_a_leak() -> None:
    one = Settled(sha256="1" * 64, difference_hash=bits(1), split="train")
    other = Settled(sha256="2" * 64, difference_hash=bits(1, flips=3), split="test")
    assert leaks([one, other], [one, other]) == [("1" * 64, "2" * 64)]


def test_pictures_without_structure_resemble_nothing() -> None:
    plain = [difference_hash(np.full((40, 40, 3), v, np.uint8)) for v in (0, 255)]
    assert near_pairs(plain, plain) == []
    assert near_pairs([], plain) == []
    assert near_pairs(plain, []) == []


def test_smaller_and_recompressed_pictures_are_recognised(
    scene: Callable[..., Pixels], tmp_path: Path
) -> None:
    pictures = [scene(seed, 96, 128) for seed in range(12)]
    hashes = [difference_hash(p) for p in pictures]
    changed = []
    for picture in pictures:
        Image.fromarray(picture).resize((64, 48)).save(tmp_path / "a.jpg", quality=50)
        changed.append(difference_hash(np.asarray(Image.open(tmp_path / "a.jpg"))))
    assert near_pairs(changed, hashes) == [(i, i) for i in range(12)]


def test_a_split_list_is_read_with_comments_globs_and_blanks(tmp_path: Path) -> None:
    (tmp_path / "list").write_text(
        "\ufeff# who validates\n\nvalidation\tmy cat.png\ntest  night/*\ntrain night/one\r\n"
    )
    rules = split_rules(tmp_path / "list")
    assert rules == {"my cat.png": "validation", "night/*": "test", "night/one": "train"}
    names = ["my cat.png", "night/one.jpg", "night/deep/two.jpg", "day.png", "Test/x.png"]
    assert asked_splits(names, rules) == {
        "my cat.png": "validation",
        "night/one.jpg": "train",
        "night/deep/two.jpg": "test",
        "Test/x.png": "test",
    }
    assert asked_splits(["train/a.png"], {"train/a": "test"}) == {"train/a.png": "test"}


def test_every_mistake_of_a_split_list_is_listed(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("val a.png\ntrain\ntest b.png\ntrain b.png\n")
    with pytest.raises(DatasetError) as caught:
        split_rules(tmp_path / "list")
    assert [problem[:6] for problem in caught.value.problems] == ["line 1", "line 2", "line 4"]
    with pytest.raises(DatasetError) as caught:
        asked_splits(["a1.png"], {"a*": "test", "*1": "train", "b*": "test"})
    assert len(caught.value.problems) == 2
    with pytest.raises(DatasetError, match="cannot be read"):
        split_rules(tmp_path / "missing")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\0")
    with pytest.raises(DatasetError, match="UTF-8"):
        split_rules(tmp_path / "binary")
