"""Whether a Ray head may answer at an address, asked before Ray knocks there for minutes."""

import os
import socket

from acutance_platform.sweep.errors import SweepError

_SECONDS_TO_ANSWER = 10.0
_NAMES = ("auto", "local")
"""What Ray itself finds an address for."""
_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
"""How a client of HTTP/2, which gRPC speaks, begins: a fixed line, then no settings (RFC 9113)."""
_SETTINGS = 4
"""Type of the frame with which every server of HTTP/2 begins; the fourth byte says it."""

TOKEN = (
    "Give this process the cluster's token: RAY_AUTH_MODE=token and RAY_AUTH_TOKEN_PATH=FILE, the "
    "same file on every node."
)
NO_TOKEN = "RAY_AUTH_MODE asks for a token of Ray's, and this process has none"


def require_answer(address: str) -> None:
    """Refuse an address at which there is no Ray head for certain.

    Raises:
        SweepError: If it is no address of a head, nobody listens there, or somebody else does.
    """
    if address in _NAMES:
        return
    if address.startswith("ray://"):
        raise SweepError(
            f"address {address}: a sweep needs a node of the cluster, not Ray's client. Run it "
            "there with the head's address (10.0.0.5:6379), or send it with `ray job submit`."
        )
    host, _, port = address.rpartition(":")
    if "://" in address or not host or not port.isdecimal():
        raise SweepError(
            f"address {address}: this is not HOST:PORT. Write the head's address as `ray start` "
            "printed it (10.0.0.5:6379), or `auto` on one of the cluster's nodes."
        )
    try:
        place = (host.strip("[]"), int(port))
        with socket.create_connection(place, timeout=_SECONDS_TO_ANSWER) as line:
            sound = _greets(line)
    except (OSError, OverflowError) as error:
        raise SweepError(
            f"address {address}: no Ray cluster answers there ({error}). Start it, mend the "
            "address, or leave it out (unset RAY_ADDRESS) to run on this machine."
        ) from None
    if not sound:
        raise SweepError(
            f"address {address}: what listens there is no Ray head. Its port is 6379 unless `ray "
            "start --port` said another; 8265 is its dashboard's."
        )


def _greets(line: socket.socket) -> bool:
    """Say whether somebody speaks HTTP/2, or may do so behind TLS."""
    if os.environ.get("RAY_USE_TLS", "0") not in ("", "0"):
        return True
    line.sendall(_GREETING)
    said = line.recv(_SETTINGS, socket.MSG_WAITALL)
    return len(said) == _SETTINGS and said[-1] == _SETTINGS
