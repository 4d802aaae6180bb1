# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the scripts of tools/ share: steps with a progress line, packages, npm, builds. Sourced, with $top set.
# shellcheck disable=SC2154

if [ -t 1 ]; then dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'; else dim='' red='' green='' plain=''; fi

fail() {
  printf '%s%s%s\n' "$red" "$*" "$plain" >&2
  exit 1
}

# The comment at a script's top, from line 3 on, is its help.
usage() {
  sed -n '3,/^[^#]/{s/^# \{0,1\}//p}' "$0"
}

# A step's output goes to one log; on a terminal its last "[n/m]" becomes a bar, with the time it takes.
steps_done=0
step_log=

bar() { # n m
  local width=24 filled
  filled=$((width * $1 / ($2 > 0 ? $2 : 1)))
  printf '%*s' "$filled" '' | tr ' ' '#'
  printf '%*s' $((width - filled)) '' | tr ' ' '.'
}

step_line() { # title seconds
  local counted='' n m
  read -r n m < <(tail -c 4000 "$step_log" | tr '\r' '\n' | sed -n 's/^\[\([0-9]*\)\/\([0-9]*\)\].*/\1 \2/p' | tail -n 1) || true # nothing counted yet
  if [ -n "${m:-}" ]; then counted="$(bar "$n" "$m") $n/$m "; fi
  printf '\r\e[K[%d] %s %s%s%d s%s' "$steps_done" "$1" "$dim" "$counted" "$2" "$plain"
}

step() { # title command…
  local title=$1 began=$SECONDS pid rc=0
  shift
  steps_done=$((steps_done + 1))
  step_log=$(mktemp -t headgate-step-XXXXXX.log)
  [ -t 1 ] || printf '[%d] %s …\n' "$steps_done" "$title"
  "$@" >"$step_log" 2>&1 </dev/null &
  pid=$!
  while [ -t 1 ] && kill -0 "$pid" 2>/dev/null; do
    step_line "$title" $((SECONDS - began))
    sleep 0.5
  done
  wait "$pid" || rc=$?
  [ -t 1 ] && printf '\r\e[K'
  if [ "$rc" -eq 0 ]; then
    printf '[%d] %s: %sdone%s in %d s\n' "$steps_done" "$title" "$green" "$plain" $((SECONDS - began))
    rm -f "$step_log"
    return 0
  fi
  printf '[%d] %s: %sfailed%s after %d s. The end of its output (%s):\n' "$steps_done" "$title" "$red" \
    "$plain" $((SECONDS - began)) "$step_log"
  tail -n 40 "$step_log"
  return "$rc"
}

# Whether a process ends in time.
gone_within() { # pid seconds
  local deadline=$((SECONDS + $2))
  while kill -0 "$1" 2>/dev/null; do
    [ $SECONDS -lt $deadline ] || return 1
    sleep 0.1
  done
}

# Names under [GROUP]… of tools/packages, each once.
packages_of() {
  awk -v wanted=" $* " '
    /^#/ || !NF { next }
    /^\[/ { name = substr($1, 2, length($1) - 2); on = index(wanted, " " name " "); next }
    on && !seen[$1]++ { print $1 }' "$top/tools/packages"
}

# Those that are not there. Node.js and npm from elsewhere are as good as Debian's.
missing_packages() {
  local package
  for package in $(packages_of "$@"); do
    case $package in nodejs) command -v node >/dev/null && continue ;; npm) command -v npm >/dev/null && continue ;; esac
    dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || echo "$package"
  done
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    fail "This needs root and there is no sudo: $*"
  fi
}

install_packages() { # package…
  export DEBIAN_FRONTEND=noninteractive
  as_root apt-get update -q
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"
}

need_packages() { # group…
  local missing
  command -v dpkg-query >/dev/null || fail 'This script knows Debian only; docs/dependencies.md lists what is needed.'
  mapfile -t missing < <(missing_packages "$@")
  [ "${#missing[@]}" -gt 0 ] || return 0
  printf 'Debian packages to install: %s\n' "${missing[*]}"
  # Ask for the password before the progress line hides the question.
  if [ "$(id -u)" -ne 0 ] && command -v sudo >/dev/null; then sudo -v; fi
  step "Installing ${#missing[@]} packages and what they need" install_packages "${missing[@]}"
}

npm_is_current() { # folder
  [ "$1/node_modules/.package-lock.json" -nt "$1/package-lock.json" ]
}

npm_install() { # folder
  (cd "$1" && npm ci --ignore-scripts --omit=dev --no-audit --no-fund)
}

need_npm() { # folder title
  if npm_is_current "$1"; then return 0; fi
  step "Fetching $2 from npm" npm_install "$1" || return
  # A build that was configured without it looks again.
  if [ -f "$1/meson.build" ]; then touch "$1/meson.build"; fi
}

# Debian's package prometheus starts a server, which nobody asked for: of it only the tool that judges metrics and rules
# is unpacked. Nothing is installed.
fetch_promtool() {
  local folder=$top/tests/promtool
  rm -rf "$folder.new"
  mkdir -p "$folder.new" || return
  (
    cd "$folder.new" || exit
    # Where the lists are old or have never been read.
    apt-get download -q prometheus || { as_root apt-get update -q && apt-get download -q prometheus; } || exit
    dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x --strip-components=3 ./usr/bin/promtool || exit
    rm prometheus_*.deb
  ) || return
  rm -rf "$folder"
  mv "$folder.new" "$folder"
}

need_promtool() {
  if command -v promtool >/dev/null || [ -x "$top/tests/promtool/promtool" ]; then return 0; fi
  step 'Fetching promtool' fetch_promtool
}

need_hls() { need_npm "$top/tools/origin/www" hls.js; }
need_playwright() { need_npm "$top/tests/browser" "playwright-core and other players"; }

# Meson warns of libFuzzer's instrumentation, for which it has no option of its own.
strict=(--fatal-meson-warnings)

configure() { # folder option…
  local folder=$1
  shift
  if [ -f "$folder/build.ninja" ]; then
    meson configure "$folder" "$@"
  else
    meson setup "${strict[@]}" "$@" "$folder" "$top"
  fi
}

# Compilers that the environment names, through ccache where that is installed.
use_compiler() { # c c++
  export CC=$1 CXX=$2
  if command -v ccache >/dev/null; then export CC="ccache $1" CXX="ccache $2"; fi
}

# What ninja builds for running: everything but the tests.
programs_of() { # folder
  meson introspect --targets "$1" | python3 -c '
import json, os, sys
build = os.path.realpath(sys.argv[1])
for target in json.load(sys.stdin):
    if "/tests/" not in target["defined_in"] and target["type"] in ("executable", "shared module", "custom"):
        print(*(os.path.relpath(name, build) for name in target["filename"]))' "$1"
}

build() { # folder target…
  local folder=$1
  shift
  ninja -C "$folder" -j "${JOBS:-$(nproc)}" "$@"
}

build_programs() { # folder
  local targets
  targets=$(programs_of "$1")
  # shellcheck disable=SC2086
  build "$1" $targets
}

need_build() { # folder title option…
  local folder=$1 title=$2
  shift 2
  step "Configuring $title" configure "$folder" "$@" && step "Building $title" build "$folder"
}

need_programs() { # folder title option…
  local folder=$1 title=$2
  shift 2
  step "Configuring $title" configure "$folder" "$@" && step "Building $title" build_programs "$folder"
}
