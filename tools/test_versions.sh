#!/bin/sh
# Runs the Python tests on SQLite with the other supported pairs of Python and Django, where pyenv has the Python.
set -eu
cd "$(dirname "$0")/.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
worst=0
for pair in 3.12:6.0 3.13:6.1; do
    version=${pair%:*} django=${pair#*:}
    python=$(find "${PYENV_ROOT:-$HOME/.pyenv}/versions" -path "*/versions/$version.*/bin/python" 2>/dev/null | head -n 1)
    if [ -z "$python" ]; then
        echo "Python $version is not in pyenv: Django $django is not tried with it."
        continue
    fi
    echo "--- Python $version, Django $django"
    "$python" -m venv "$scratch/$version"
    "$scratch/$version/bin/pip" install -qq --disable-pip-version-check -e '.[demo,test]' "Django~=$django.0"
    PYTEST_ADDOPTS=$(echo "${PYTEST_ADDOPTS:-}" | sed "s/\.xml/-$version.xml/") \
        "$scratch/$version/bin/python" -m pytest tests/python || worst=1
done
exit $worst
