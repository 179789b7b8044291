"""Processes the tests start, known again by a mark in their environment: none is left, and no other is touched."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

MARK = "OFFLINESYNC_TEST_PROCESS"
PROC = Path("/proc")
STOP_SECONDS = 20


def new_mark() -> str:
    """A value no other run uses."""
    return f"{os.getpid()}-{uuid.uuid4().hex}"


def marked_environment(mark: str, **more: str) -> dict[str, str]:
    """This process's environment with the mark, for processes to be found by it."""
    return {**os.environ, **more, MARK: mark}


def marked_processes(mark: str) -> list[int]:
    """The living processes that carry the mark, and their descendants."""
    if not PROC.is_dir():
        return []
    wanted = f"{MARK}={mark}".encode()
    parents = dict(living_processes())
    found = {pid for pid in parents if wanted in environment_of(pid).split(b"\0")}
    # Chromium's renderers overwrite the memory their environment is read from: they are known by their parents.
    grown = True
    while grown:
        children = {pid for pid, parent in parents.items() if parent in found} - found
        found |= children
        grown = bool(children)
    return sorted(found - {os.getpid()})


def living_processes() -> Iterator[tuple[int, int]]:
    """Each process that is no zombie, with its parent."""
    for entry in PROC.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            state, parent = (entry / "stat").read_text().rpartition(") ")[2].split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if state != "Z":
            yield int(entry.name), int(parent)


def environment_of(pid: int) -> bytes:
    """A process's environment; empty when it has gone or is not ours to read."""
    try:
        return (PROC / str(pid) / "environ").read_bytes()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return b""


def kill_marked(mark: str) -> None:
    """SIGKILL every process with the mark, and wait until they are gone."""
    until = time.monotonic() + STOP_SECONDS
    while left := marked_processes(mark):
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        if time.monotonic() > until:
            raise RuntimeError(f"these processes of the tests could not be ended: {left}")
        time.sleep(0.02)


def end(process: subprocess.Popen[bytes], mark: str) -> None:
    """Ask a process to stop, and leave nothing of it behind."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
    kill_marked(mark)
    process.wait(STOP_SECONDS)
