#!/bin/sh
# Makes .venv in the clone, or brings it up to date. Usage: make_venv.sh demo|all
set -eu
cd "$(dirname "$0")/.."

case $1 in
demo) set -- demo -e '.[demo]' ;;
all) set -- all -r requirements.txt ;;
*)
    echo "make_venv.sh: say 'demo' for what the demo needs, or 'all' for the tests too." >&2
    exit 2
    ;;
esac
what=$1
shift

python=$(tools/find_python.sh)
# The path is part of it because scripts and the editable install of a moved clone point at the old place.
made_from=$({
    pwd -P
    "$python" -VV
    cat setup.cfg pyproject.toml requirements.txt
} | cksum)

if [ "$(cat .venv/made-from 2>/dev/null)" != "$made_from" ] || ! .venv/bin/python -c "" 2>/dev/null; then
    echo "Making .venv with $("$python" -V); this takes a minute."
    rm -rf .venv
    "$python" -m venv .venv
    echo "$made_from" >.venv/made-from
fi
[ -e ".venv/has-$what" ] || [ -e .venv/has-all ] && exit 0

.venv/bin/python -m pip install -qq --disable-pip-version-check "$@" || {
    echo "pip could not install what $what needs; the reason stands above. Nothing else was changed." >&2
    exit 1
}
touch ".venv/has-$what"
