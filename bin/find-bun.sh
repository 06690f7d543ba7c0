# Sourced by the scripts beside it, with $here = the project folder. Sets $bun to the pinned Bun's path.
# npm runs only when package-lock.json is newer than what npm wrote down when it last installed.
stamp="$here/node_modules/.package-lock.json"
if [ ! -e "$stamp" ] || [ "$here/package-lock.json" -nt "$stamp" ]; then
  echo 'entrepot: installing dependencies (first run, or package-lock.json changed)' >&2
  (cd "$here" && npm ci --no-fund --no-audit --loglevel=error >&2) || {
    echo 'entrepot: npm ci failed; see the lines above. Node 20 or newer with npm and access to an npm registry are needed once.' >&2
    exit 1
  }
  touch "$stamp"
fi
bun="$here/node_modules/.bin/bun"
# With npm's --ignore-scripts the launcher is not linked, but the binary package is there.
if ! "$bun" --version >/dev/null 2>&1; then
  for candidate in "$here"/node_modules/@oven/bun-*/bin/bun; do
    if "$candidate" --version >/dev/null 2>&1; then bun=$candidate; break; fi
  done
fi
