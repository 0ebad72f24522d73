"""Free ports on loopback, outside the range the kernel hands to outgoing connections."""

import os
import random
import socket

_FIRST, _LAST = 15000, 32000
_random = random.Random(os.getpid())  # parallel suites start their search at different places


def _is_free(port):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT is free enough for a listener
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port_range(count):
    """The first of `count` consecutive free ports."""
    for _ in range(1000):
        first = _random.randrange(_FIRST, _LAST - count)
        if all(_is_free(first + offset) for offset in range(count)):
            return first
    raise RuntimeError(f"no {count} consecutive free ports between {_FIRST} and {_LAST}")


def free_port():
    return free_port_range(1)
