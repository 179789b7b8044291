#!/bin/sh
# Prints the Python to build with: $PYTHON, or the first on the PATH that is new enough.
set -eu

for candidate in ${PYTHON:+"$PYTHON"} python3 python3.13 python3.12 python3.11; do
    path=$(command -v "$candidate") || continue
    if "$path" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        echo "$path"
        exit 0
    fi
done
echo "Python 3.11 or newer is needed and none is on the PATH. Name one: make PYTHON=/path/to/python3.11" >&2
exit 1
