import dataclasses
from pathlib import Path

import pytest

from acutance_storage import BlobStore, open_store
from acutance_storage.folder import FolderStore


@pytest.fixture(params=["folder", "moto", "swift"])
def every_store(request, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, _services) -> BlobStore:
    """An empty store of each kind in turn."""
    monkeypatch.setenv("ACUTANCE_LOCAL", str(tmp_path / "local"))
    if request.param == "folder":
        return FolderStore(root=tmp_path / "store")
    service = _services(request.param)
    for name, value in service.variables.items():
        monkeypatch.setenv(name, value)
    # A service on loopback answers at once.
    return dataclasses.replace(open_store(service.address()), settle=1.0)
