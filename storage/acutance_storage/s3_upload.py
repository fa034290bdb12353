"""Sending one thing to S3: in one request, or in parts side by side. What arrived is compared."""

import base64
import hashlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from acutance_storage.errors import BlobCorrupt
from acutance_storage.parallel import spread
from acutance_storage.retrying import Fault
from acutance_storage.s3 import Wire

PART = 16 * 1024 * 1024
"""Bytes of one request; larger things are sent and fetched in parts, side by side."""
_SENDERS, _AHEAD = 5, 2  # parts on their way, and more in memory: a slow one holds up no other
_MOST_PARTS = 10_000
_NO_CONDITIONS = {"NotImplemented", "501"}
_KEPT_SECRET = {"aws:kms", "aws:kms:dsse"}  # with these an ETag is no MD5

Piece = Callable[[int, int], bytes]


def put(wire: Wire, name: str, body: bytes, metadata: dict[str, str], **arguments: Any) -> None:
    """Send an object in one request.

    Raises:
        Fault: If it did not arrive, or not as it was sent.
    """
    md5 = hashlib.md5(body, usedforsecurity=False)
    answer = wire.call(
        "put_object",
        Key=name,
        Body=body,
        ContentMD5=base64.b64encode(md5.digest()).decode(),
        Metadata=metadata,
        **arguments,
    )
    _compare(answer, md5.hexdigest())


def put_new(wire: Wire, name: str, body: bytes, metadata: dict[str, str]) -> None:
    """Send an object that must be new, as far as the service can tell; raises as `put` does."""
    try:
        put(wire, name, body, metadata, IfNoneMatch="*")
    except Fault as fault:
        if fault.code not in _NO_CONDITIONS:
            raise
        put(wire, name, body, metadata)


def put_parts(
    wire: Wire,
    name: str,
    size: int,
    piece: Piece,
    sha256: str,
    patiently: Callable[[Callable[[], Any]], Any],
) -> None:
    """Send a large object in parts.

    Args:
        wire: To the bucket.
        name: Of the object.
        size: Bytes.
        piece: Returns the bytes from a start up to an end.
        sha256: Of the content; what is sent is compared.
        patiently: Repeats an attempt that raises `Fault` while that may help.

    Raises:
        StorageError: If it did not arrive, as `patiently` says.
        BlobCorrupt: If the content is not what `sha256` says: it changed meanwhile.
    """
    length = max(PART, -(-size // _MOST_PARTS))
    begun = patiently(
        lambda: wire.call("create_multipart_upload", Key=name, Metadata={"sha256": sha256})
    )
    upload, digest = {"Key": name, "UploadId": begun["UploadId"]}, hashlib.sha256()

    def numbered() -> Iterator[tuple[int, bytes]]:
        for number, start in enumerate(range(0, size, length), start=1):
            body = piece(start, min(start + length, size))
            digest.update(body)
            yield number, body

    def send(part: tuple[int, bytes]) -> dict[str, Any]:
        etag = patiently(lambda: _put_part(wire, upload, *part))
        return {"ETag": etag, "PartNumber": part[0]}

    try:
        parts = list(spread(send, numbered(), workers=_SENDERS, ahead=_AHEAD))
        if digest.hexdigest() != sha256:
            raise BlobCorrupt(f"{name}: its content changed while it was sent; nothing was stored")
        patiently(lambda: _complete(wire, upload, parts, sha256))
    except BaseException:
        with suppress(Fault):  # what stays is cleared away by `acutance gc`
            wire.call("abort_multipart_upload", **upload)
        raise


def abandoned(wire: Wire, prefix: str, before: float, delete: bool) -> int:
    """Count the uploads below a prefix that began before a time and never ended; delete if asked.

    Raises:
        Fault: If they cannot be listed or deleted.
    """
    found, after = 0, dict[str, str]()
    while True:
        answer = wire.call("list_multipart_uploads", Prefix=prefix, **after)
        for upload in answer.get("Uploads", ()):
            if upload["Initiated"].timestamp() < before:
                found += 1
                if delete:
                    wire.call(
                        "abort_multipart_upload", Key=upload["Key"], UploadId=upload["UploadId"]
                    )
        if not answer.get("IsTruncated"):
            return found
        after = {
            "KeyMarker": answer["NextKeyMarker"],
            "UploadIdMarker": answer["NextUploadIdMarker"],
        }


def _put_part(wire: Wire, upload: dict[str, Any], number: int, body: bytes) -> str:
    md5 = hashlib.md5(body, usedforsecurity=False)
    signed = base64.b64encode(md5.digest()).decode()
    answer = wire.call("upload_part", PartNumber=number, Body=body, ContentMD5=signed, **upload)
    _compare(answer, md5.hexdigest())
    return str(answer["ETag"])


def _complete(wire: Wire, upload: dict[str, Any], parts: list[dict[str, Any]], sha256: str) -> None:
    try:
        wire.call("complete_multipart_upload", MultipartUpload={"Parts": parts}, **upload)
    except Fault:
        # An answer that was lost looks like an upload that is gone: look at what is there.
        with suppress(Fault):
            head = wire.call("head_object", Key=upload["Key"])
            if head.get("Metadata", {}).get("sha256") == sha256:
                return
        raise


def _compare(answer: dict[str, Any], md5: str) -> None:
    """Check what the service says it has; not every one of them looks at Content-MD5."""
    etag = str(answer.get("ETag", "")).strip('"')
    secret = answer.get("ServerSideEncryption") in _KEPT_SECRET or "SSECustomerAlgorithm" in answer
    if etag != md5 and not secret:
        raise Fault("BadDigest", f"what arrived has MD5 {etag or 'unknown'}, not {md5}", again=True)
