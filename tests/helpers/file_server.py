"""A web server on loopback that gives bytes, breaks off, or says no."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Files(BaseHTTPRequestHandler):
    def do_GET(self):
        data = self.server.files.get(self.path)
        self.server.asked.append(self.path)
        if data is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if self.path.endswith(".cut") else data)

    def log_message(self, *arguments):
        """Say nothing."""


@contextmanager
def serving(**files):
    """Give (address, paths asked for) of a server of these files; one named `X_cut` breaks off."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Files)
    server.files = {f"/{name.replace('_cut', '.cut')}": data for name, data in files.items()}
    server.asked = []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", server.asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
