"""A cable that a test can really pull.

The browser runs in one network namespace, the site in another, and one veth pair is all that joins them. The
namespaces have no name: they live as long as something holds them, so a test run that dies leaves none behind.
"""

from __future__ import annotations

import ctypes
import os
import random
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EADDRINUSE

CLONE_NEWNET = 0x40000000
LINK = "cable0"
BROWSER_ADDRESS = "10.77.0.1"
SITE_ADDRESS = "10.77.0.2"
# Below those that systems give to outgoing connections, which would take a server's while it is restarted.
SERVER_PORTS = range(20000, 32768)

libc = ctypes.CDLL(None, use_errno=True)


def missing_for_network() -> str | None:
    """What keeps this machine from pulling a link, or None."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "a pulled link needs root"
    if shutil.which("ip") is None:
        return "a pulled link needs the command ip: install iproute2"
    return None


def checked(result: int, call: str) -> None:
    """Raise what errno says if a C call failed."""
    if result != 0:
        errno = ctypes.get_errno()
        raise OSError(errno, f"{call}: {os.strerror(errno)}")


def ip(*arguments: str) -> None:
    """Run iproute2's `ip` in the namespace this thread is in."""
    done = subprocess.run(["ip", *arguments], check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")


class Namespace:
    """A network namespace; without a file descriptor, the one the tests were started in."""

    def __init__(self, fd: int | None = None) -> None:
        self.fd = fd

    @classmethod
    def create(cls) -> Namespace:
        """A new namespace that holds a loopback interface only."""
        made: list[int] = []
        failed: list[OSError] = []

        def unshare() -> None:
            try:
                checked(libc.unshare(CLONE_NEWNET), "unshare")
                ip("link", "set", "lo", "up")
                made.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC))
            except OSError as error:
                failed.append(error)

        # A namespace belongs to a thread: a thread of its own leaves the caller's where it is.
        thread = threading.Thread(target=unshare)
        thread.start()
        thread.join()
        if failed:
            raise failed[0]
        return cls(made[0])

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Put this thread, and every process it starts, into the namespace."""
        if self.fd is None:
            yield
            return
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            checked(libc.setns(self.fd, CLONE_NEWNET), "setns")
            try:
                yield
            finally:
                checked(libc.setns(before, CLONE_NEWNET), "setns")
        finally:
            os.close(before)

    def connect(self, address: tuple[str, int], timeout: float | None = None) -> socket.socket:
        """A connection that starts in this namespace."""
        with self.entered():
            return socket.create_connection(address, timeout=timeout)

    def listen(self, address: tuple[str, int]) -> socket.socket:
        """A listening socket of this namespace."""
        with self.entered():
            return socket.create_server(address, backlog=128)

    def free_port(self) -> int:
        """A TCP port of 127.0.0.1 that nothing in this namespace uses, nor takes while a server is away."""
        while True:
            port = random.choice(SERVER_PORTS)
            try:
                self.listen(("127.0.0.1", port)).close()
            except OSError as error:
                if error.errno != EADDRINUSE:
                    raise
            else:
                return port

    def close(self) -> None:
        """Let go of the namespace; it ends with its last process."""
        if self.fd is not None:
            os.close(self.fd)
            self.fd = None


class Network:
    """Two namespaces and the cable between them."""

    def __init__(self) -> None:
        self.browser = Namespace.create()
        self.site = Namespace.create()
        with self.browser.entered():
            ip("link", "add", LINK, "type", "veth", "peer", "name", LINK, "netns", self.path_of(self.site))
            # An IPv6 address of its own would come a second after the link, and break what is then being loaded.
            ip("link", "set", LINK, "addrgenmode", "none")
            ip("address", "add", f"{BROWSER_ADDRESS}/30", "dev", LINK)
        with self.site.entered():
            ip("address", "add", f"{SITE_ADDRESS}/30", "dev", LINK)
            ip("link", "set", LINK, "up")
        self.plug_in()

    @staticmethod
    def path_of(namespace: Namespace) -> str:
        """A path under which another process finds the namespace."""
        return f"/proc/{os.getpid()}/fd/{namespace.fd}"

    def pull(self) -> None:
        """Take the browser's link down."""
        with self.browser.entered():
            ip("link", "set", LINK, "down")

    def plug_in(self) -> None:
        """Take the browser's link up again, with the default route that going down took away."""
        with self.browser.entered():
            ip("link", "set", LINK, "up")
            ip("route", "replace", "default", "via", SITE_ADDRESS, "dev", LINK)

    def close(self) -> None:
        """Let go of both namespaces, and of the cable with them."""
        self.browser.close()
        self.site.close()
