#!/bin/bash
# Installs what the tests need and runs them; arguments go to pytest: tools/test.sh -m "not slow" tests/rules
# As root on Debian it adds missing Debian packages; elsewhere tests that lack something are skipped, with the reason.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

missing_packages() {
  local wanted=(ca-certificates gcc libc6-dev python3-venv) package
  if [ "$(dpkg --print-architecture)" = amd64 ]; then
    wanted+=(wine64)
  fi
  for package in "${wanted[@]}"; do
    dpkg-query --show --showformat='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || echo "$package"
  done
}

if [ "$(id -u)" = 0 ] && command -v apt-get dpkg-query >/dev/null; then
  mapfile -t missing < <(missing_packages)
  if [ "${#missing[@]}" -gt 0 ]; then
    echo "test.sh: apt-get install ${missing[*]}" >&2
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}"; } </dev/null >/dev/null ||
      echo "test.sh: apt-get failed; tests that need these packages will be skipped" >&2
  fi
fi

if [ ! -x .venv/bin/python ]; then
  python3 -m venv .venv
fi
# The stamp is older than pyproject.toml when the requirements may have changed.
if [ ! .venv/.test-requirements -nt pyproject.toml ]; then
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
  touch .venv/.test-requirements
fi

exec .venv/bin/python -m pytest -n 2 -rs "$@" </dev/null
