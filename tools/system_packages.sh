#!/bin/sh
# Installs the Debian packages a make target needs and does not find: as root through apt; anyone else
# is told in one line what to type. Usage: system_packages.sh ci|demo|test|postgresql|mariadb
set -eu

missing=""
need() { # need PACKAGE COMMAND...: PACKAGE is missing when COMMAND fails
    package=$1
    shift
    "$@" >/dev/null 2>&1 || missing="$missing $package"
}
has_command() { command -v "$1"; }
has_file() { # the first of the paths a glob expands to
    [ -e "$1" ]
}

answers() { # a server on the local port
    python3 -c "import socket, sys; socket.create_connection(('127.0.0.1', int(sys.argv[1])), 5)" "$1" 2>/dev/null
}

case $1 in
ci)
    need git has_command git
    need make has_command make
    need python3 has_command python3
    ;;
demo)
    python=$("$(dirname "$0")/find_python.sh")
    case $python in
    *python3.*) venv=$(basename "$python")-venv ;;
    *) venv=python3-venv ;;
    esac
    need "$venv" "$python" -c "import ensurepip, venv"
    need ca-certificates has_file /etc/ssl/certs/ca-certificates.crt
    ;;
test)
    need chromium has_command chromium
    need chromium-driver has_command chromedriver
    need firefox-esr has_command firefox-esr
    need webkit2gtk-driver has_command WebKitWebDriver
    need xvfb has_command Xvfb
    need xauth has_command xauth
    need iproute2 has_command ip
    need strace has_command strace
    # Debian's browsers only recommend what they draw with
    need libgl1-mesa-dri has_file /usr/lib/*/dri/swrast_dri.so
    need fonts-dejavu-core has_file /usr/share/fonts/truetype/*/*.ttf
    ;;
postgresql) answers 5432 || need postgresql has_file /usr/lib/postgresql/*/bin/postgres ;;
mariadb)
    if ! answers 3306; then
        need mariadb-server-core has_command mariadbd
        need mariadb-client-core has_command my_print_defaults
    fi
    ;;
*)
    echo "system_packages.sh: no list of packages is called '$1'." >&2
    exit 2
    ;;
esac
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing$missing through apt."
    # RUNLEVEL=1 keeps a database server from being started: the tests start their own
    log=$(mktemp)
    # shellcheck disable=SC2086  # a list of packages
    if { apt-get update && DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
        apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1 </dev/null; then
        rm -f "$log"
        exit 0
    fi
    cat "$log" >&2
    rm -f "$log"
    echo "apt could not install$missing; the reason stands above." >&2
    exit 1
fi
if [ "$1" = test ] && [ "${CI:-}" != true ]; then
    echo "To run every test: sudo apt-get install$missing. Selenium fetches Chromium and Firefox meanwhile." >&2
    exit 0
fi
echo "To go on, install what is missing: sudo apt-get install$missing" >&2
exit 1
