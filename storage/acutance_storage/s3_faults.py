"""What a failed request to S3 means to a person, and what to do about it."""

from acutance_storage.errors import KeyMissing, StorageError, StoreFull, StoreUnreachable
from acutance_storage.retrying import Fault
from acutance_storage.s3_address import S3Address

MISSING = {"404", "NoSuchKey", "NotFound"}
"""Codes of an object that is not there; a HEAD has the bare number."""

_FULL = {"QuotaExceeded", "EntityTooLarge", "InsufficientStorage", "XMinioStorageFull"}
_SECRET = {"SignatureDoesNotMatch", "InvalidAccessKeyId", "InvalidSecurity"}
_OLD = {"ExpiredToken", "InvalidToken", "TokenRefreshRequired", "RequestExpired"}
_SKEWED = {"RequestTimeTooSkewed"}
_ELSEWHERE = {"PermanentRedirect", "AuthorizationHeaderMalformed", "301", "TemporaryRedirect"}
_DENIED = {"AccessDenied", "AllAccessDisabled", "AccountProblem", "403", "401", "Forbidden"}


def explained(fault: Fault, place: S3Address, key: str) -> StorageError:
    """Return the error of this package that says what `fault` means for `key` of a store."""
    if fault.code in MISSING:
        return KeyMissing(key, str(place))
    if fault.code in _FULL or fault.status == 507:
        return StoreFull(
            f"{place} takes no more ({fault}); nothing half-written was kept. Raise its quota, or "
            "free some space with `acutance gc`"
        )
    return StoreUnreachable(f"{place}: {_advice(fault, place)} (told: {fault})")


def _advice(fault: Fault, place: S3Address) -> str:
    code, service = fault.code, place.endpoint or f"Amazon S3 in {place.region}"
    if code == "NoSuchBucket":
        return f"there is no bucket {place.bucket!r}. Make it, or mend its address"
    if code == "NoCredentials":
        return (
            "no credentials were found. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
            "AWS_PROFILE, on every node"
        )
    if code in _SKEWED:
        return (
            "this machine's clock and the service's are too far apart. Set the clock (NTP) of the "
            "one that is wrong"
        )
    if code in _SECRET:
        return (
            "the service does not accept the access key and secret. Mend AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY"
        )
    if code in _OLD:
        return "the session has expired. Get new credentials, and set AWS_SESSION_TOKEN too"
    if code in _DENIED:
        return (
            f"access is denied. The key in AWS_ACCESS_KEY_ID needs to list, read, write and delete "
            f"in bucket {place.bucket!r}"
        )
    if code in _ELSEWHERE:
        return f"the bucket is in another region than {place.region}. Mend AWS_REGION"
    if code == "Tls":
        return (
            f"no secure connection to {service}. Name its authority's certificate in "
            "AWS_CA_BUNDLE, or mend http:// or https:// of the endpoint"
        )
    if code == "Unreachable":
        return f"no answer from {service}. Mend the endpoint, or start the service and go on"
    if fault.again:
        return f"{service} failed again and again until the time was over. Go on later"
    return f"{service} refused this. Is it an S3 service, and is the address right?"
