"""`fetch`: published files, checked by hash and content, brought into the store under a name."""

import http.client
import re
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acutance_models import FEATURES as NETWORKS
from acutance_models import ImportRefused, PictureError, build_features, feature_layers, fit_niqe
from acutance_platform.recipe import refuse
from acutance_platform.training import FEATURES
from acutance_platform.verbs.home import Home, StrPath, open_home
from acutance_platform.verbs.published import PUBLISHED, Published
from acutance_platform.verbs.upscaling import pictures_in
from acutance_storage import (
    decode_picture,
    file_sha256,
    get_ref,
    has_blob,
    list_refs,
    put_blob,
    put_blob_file,
    set_ref,
)
from acutance_storage.errors import PictureUnreadable

Progress = Callable[[int, int], object]
"""Called with the bytes that have come and those that are to come."""

_CHUNK, _PATIENCE = 1 << 20, 30.0  # bytes; seconds without a byte
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_OWN = "your own file"


class FetchFailed(OSError):
    """A published file did not come, or what came is not it; nothing was stored."""


@dataclass(frozen=True)
class Fetched:
    """A file that the store has under a name."""

    name: str
    """As recipes say it: `features: {kind: vgg16, file: NAME}`; a kind's own file needs no name."""
    sha256: str
    """Of its bytes."""
    source: str
    """Where it came from."""
    licence: str
    """Of its publisher; empty for an own file."""
    kinds: list[str]
    """Feature networks that it fits."""
    fresh: bool
    """Whether it was not here before."""


def fetch(
    name: str,
    *,
    file: StrPath | None = None,
    progress: Progress | None = None,
    home: Home | None = None,
) -> Fetched:
    """Bring a file of feature weights or metric parameters into the store.

    Args:
        name: Of a published file; with `file` any other name, for a file of one's own.
        file: A local copy, in place of a download; checked against the published hash as well.
        progress: Told how much has come.
        home: Store and local folder; None takes what the environment says.

    Raises:
        RecipeErrors: If the name is unknown, or the local file is not what the name says.
        FetchFailed: If the download fails, or brings something else.
        StorageError: If it cannot be stored.
    """
    home = home or open_home()
    row = PUBLISHED.get(name)
    if row is None and (file is None or _NAME.fullmatch(name) is None or name in NETWORKS):
        known = ", ".join(PUBLISHED)
        way_out = f"Published files: {known}. For your own file add --from FILE and a new name."
        raise refuse("NAME", name, "no published file has this name", way_out)
    if file is not None:
        return _take(name, row, Path(file), home)
    assert row is not None  # refused above
    known_ref = get_ref(home.store, FEATURES, name)
    if known_ref is not None and has_blob(home.store, str(known_ref["blob"])):
        return _fetched(name, known_ref, row, fresh=False)
    home.local.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.local, prefix="fetch-") as scratch:
        path = Path(scratch) / "file"
        _download(name, row, path, progress)
        return _store(name, row, path, row.address, home)


def fit(name: str, folder: StrPath, *, home: Home | None = None) -> Fetched:
    """Fit the metric niqe's parameters to one's own pristine photographs, and store them.

    Args:
        name: Of the file: recipes say `{kind: niqe, file: NAME}`.
        folder: Of photographs, all of which are taken.
        home: Store and local folder; None takes what the environment says.

    Raises:
        RecipeErrors: If the name is a published file's, or the photographs cannot be used.
        StorageError: If it cannot be stored.
    """
    home = home or open_home()
    if name in PUBLISHED or _NAME.fullmatch(name) is None:
        rule = "parameters of your own have a name of their own"
        raise refuse("NAME", name, rule, "Choose another, of letters, digits and dashes.")
    files = pictures_in(Path(folder))
    if not files:
        raise refuse("--fit", str(folder), "there are no pictures here", "Name a folder of them.")
    try:
        data = fit_niqe(decode_picture(file, min_side=1).pixels for file in files)
    except (PictureError, PictureUnreadable) as error:
        rule, _, way_out = str(error).partition(". ")
        raise refuse("--fit", str(folder), rule, way_out or "Leave it out.") from None
    source = f"fitted to {len(files)} photographs"
    fresh, blob = get_ref(home.store, FEATURES, name) is None, put_blob(home.store, data)
    ref = {"blob": blob, "sha256": blob, "source": source, "licence": ""}
    set_ref(home.store, FEATURES, name, ref)
    return _fetched(name, ref, None, fresh=fresh, kinds=[])


