"""Parses every script of the site and of the tests as an ES module, and names the ones with an error."""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def syntax_error(script: Path, scratch: Path) -> str | None:
    """Node's message about the script, or None."""
    # Node tells a module by the file's ending: no package.json lies beside what the site serves.
    module = scratch / f"{script.stem}.mjs"
    module.write_bytes(script.read_bytes())
    node = Path(sys.executable).parent / "node"
    check = subprocess.run([node, "--check", module], capture_output=True, text=True, check=False)
    return check.stderr.replace(str(module), str(script.relative_to(ROOT))) if check.returncode else None


def main() -> int:
    """Check all scripts; the exit status says whether one of them is wrong."""
    places = ("offlinesync/static/**/*.js", "demo_site/**/static/**/*.js", "tests/simulation/*.js", "tests/peers/*.js")
    scripts = sorted(script for place in places for script in ROOT.glob(place))
    with tempfile.TemporaryDirectory() as scratch:
        errors = [error for script in scripts if (error := syntax_error(script, Path(scratch)))]
    print(*errors, f"{len(scripts)} scripts parsed, {len(errors)} with an error.", sep="\n")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
