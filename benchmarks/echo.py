"""`python -m benchmarks.echo PORT`: sends every datagram back. What the generator reaches with it, it can ask of any
server; it is not what holds a slower one back."""

import socket
import sys


def main() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as echo:
        echo.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 2**20)
        echo.bind(("127.0.0.1", int(sys.argv[1])))
        buffer = bytearray(4096)
        while True:
            length, sender = echo.recvfrom_into(buffer)
            echo.sendto(memoryview(buffer)[:length], sender)


if __name__ == "__main__":
    main()
