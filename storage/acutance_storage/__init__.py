"""Bytes: blob stores, content addressing, image datasets, journals.

Further errors are in `errors`, the contract of a store in `testing`, the rules for splits and
pairs in `splits` and `pairs`, and what becomes of odd pictures in `decode`.
"""

from acutance_storage.blobs import BlobStore, local_folder, open_store
from acutance_storage.contents import (
    blob_path,
    delete_blob,
    get_blob,
    has_blob,
    put_blob,
    put_blob_file,
)
from acutance_storage.dataset import (
    DatasetSummary,
    ImageDataset,
    list_datasets,
    open_dataset,
)
from acutance_storage.decode import decode_picture
from acutance_storage.errors import (
    BlobCorrupt,
    DatasetError,
    KeyMissing,
    StorageError,
    check_schema,
)
from acutance_storage.folder import file_sha256
from acutance_storage.garbage import Blob, reachable, unreachable
from acutance_storage.images import Pictures, open_pictures, write_pictures
from acutance_storage.ingest import AddReport, add_dataset
from acutance_storage.integrity import Damage, Verified, verify_store
from acutance_storage.journal import Journal
from acutance_storage.maps import read_map, shares
from acutance_storage.node_cache import NodeCache
from acutance_storage.png import PngWriter
from acutance_storage.records import Addition, Picture
from acutance_storage.refs import delete_ref, get_ref, list_refs, set_ref
from acutance_storage.rules import Rules
from acutance_storage.statistics import Statistics
from acutance_storage.tiff import TiffWriter
from acutance_storage.verifying import pull_dataset, verify_dataset

__all__ = [
    "AddReport",
    "Addition",
    "Blob",
    "BlobCorrupt",
    "BlobStore",
    "Damage",
    "DatasetError",
    "DatasetSummary",
    "ImageDataset",
    "Journal",
    "KeyMissing",
    "NodeCache",
    "Picture",
    "Pictures",
    "PngWriter",
    "Rules",
    "Statistics",
    "StorageError",
    "TiffWriter",
    "Verified",
    "add_dataset",
    "blob_path",
    "check_schema",
    "decode_picture",
    "delete_blob",
    "delete_ref",
    "file_sha256",
    "get_blob",
    "get_ref",
    "has_blob",
    "list_datasets",
    "list_refs",
    "local_folder",
    "open_dataset",
    "open_pictures",
    "open_store",
    "pull_dataset",
    "put_blob",
    "put_blob_file",
    "reachable",
    "read_map",
    "set_ref",
    "shares",
    "unreachable",
    "verify_dataset",
    "verify_store",
    "write_pictures",
]
