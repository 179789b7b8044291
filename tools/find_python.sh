#!/bin/sh
# Prints the path of the Python to make .venv with: $PYTHON, else the first on the PATH that is new enough.
set -eu

if [ -n "${PYTHON:-}" ]; then
    set -- "$PYTHON"
else
    set -- python3 python3.13 python3.12 python3.11
fi
for candidate; do
    path=$(command -v "$candidate") || continue
    if "$path" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        echo "$path"
        exit 0
    fi
done
echo "Python 3.11 or newer is needed, and $* is not that. Install it, or name one: PYTHON=/path/to/python3.11" >&2
exit 1
