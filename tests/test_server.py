"""What the server's process is set up to do, on sockets of our own."""

import socket
from pathlib import Path

import pytest

from ui import server


@pytest.mark.skipif(not Path("/dev/fd").is_dir(), reason="this system has no /dev/fd")
def test_who_connects_is_sent_small_messages_at_once():
    # As Streamlit's: without a protocol by name, which asyncio passes over.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        server._send_at_once()

        with (
            socket.create_connection(listener.getsockname()) as client,
            listener.accept()[0] as accepted,
        ):
            option = socket.IPPROTO_TCP, socket.TCP_NODELAY
            assert accepted.getsockopt(*option)
            client.sendall(b"x")  # and both are as usable as they were
            assert accepted.recv(1) == b"x"
