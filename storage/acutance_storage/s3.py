"""The one place that speaks to S3 through boto3: single attempts, whose failures are `Fault`.

Retries are not botocore's: `retrying` has full jitter and one deadline for all of them.
"""

import functools
import os
import threading
from dataclasses import dataclass
from typing import Any, final

import boto3
import urllib3
from botocore import exceptions as aws
from botocore.config import Config
from botocore.parsers import ResponseParserError

from acutance_storage.retrying import Fault
from acutance_storage.s3_address import S3Address

CONNECTIONS = 32
"""Connections that one process keeps open to one endpoint."""

_AGAIN = {
    "BadDigest",
    "ConditionalRequestConflict",
    "IncompleteBody",
    "InternalError",
    "OperationAborted",
    "RequestLimitExceeded",
    "RequestTimeout",
    "RequestTimeoutException",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequests",
    "XAmzContentChecksumMismatch",
    "XAmzContentSHA256Mismatch",
}
_NOBODY = (
    aws.NoCredentialsError,
    aws.PartialCredentialsError,
    aws.CredentialRetrievalError,
    aws.ProfileNotFound,
    aws.TokenRetrievalError,
    aws.SSOError,
)
_ON_THE_WAY = (
    aws.HTTPClientError,
    aws.ConnectionError,
    aws.IncompleteReadError,
    aws.FlexibleChecksumError,
    aws.ChecksumError,
    ResponseParserError,
    urllib3.exceptions.HTTPError,
    OSError,
)
# What more attempts cannot mend: the other side has a certificate nobody vouches for, or speaks
# no TLS at all.
_NO_TRUST = ("CERTIFICATE_VERIFY_FAILED", "WRONG_VERSION_NUMBER", "HOSTNAME", "UNKNOWN_PROTOCOL")
_VARIABLES = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_PROFILE",
    "AWS_CA_BUNDLE",
)


@dataclass(frozen=True)
class Body:
    """What one GET gave."""

    data: bytearray
    """The bytes that were asked for."""
    total: int
    """Bytes of the whole object."""
    etag: str
    """Changes with the content."""
    metadata: dict[str, str]
    """What was noted when it was written."""


@final
@dataclass(frozen=True)
class Wire:
    """Single requests to one bucket.

    It holds no credentials and can be pickled; each process makes its own client.

    Args:
        place: Bucket, endpoint and region.
        timeout: Seconds of silence after which an attempt has failed.
    """

    place: S3Address
    timeout: float

    def open(self) -> None:
        """Make this process's client, which takes a while, if it is not there."""
        self._client()

    def call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """Make one request and return its parsed answer.

        Args:
            operation: boto3's name of it, such as ``head_object``.
            **arguments: As boto3 takes them; the bucket is added.

        Raises:
            Fault: If it did not succeed.
        """
        try:
            answer: dict[str, Any] = getattr(self._client(), operation)(
                Bucket=self.place.bucket, **arguments
            )
        except Exception as error:
            raise _fault(error) from error
        return answer

    def get(self, **arguments: Any) -> Body:
        """Make one GET and read its body to the end.

        Raises:
            Fault: If it did not succeed, or the body is not as long as was said.
        """
        answer = self.call("get_object", **arguments)
        length, whole = int(answer["ContentLength"]), str(answer.get("ContentRange", ""))
        data, came, stream = bytearray(length), 0, answer["Body"]
        try:
            while came < length and (more := stream.readinto(memoryview(data)[came:])):
                came += more
            came += stream.readinto(bytearray(1))  # the end, so that the connection is used again
        except Exception as error:
            raise _fault(error) from error
        finally:
            stream.close()
        if came != length:
            raise Fault("Truncated", f"{came} bytes came of {length}", again=True)
        total = int(whole.rpartition("/")[2]) if whole else length
        return Body(data, total, str(answer.get("ETag", "")), dict(answer.get("Metadata", {})))

    def _client(self) -> Any:
        said = hash(tuple(os.environ.get(name) for name in _VARIABLES))
        with _lock:
            return _client(os.getpid(), said, self.place.endpoint, self.place.region, self.timeout)


_lock = threading.Lock()  # making a client is not safe in several threads, using it is


@functools.lru_cache(maxsize=8)
def _client(process: int, said: int, endpoint: str | None, region: str, timeout: float) -> Any:
    """Return this process's client: its connections do not survive a fork."""
    config = Config(
        connect_timeout=min(5.0, timeout),
        read_timeout=timeout,
        max_pool_connections=CONNECTIONS,
        retries={"total_max_attempts": 1},
        # Many S3-compatible servers know path style alone. What is sent carries Content-MD5, which
        # all of them check; what is read is checked against its SHA-256.
        # The signature covers that MD5, so a SHA-256 of each part would say nothing more.
        s3={
            "addressing_style": "path" if endpoint else "auto",
            "payload_signing_enabled": False,
        },
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    session = boto3.session.Session()
    return session.client("s3", endpoint_url=endpoint, region_name=region, config=config)


def _fault(error: Exception) -> Fault:
    """Return what went wrong, in the words of `Fault`."""
    if isinstance(error, aws.ClientError):
        said = error.response.get("Error", {})
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        code, text = str(said.get("Code") or status), str(said.get("Message") or "no reason given")
        again = code in _AGAIN or status in (429, 500, 502, 503, 504)
        return Fault(code, text, status=status, again=again)
    text = " ".join(str(error).split())
    if isinstance(error, _NOBODY):
        return Fault("NoCredentials", text)
    if isinstance(error, aws.SSLError):
        return Fault("Tls", text, again=not any(sign in text.upper() for sign in _NO_TRUST))
    if isinstance(error, _ON_THE_WAY):
        return Fault("Unreachable", text, again=True)
    if isinstance(error, aws.BotoCoreError | ValueError):
        return Fault("Refused", text)
    raise error
