"""Refuses what must not be committed: other people's code, generated files, secrets, paths of one machine."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINES_OF_A_MODULE = 400
BYTES_OF_A_FILE = 500_000
FOREIGN = re.compile(r"(^|/)(node_modules|site-packages|vendor|dist|build|\.venv)/|\.(pyc|sqlite3|egg-info|min\.js)$")
UNWANTED = {
    "a path of one machine": re.compile(r"(?<![\w.}])/(work|root|home|tmp|Users)/\w"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY"),
    "a setting of one package index": re.compile(r"(extra-)?index-url|trusted-host"),
    "a password in a URL": re.compile(r"\w+://\w+:[^@\s\"'{}/<>$]+@"),
}


def committed_files() -> list[str]:
    """The paths git knows, as git writes them."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [path for path in listing.stdout.split("\0") if path and (ROOT / path).exists()]


def faults_of(path: str) -> list[str]:
    """What is wrong with one file, a line for each fault."""
    if FOREIGN.search(path):
        return [f"{path}: generated or third-party files are not committed"]
    content = (ROOT / path).read_bytes()
    faults = []
    if len(content) > BYTES_OF_A_FILE:
        faults.append(f"{path}: {len(content)} bytes, at most {BYTES_OF_A_FILE} are meant to be committed")
    if b"\0" in content or path == Path(__file__).relative_to(ROOT).as_posix():
        return faults
    lines = content.decode().splitlines()
    if path.endswith((".py", ".js")) and len(lines) > LINES_OF_A_MODULE:
        faults.append(f"{path}: {len(lines)} lines, a module has at most {LINES_OF_A_MODULE}: split it by concern")
    for number, line in enumerate(lines, start=1):
        faults += [f"{path}:{number}: {what}" for what, pattern in UNWANTED.items() if pattern.search(line)]
    return faults


def main() -> int:
    """Check all files; the exit status says whether one of them must not be committed."""
    files = committed_files()
    faults = [fault for path in files for fault in faults_of(path)]
    print(*faults, f"{len(files)} committed files checked, {len(faults)} faults.", sep="\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
