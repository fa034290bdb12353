"""Addresses of S3 stores: ``s3://BUCKET/PREFIX?endpoint=URL&region=REGION``."""

import os
import re
from dataclasses import dataclass
from urllib.parse import parse_qs, quote, urlsplit

from acutance_storage.errors import KeyRefused, StorageError
from acutance_storage.keys import check_key

DEFAULT_REGION = "us-east-1"
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_SAFE_IN_QUERY = ":/"


@dataclass(frozen=True, kw_only=True)
class S3Address:
    """Where an S3 store is, without any secret.

    Args:
        bucket: Its bucket.
        prefix: What its keys begin with in the bucket, without slashes at its ends; may be empty.
        endpoint: URL of the service; None is Amazon's own.
        region: For signing.
    """

    bucket: str
    prefix: str
    endpoint: str | None
    region: str

    def __str__(self) -> str:
        place = f"s3://{self.bucket}" + (f"/{self.prefix}" if self.prefix else "")
        asked = {"endpoint": self.endpoint, "region": self.region}
        if self.region == DEFAULT_REGION:
            del asked["region"]
        query = [
            f"{name}={quote(said, safe=_SAFE_IN_QUERY)}" for name, said in asked.items() if said
        ]
        return place + ("?" + "&".join(query) if query else "")


def parse_s3_address(text: str, *, said_by: str = "ACUTANCE_STORE") -> S3Address:
    """Read an address; what it leaves out comes from the standard AWS variables.

    The endpoint comes from AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL, the region from AWS_REGION or
    AWS_DEFAULT_REGION, else it is us-east-1.

    Args:
        text: The address.
        said_by: Variable or option that it was given with, for messages.

    Raises:
        StorageError: If it cannot be one, or holds a secret.
    """
    parts, given = urlsplit(text), f"{said_by}={text!r}"
    query = parse_qs(parts.query, keep_blank_values=True)
    unknown = sorted(set(query) - {"endpoint", "region"})
    if "@" in parts.netloc or "@" in query.get("endpoint", [""])[0]:
        raise StorageError(
            f"a store's address holds no credentials: give s3://{parts.hostname or 'BUCKET'}/… and "
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile"
        )
    if unknown or parts.fragment:
        raise _refused(given, f"unknown {', '.join(unknown) or '#' + parts.fragment}")
    if not _BUCKET.fullmatch(parts.netloc):
        raise _refused(given, f"{parts.netloc!r} cannot name a bucket (3 to 63 of a-z 0-9 . -)")
    prefix = parts.path.strip("/")
    try:
        if prefix:
            check_key(prefix)
    except KeyRefused as error:
        raise _refused(given, str(error)) from None
    return S3Address(
        bucket=parts.netloc,
        prefix=prefix,
        endpoint=_endpoint(given, query.get("endpoint", [""])[0]),
        region=query.get("region", [""])[0]
        or _said("AWS_REGION", "AWS_DEFAULT_REGION")
        or DEFAULT_REGION,
    )


def _endpoint(said: str, asked: str) -> str | None:
    url = asked or _said("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
    if not url:
        return None
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise _refused(said, f"the endpoint {url!r} is no http:// or https:// URL of a host")
    return url.rstrip("/")


def _said(*names: str) -> str:
    return next((os.environ[name] for name in names if os.environ.get(name)), "")


def _refused(said: str, why: str) -> StorageError:
    return StorageError(
        f"{said}: {why}. Give a folder, or s3://BUCKET/PREFIX with "
        "?endpoint=URL where the service is not Amazon's"
    )