def shelf(*, home: Home | None = None) -> list[dict[str, Any]]:
    """Return every published file, then the own ones, and which of them are in the store."""
    store = (home or open_home()).store
    here = {name: get_ref(store, FEATURES, name) or {} for name in list_refs(store, FEATURES)}
    rows: list[dict[str, Any]] = [
        {
            "name": name,
            "here": name in here,
            "sha256": row.sha256,
            "vouched": row.vouched,
            "size": row.size,
            "licence": row.licence,
            "source": row.address,
            "purpose": row.purpose,
        }
        for name, row in PUBLISHED.items()
    ]
    for name, ref in here.items():
        if name not in PUBLISHED:
            fixed = {"here": True, "vouched": "", "size": None, "purpose": _OWN}
            told = {key: ref.get(key, "") for key in ("sha256", "licence", "source")}
            rows.append({"name": name, **fixed, **told})
    return rows


def _take(name: str, row: Published | None, path: Path, home: Home) -> Fetched:
    """Store a local file after comparing it with what is published, or with what the name means."""
    if not path.is_file():
        raise refuse("--from", str(path), "there is no such file", "Name the file.")
    sha, known = file_sha256(path), get_ref(home.store, FEATURES, name)
    if row is not None and sha != row.sha256:
        rule = f"its SHA-256 is {sha}, the published {name} has {row.sha256} ({row.vouched})"
        way_out = f"Copy it again from {row.address}, or give your own file a name of its own."
        raise refuse("--from", str(path), rule, way_out)
    if row is None and known is not None and known["sha256"] != sha:
        rule = f"{name} is another file already, of SHA-256 {known['sha256']}"
        raise refuse("NAME", name, rule, "Choose another name; recipes may use that one.")
    return _store(name, row, path, row.address if row else _OWN, home)


def _store(name: str, row: Published | None, path: Path, source: str, home: Home) -> Fetched:
    if row is None or row.features is not None:
        _require_network(name, row, path)
    fresh = get_ref(home.store, FEATURES, name) is None
    blob = put_blob_file(home.store, path)
    licence = row.licence if row is not None else ""
    ref = {"blob": blob, "sha256": blob, "source": source, "licence": licence}
    set_ref(home.store, FEATURES, name, ref)
    kinds = _fitting(path.read_bytes()) if row is None else None
    return _fetched(name, ref, row, fresh=fresh, kinds=kinds)


def _fetched(
    name: str,
    ref: dict[str, Any],
    row: Published | None,
    *,
    fresh: bool,
    kinds: list[str] | None = None,
) -> Fetched:
    if kinds is None:
        kinds = [row.features] if row is not None and row.features is not None else []
    return Fetched(name, ref["sha256"], ref["source"], ref["licence"], kinds, fresh)


def _require_network(name: str, row: Published | None, path: Path) -> None:
    """Refuse a file from which no feature network can be built."""
    data = path.read_bytes()
    if row is None:
        if not _fitting(data):
            rule = f"no feature network can be built from it (tried: {', '.join(_with_files())})"
            way_out = "It has to hold the weights of a VGG in one of the published layouts."
            raise refuse("--from", str(path), rule, way_out)
        return
    try:
        build_features(row.features, layers=feature_layers(row.features)[-1:], weights=data)
    except ImportRefused as error:
        text = str(error).rstrip(".").replace("This file", "the file that came")
        raise FetchFailed(f"fetch {name}: {text}. Nothing was stored.") from None


def _with_files() -> list[str]:
    """Return the kinds of feature network that take any file of their layout."""
    return [kind for kind in NETWORKS if "file" in NETWORKS.schema(kind).model_fields]


def _fitting(data: bytes) -> list[str]:
    """Return the kinds of feature network whose file this may be, as far down as it goes."""
    return [kind for kind in _with_files() if fits(kind, data)]


def fits(spec: Any, data: bytes) -> bool:
    """Say whether a feature network, at least its first layer, can be built from a file."""
    try:
        build_features(spec, layers=feature_layers(spec)[:1], weights=data)
    except ImportRefused:
        return False
    return True


def _download(name: str, row: Published, path: Path, progress: Progress | None) -> None:
    """Write what the address gives to a file; refuse all that is not the published file."""
    try:
        with urllib.request.urlopen(row.address, timeout=_PATIENCE) as answer, path.open("wb") as f:
            while chunk := answer.read(_CHUNK):
                f.write(chunk)
                if progress is not None:
                    progress(f.tell(), row.size)
                if f.tell() > row.size:
                    break  # not the file: its hash will say so
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError) as error:
        raise FetchFailed(f"{row.address} did not come: {error}. {_way_out(name)}") from None
    except ConnectionError as error:
        raise FetchFailed(f"{row.address} broke off: {error}. {_way_out(name)}") from None
    sha = file_sha256(path)
    if sha != row.sha256:
        raise FetchFailed(
            f"what came from {row.address} has SHA-256 {sha}, the published {name} has "
            f"{row.sha256} ({row.vouched}); nothing was stored. {_way_out(name)}"
        )


def _way_out(name: str) -> str:
    return (
        "Try again, or bring the file from a machine with internet and run "
        f"`acutance fetch {name} --from FILE`"
    )
