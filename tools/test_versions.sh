#!/bin/sh
# Runs the Python tests on SQLite with the oldest dependencies that setup.cfg allows, then with the other supported
# pairs of Python and Django, where pyenv has the Python.
set -eu
cd "$(dirname "$0")/.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
worst=0

run_with() { # run_with NAME PYTHON PIP_ARGUMENT...
    name=$1 python=$2
    shift 2
    echo "--- $name"
    "$python" -m venv "$scratch/$name"
    "$scratch/$name/bin/pip" install -qq --disable-pip-version-check -e '.[demo,test]' "$@"
    # the reports that .ci/run adds up must not overwrite each other
    PYTEST_ADDOPTS=$(echo "${PYTEST_ADDOPTS:-}" | sed "s/\.xml/-$name.xml/") \
        "$scratch/$name/bin/python" -m pytest tests/python || worst=1
}

sed -n 's/^    \([A-Za-z-]*\)\(\[[a-z]*\]\)\{0,1\}>=\([0-9.]*\).*/\1==\3/p' setup.cfg >"$scratch/oldest.txt"
run_with oldest "$(tools/find_python.sh)" -c "$scratch/oldest.txt"

for pair in 3.12:6.0 3.13:6.1; do
    version=${pair%:*} django=${pair#*:}
    python=$(find "${PYENV_ROOT:-$HOME/.pyenv}/versions" -path "*/versions/$version.*/bin/python" 2>/dev/null | head -n 1)
    if [ -n "$python" ]; then
        run_with "python-$version-django-$django" "$python" "Django~=$django.0"
    else
        echo "--- Python $version is not in pyenv: Django $django is not tried with it."
    fi
done
exit $worst
