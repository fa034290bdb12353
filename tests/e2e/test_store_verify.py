"""`acutance store verify`, as people call it."""

from calling import photographs, refused

from acutance_storage import open_store, put_blob, set_ref


def test_a_sound_store(place, acutance):
    assert acutance("data", "add", "photos", place / "photos").code == 0
    done = acutance("store", "verify")
    assert (done.code, done.err) == (0, "")
    assert "the store is sound" in done.out
    assert list(acutance("store", "verify", "--json").json) == [
        "blobs",
        "bytes",
        "documents",
        "torn",
        "damage",
    ]


def test_damage_is_named_with_what_needs_it_and_repaired_from_a_copy(place, acutance):
    store, backup = open_store(), open_store(place / "backup")
    sha = put_blob(store, b"weights")
    put_blob(backup, b"weights")
    key = f"blobs/{sha[:2]}/{sha}"
    set_ref(store, "models", "mine", {"blob": sha})
    store.write(key, b"wEights")
    done = acutance("store", "verify")
    assert done.code == 1
    assert f"damaged  {key}: its bytes have changed; needed by refs/models/mine.json" in done.out
    assert "--repair mends what has a copy" in done.err
    found = acutance("store", "verify", "--json")
    assert found.code == 1
    (damage,) = found.json["damage"]
    assert damage == {
        "key": key,
        "problem": "its bytes have changed",
        "needed_by": ["refs/models/mine.json"],
        "repaired_from": "",
    }
    done = acutance("store", "verify", "--repair", "--from", place / "backup")
    assert done.code == 0
    assert f"repaired {key}" in done.out
    assert str(place / "backup") in done.out
    assert acutance("store", "verify").code == 0


def test_a_store_that_cannot_be(place, acutance, monkeypatch):
    refused(acutance("store", "verify", "--from", "ftp://x"), "there are no ftp:// stores")
    monkeypatch.setenv("ACUTANCE_STORE", "s3://key:hidden@bucket/x")
    called = acutance("data", "add", "photos", photographs(place / "more", 1))
    refused(called, "holds no credentials")
    assert "hidden" not in called.err
