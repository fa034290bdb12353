"""A state that a newer acutance saved is refused, never read as something else."""

import pytest
from tiny_trainings import Place, tiny_recipe, write_pictures

from acutance_storage import get_ref, list_refs, set_ref
from acutance_storage.errors import SchemaUnknown


def test_a_state_of_a_newer_version_is_refused_with_advice(tmp_path, monkeypatch):
    monkeypatch.setenv("ACUTANCE_LOCAL", str(tmp_path / "local"))
    place = Place(tmp_path, write_pictures(tmp_path / "pictures"))
    training = place.training(tiny_recipe())
    while training.step < 20:
        training.advance()
    training.close()
    names = list_refs(place.store, "stages")
    assert names
    for name in names:
        set_ref(place.store, "stages", name, {**get_ref(place.store, "stages", name), "schema": 99})
    with pytest.raises(SchemaUnknown, match=r"schema version 99.*Upgrade acutance"):
        place.training(tiny_recipe())
