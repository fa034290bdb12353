import dataclasses
from pathlib import Path

import pytest

from acutance_storage.blobs import BlobStore, open_store
from acutance_storage.folder import FolderStore
from acutance_storage.s3_store import S3Store
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


@pytest.mark.parametrize("service", ["moto", "swift"], indirect=True)
class TestS3Store(BlobStoreContract):
    @pytest.fixture
    def store(self, service, tmp_path: Path) -> BlobStore:
        store = open_store(service.address(), local=tmp_path / "local")
        assert isinstance(store, S3Store)
        return dataclasses.replace(store, settle=1.0)  # a service on loopback answers at once
