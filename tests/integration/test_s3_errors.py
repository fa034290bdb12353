"""What is wrong with an object store or its address is said in one clear line, and soon."""

import datetime
import ipaddress
import socket
import ssl
import threading
import time

import botocore.auth
import pytest
from botocore.compat import get_current_datetime
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from object_stores import BUCKET, free_ports

from acutance_storage import StorageError, open_store
from acutance_storage.errors import KeyMissing, StoreUnreachable


def refused(store, *said):
    """Assert that nothing works, each time with the same clear words and no secret."""
    for use in (
        lambda: store.read("a"),
        lambda: store.write("a", b"x"),
        lambda: store.exists("a"),
        lambda: store.list(""),
        lambda: store.stat("a"),
    ):
        with pytest.raises(StoreUnreachable) as caught:
            use()
        text = str(caught.value)
        for words in said:
            assert words in text
        assert "acutance-secret" not in text
        assert "wrong-secret" not in text


def test_no_such_bucket(service):
    store = open_store(f"s3://not-there?endpoint={service.endpoint}")
    refused(store, "there is no bucket 'not-there'", "Make it, or mend its address")


def test_a_wrong_secret(service, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong-secret")
    refused(open_store(service.address()), "does not accept", "AWS_SECRET_ACCESS_KEY")


def test_a_key_that_nobody_knows(service, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "acutance:nobody")
    refused(open_store(service.address()), "AWS_ACCESS_KEY_ID")


def test_no_credentials(service, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    refused(open_store(service.address()), "no credentials were found", "on every node")


def test_a_clock_that_is_wrong(service, monkeypatch):
    hour = datetime.timedelta(hours=1)

    def late(*arguments, **options):
        return get_current_datetime(*arguments, **options) - hour

    monkeypatch.setattr(botocore.auth, "get_current_datetime", late)
    refused(open_store(service.address()), "clock", "NTP")


def test_nobody_listens_there(monkeypatch, tmp_path):
    monkeypatch.setattr("acutance_storage.s3_store._FIRST_CONTACT", 0.5)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong-secret")
    began = time.monotonic()
    endpoint = f"http://127.0.0.1:{free_ports(1)}"
    refused(open_store(f"s3://{BUCKET}?endpoint={endpoint}"), f"no answer from {endpoint}")
    assert time.monotonic() - began < 30


def test_a_service_without_tls_behind_https(service):
    endpoint = service.endpoint.replace("http:", "https:")
    store = open_store(f"s3://{BUCKET}/x?endpoint={endpoint}")
    refused(store, "no secure connection", "http:// or https://")


def test_a_certificate_that_nobody_vouches_for(service, tmp_path):
    with tls_server(tmp_path) as port:
        store = open_store(f"s3://{BUCKET}/x?endpoint=https://127.0.0.1:{port}")
        refused(store, "no secure connection", "AWS_CA_BUNDLE", "CERTIFICATE_VERIFY_FAILED")


def test_a_missing_key_in_a_good_bucket_is_only_missing(service):
    store = open_store(service.address())
    with pytest.raises(KeyMissing):
        store.read("a")
    assert not store.exists("a")


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("s3://", "cannot name a bucket"),
        ("s3://x/y", "cannot name a bucket"),
        ("s3://UPPER/y", "cannot name a bucket"),
        ("s3://key:secret@bucket/y", "holds no credentials"),
        ("s3://bucket/y?endpoint=http://key:secret@host", "holds no credentials"),
        ("s3://bucket/y?endpoint=host:80", "no http:// or https:// URL"),
        ("s3://bucket/a b", "cannot be a key"),
        ("s3://bucket/y?secret=x", "unknown secret"),
    ],
)
def test_addresses_that_cannot_be(address, said):
    with pytest.raises(StorageError, match=said) as caught:
        open_store(address)
    assert "key:secret" not in str(caught.value)


def test_an_address_is_completed_from_the_environment(monkeypatch):
    for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    assert open_store("s3://bucket/a/b/").address == "s3://bucket/a/b"
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://general:1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    said = open_store("s3://bucket").address
    assert said == "s3://bucket?endpoint=http://general:1&region=eu-central-1"
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://special:1/")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    assert open_store("s3://bucket").address == "s3://bucket?endpoint=http://special:1"
    # What another node is told means the same there, whatever its environment says.
    assert open_store(said).address == said
    own = open_store("s3://bucket?endpoint=https://own")
    assert own.address == "s3://bucket?endpoint=https://own"


class tls_server:  # a context manager, named as one
    """A server whose certificate only it believes in."""

    def __init__(self, folder):
        key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
        now = datetime.datetime.now(datetime.UTC)
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        certificate = (
            x509.CertificateBuilder(name, name, key.public_key(), 1)
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([address]), critical=False)
            .sign(key, hashes.SHA256())
        )
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        file = folder / "own.pem"
        file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(file)

    def __enter__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self.serve, daemon=True).start()
        return self.socket.getsockname()[1]

    def __exit__(self, *_):
        self.socket.close()

    def serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            try:
                self.context.wrap_socket(connection, server_side=True).close()
            except OSError:
                connection.close()
