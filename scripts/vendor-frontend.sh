#!/usr/bin/env bash
# Refresh the vendored NHS.UK frontend: style sheet, script and the icons the style sheet names, nothing else.
# Usage: vendor-frontend.sh [VERSION]. Needs npm (with whatever registry it is set up for), tar and python3.
# The version must be the one nhsuk-frontend-jinja is made for; then change the hashes in
# tests/unit/publication/rendering/test_vendored.py and read the pages again as pictures.
set -euo pipefail
version=${1:-10.6.1}
cd "$(dirname "$0")/.."
target=$PWD/src/caldicott/publication/static/nhsuk
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

(cd "$scratch" && npm pack --silent "nhsuk-frontend@$version" >/dev/null && tar xzf "nhsuk-frontend-$version.tgz")
python3 - "$scratch/package/dist/nhsuk" "$target" "$version" <<'PYTHON'
import pathlib
import re
import shutil
import sys

source, target, version = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
css = (source / f"nhsuk-frontend-{version}.min.css").read_text(encoding="utf-8")
# No call to a font server: the fonts are licensed for nhs.uk alone, and Arial is the documented fallback.
css = re.sub(r"@font-face\{[^}]*\}", "", css)
# Relative, so that a folder on disk and hashed file names both find the icons.
css = css.replace("url(/assets/", "url(assets/")
# The maps are not vendored; a named but missing map stops `collectstatic`.
css = re.sub(r"/\*# sourceMappingURL=.*?\*/", "", css)
js = (source / f"nhsuk-frontend-{version}.min.js").read_text(encoding="utf-8")
js = re.sub(r"//# sourceMappingURL=\S*", "", js)
icons = sorted(set(re.findall(r"url\((assets/[^)]*)\)", css)))

for old in [*target.glob("nhsuk-frontend-*"), target / "assets"]:
    shutil.rmtree(old) if old.is_dir() else old.unlink(missing_ok=True)
(target / f"nhsuk-frontend-{version}.min.css").write_text(css.strip() + "\n", encoding="utf-8")
(target / f"nhsuk-frontend-{version}.min.js").write_text(js.strip() + "\n", encoding="utf-8")
for icon in icons:
    (target / icon).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source / icon, target / icon)
PYTHON
find "$target" -type f | sort | xargs sha256sum
