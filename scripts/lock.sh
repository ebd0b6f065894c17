#!/usr/bin/env bash
# Write the three locks from pyproject.toml. Needs uv.
set -euo pipefail
cd "$(dirname "$0")/.."
lock() {
    local name=$1; shift
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header \
        pyproject.toml "$@" --output-file "requirements/$name.lock"
}
lock run --group build
lock dev --group build --group test --group check
lock bench --group build --group test --group check --group bench
