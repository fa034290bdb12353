from pathlib import Path

import pytest

from acutance_storage.blobs import BlobStore, open_store
from acutance_storage.folder import FolderStore
from acutance_storage.testing import BlobStoreContract


class TestFolderStore(BlobStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> BlobStore:
        return FolderStore(root=tmp_path / "store")


class TestOpenedByAddress(BlobStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BlobStore:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("ACUTANCE_STORE", "relative/store")
        return open_store()
