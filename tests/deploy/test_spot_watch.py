"""The watcher of spot notices, against a pretence of Amazon's metadata service."""

import os
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from deploy_yaml import DEPLOY, read

WATCHER = DEPLOY / "docker" / "spot-watch.sh"


class Metadata(BaseHTTPRequestHandler):
    """No notice at the first question, one at the second; both only with a token (IMDSv2)."""

    asked: list[str]

    def do_PUT(self):
        assert self.headers["X-aws-ec2-metadata-token-ttl-seconds"]
        self.answer(200, b"a-token")

    def do_GET(self):
        self.asked.append(self.path)
        allowed = self.headers["X-aws-ec2-metadata-token"] == "a-token"
        self.answer(200 if allowed and len(self.asked) > 1 else 404, b"{}")

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def service():
    handler = type("Handler", (Metadata,), {"asked": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", handler.asked
        server.shutdown()
        thread.join()


@pytest.mark.skipif(
    shutil.which("wget") is None, reason="no wget on this machine; the image has it"
)
def test_a_notice_drains_the_node_once(service, tmp_path):
    address, asked = service
    for name, script in (("acutance", 'echo "$@"'), ("sleep", "true")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "no_proxy": "127.0.0.1"}
    done = subprocess.run(
        [WATCHER, address], capture_output=True, text=True, timeout=60, env=environment
    )
    assert done.stdout == "drain --within 100\n", done.stderr
    assert asked == ["/latest/meta-data/spot/instance-action"] * 2


def test_every_worker_of_aws_watches():
    commands = read(DEPLOY / "ray" / "aws.yaml")["worker_start_ray_commands"]
    assert sum("spot-watch" in command for command in commands) == 1
    copied = "COPY deploy/docker/spot-watch.sh /usr/local/bin/spot-watch"
    assert copied in (DEPLOY / "docker" / "Dockerfile").read_text()
    assert os.access(WATCHER, os.X_OK)
