"""Builds the wheel, compares it with the tree, and tries it in a new project in a clean environment."""

import os
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
URLS = """
from django.urls import include, path

urlpatterns = [path("offlinesync/", include("offlinesync.urls"))]
"""
SETTINGS = """
INSTALLED_APPS += ["rest_framework", "offlinesync"]
"""
REQUESTS = """
from django.test import Client

for path in ["session/", "serviceworker.js", "offline/"]:
    answer = Client().get("/offlinesync/" + path, headers={"host": "localhost"})
    assert answer.status_code == 200, (path, answer.status_code)
"""


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command, or show what it wrote and stop."""
    # The project that is tried must find neither this clone nor its settings.
    environment = {
        key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "DJANGO_SETTINGS_MODULE")
    }
    done = subprocess.run(
        command, cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{done.stdout}\n{' '.join(map(str, command))} failed with {done.returncode}.")
    return done.stdout


def build(folder: Path) -> Path:
    """Build source distribution and wheel; the wheel's path."""
    run(sys.executable, "-m", "build", "--outdir", folder, ROOT, cwd=folder)
    return next(folder.glob("*.whl"))


def compare(wheel: Path) -> None:
    """Stop if the wheel holds more or less of the package than git does: package_data names files by pattern."""
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    tracked = set(run("git", "ls-files", "offlinesync", cwd=ROOT).split())
    if packed != tracked:
        sys.exit(
            f"The wheel lacks {sorted(tracked - packed)} and has {sorted(packed - tracked)} too much: "
            "see package_data and packages in setup.cfg, and what is not committed."
        )


def try_in_new_project(wheel: Path, folder: Path) -> None:
    """Install the wheel into an empty environment and answer requests from a project made with startproject."""
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / "bin" / "python"
    run(python, "-m", "pip", "install", "-qq", "--disable-pip-version-check", wheel, cwd=folder)
    run(python, "-m", "django", "startproject", "site_of_somebody", ".", cwd=folder)
    with (folder / "site_of_somebody" / "settings.py").open("a") as settings:
        settings.write(SETTINGS)
    (folder / "site_of_somebody" / "urls.py").write_text(URLS)
    for arguments in (["check"], ["migrate"], ["shell", "-c", REQUESTS]):
        run(python, "manage.py", *arguments, cwd=folder)


def main() -> None:
    """Do all three, and say so."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        wheel = build(folder)
        compare(wheel)
        try_in_new_project(wheel, folder)
        print(f"{wheel.name} holds what git holds, and answers in a new project.")


if __name__ == "__main__":
    main()
