#!/usr/bin/env bash
# The one test command. Everything: format, vet, staticcheck, unit and integration tests on SQLite and PostgreSQL, the
# browser, the race detector, and ten seconds of each fuzz target. Installs what it needs on Debian when it is missing
# and it may. Ends in one line that counts what passed, failed and was skipped.
#
#   ./test.sh              everything
#   ./test.sh -short       what a commit must pass: format, vet, build, the quick tests
#   FUZZTIME=60s ./test.sh longer fuzzing
set -uo pipefail
cd "$(dirname "$0")"
short=""; [ "${1:-}" = "-short" ] && { short=1; shift; }
packages=("${@:-./...}")
mkdir -p out; log=out/test.log; : >"$log"
passed=0 failed=0 skipped=0
export GOFLAGS="${GOFLAGS:-} -trimpath"
say() { printf '\n== %s\n' "$*"; }
pass() { passed=$((passed + 1)); }
fail() { failed=$((failed + 1)); printf 'FAIL %s\n' "$*"; }
check() { local what=$1; shift; if "$@"; then pass; else fail "$what"; fi; }

# install NAME COMMAND PACKAGE…: installs Debian packages unless the command is there.
install() {
  local what=$1 probe=$2; shift 2
  if eval "$probe" >/dev/null 2>&1; then return 0; fi
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "$what is missing and cannot be installed from here (needs root and apt-get): its tests are skipped."; return 1
  fi
  echo "$what is missing: installing $* …"
  { [ -n "${updated:-}" ] || apt-get update -qq; } && updated=1 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >out/apt.log 2>&1 ||
    { echo "installing $* failed:"; tail -n 5 out/apt.log; return 1; }
}

# run NAME go-test-arguments…: runs tests, shows failures, counts.
run() {
  local name=$1; shift
  local one="out/$name.log"
  go test -v "$@" >"$one" 2>&1; local rc=$?
  cat "$one" >>"$log"
  local p f s
  p=$(grep -cE '^ *--- PASS' "$one"); f=$(grep -cE '^ *--- FAIL' "$one"); s=$(grep -cE '^ *--- SKIP' "$one")
  if [ "$name" = race ]; then # what -short leaves out here has run in full before
    s=$(grep -E '^ *--- SKIP' "$one" | awk '{print $3}' | while read -r t; do grep -qE -- "--- PASS: $t " out/all.log || echo "$t"; done | wc -l)
  fi
  passed=$((passed + p)); failed=$((failed + f)); skipped=$((skipped + s))
  if [ $rc != 0 ]; then
    [ "$f" = 0 ] && fail "$name: did not build or did not finish"
    grep -E '^(FAIL|panic:|WARNING: DATA RACE|ok )|^ *--- FAIL|^ +[a-z_]+_test\.go|\.go:[0-9]+:' "$one" | head -n 80
    echo "(the whole output: $one)"
  fi
  [ "$s" = 0 ] || grep -E -A3 '^ *--- SKIP' "$one" | head -n 40
  grep -E '^ok|^FAIL' "$one" | awk '{print $1, $2, $3}' | head -n 60
}

say "format, build, vet"
check gofmt test -z "$(gofmt -l $(git ls-files '*.go' 2>/dev/null || find . -name '*.go'))"
check build env CGO_ENABLED=0 go build ./...
check vet go vet "${packages[@]}"

if [ -n "$short" ]; then
  say "tests (short)"
  CGO_ENABLED=0 run short -short -count=1 "${packages[@]}"
else
  install PostgreSQL 'ls /usr/lib/postgresql/*/bin/initdb || command -v initdb' postgresql
  install Chromium 'command -v chromium || command -v chromium-browser || command -v google-chrome' chromium
  install nginx 'command -v nginx' nginx
  install "Node.js with npm" 'command -v npm' nodejs npm
  install "A C compiler (for the race detector)" 'command -v gcc || command -v clang' gcc libc6-dev
  if [ -f .ci/js/package.json ] && command -v npm >/dev/null; then
    check "npm ci" bash -c 'cd .ci/js && npm ci --no-audit --no-fund --ignore-scripts >../../out/npm.log 2>&1 || { tail -n 5 ../../out/npm.log; false; }'
  fi
  say "staticcheck"
  check staticcheck go tool -modfile=.ci/tools/go.mod staticcheck "${packages[@]}"
  say "tests"
  CGO_ENABLED=0 run all -count=1 -timeout 40m "${packages[@]}"
  say "tests under the race detector (short)"
  CGO_ENABLED=1 run race -race -short -count=1 -timeout 40m "${packages[@]}"
  say "fuzzing, ${FUZZTIME:-10s} for each target"
  while IFS=: read -r file target; do
    for try in 1 2 3; do
      go test -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-10s}" "./$(dirname "$file")" >out/fuzz.log 2>&1 && { pass; echo "ok   $(dirname "$file") $target"; break; }
      # A worker that go's own deadline stops in the midst of an input is reported as a failure without an input: once more.
      if [ $try != 3 ] && grep -qE '^ +context deadline exceeded$' out/fuzz.log && ! grep -qE 'Failing input|panic|_test\.go:' out/fuzz.log; then continue; fi
      fail "$target in $(dirname "$file")"; tail -n 20 out/fuzz.log; break
    done
  done < <(grep -rhoE --include='*_test.go' -H '^func Fuzz[A-Za-z0-9_]+' . | sed -E 's/^\.\///; s/:func /:/' | sort)
fi

printf '\n%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" = 0 ] && { [ -z "${NO_SKIP:-}" ] || [ "$skipped" = 0 ]; }
