# shellcheck shell=bash
# What ./dev installs, and how; sourced by it. Every ensure_* function can be called again at no cost.
# Expects: ROOT, CACHE, ASSUME_YES (0 or 1), and the functions say, warn and die.

readonly RDKAFKA_MIN=2.6.1 RDKAFKA_SOURCE=2.8.0-1 KAFKA_VERSION=4.3.1
readonly RDKAFKA_PREFIX=${SW_RDKAFKA_PREFIX:-$CACHE/librdkafka-${RDKAFKA_SOURCE%-*}}
readonly VENV=$CACHE/venv KAFKA_JARS=$CACHE/kafka-libs-$KAFKA_VERSION

# packages_of GROUP: one Debian package a line; `a|b` means that either will do and a is the one to install.
packages_of() {
  case $1 in
    build)
      printf '%s\n' g++ cmake make ninja-build 'pkg-config|pkgconf' ccache mold "$(boost_package)" libfmt-dev libspdlog-dev \
        libyaml-cpp-dev libcli11-dev libssl-dev prometheus-cpp-dev libsodium-dev libidn2-dev libutf8proc-dev libsimdjson-dev \
        libarchive-dev libxxhash-dev zlib1g-dev liblz4-dev libzstd-dev liblzma-dev libbz2-dev libcurl4-openssl-dev libgtest-dev \
        libgmock-dev libbenchmark-dev libpsl-dev ;;
    python) printf '%s\n' python3 python3-venv ca-certificates ;;
    kafka) printf '%s\n' maven 'default-jre-headless|openjdk-17-jre-headless' openssl ;;
    fuzz) printf '%s\n' clang-19 libclang-rt-19-dev ;;
    check) printf '%s\n' clang-format-19 clang-tidy-19 binutils git python3 ;;
    runtime) # what the stripped binary needs on Debian 12 (Containerfile)
      printf '%s\n' ca-certificates libarchive13 libbz2-1.0 libcurl4 libfmt9 libidn2-0 liblz4-1 liblzma5 libprometheus-cpp-core1.0 libpsl5 libsimdjson14 \
        libsodium23 libspdlog1.10 libssl3 libutf8proc2 libxxhash0 libyaml-cpp0.7 libzstd1 publicsuffix zlib1g ;;
    *) die "no such group of packages: $1 (build python kafka fuzz check runtime)" ;;
  esac
}

boost_package() { # 1.81 or later: Debian 12 has it under its own name
  local version_id=12
  [ ! -r /etc/os-release ] || version_id=$(. /etc/os-release && echo "${VERSION_ID:-12}")
  if [ "${version_id%%.*}" -ge 13 ] 2>/dev/null; then echo libboost-dev; else echo libboost1.81-dev; fi
}

package_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

any_installed() { # a|b|c
  local one
  for one in ${1//|/ }; do package_installed "$one" && return 0; done
  return 1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else die "this needs root and sudo is not installed; as root, run: $*"; fi
}

confirm() { # question
  [ "$ASSUME_YES" = 0 ] && [ -z "${CI:-}" ] && [ -t 0 ] && [ -t 1 ] || return 0
  local answer
  read -r -p "$1 [Y/n] " answer
  case $answer in '' | [yY]*) return 0 ;; *) die "not installed; nothing was changed" ;; esac
}

ensure_packages() { # group...
  local group package missing=()
  command -v dpkg-query >/dev/null || die "./dev installs with apt and knows Debian only; see packages_of in tests/tools/install.sh for what to install by hand"
  for group in "$@"; do
    while read -r package; do
      any_installed "$package" || missing+=("${package%%|*}")
    done < <(packages_of "$group")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  install_packages "${missing[@]}"
}

install_packages() {
  say "To install with apt: $*"
  confirm "Install these ${#} packages?"
  as_root apt-get update -q || warn "apt-get update reported errors; trying with the lists there are"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@" || die "apt-get could not install: $*"
}

# The Debian mirror this machine already uses: the first source, in either of apt's two styles, that offers this release's main.
debian_mirror() {
  local codename
  codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
  python3 "$ROOT/tests/tools/debian_mirror.py" "$codename"
}

rdkafka_new_enough() { pkg-config --atleast-version=$RDKAFKA_MIN rdkafka 2>/dev/null; }

ensure_librdkafka() {
  rdkafka_new_enough && return 0
  [ ! -e "$RDKAFKA_PREFIX/lib/librdkafka.a" ] || return 0
  local candidate
  candidate=$(apt-cache policy librdkafka-dev 2>/dev/null | awk '/Candidate:/ {print $2}')
  if [ -n "$candidate" ] && [ "$candidate" != "(none)" ] && dpkg --compare-versions "$candidate" ge $RDKAFKA_MIN; then
    install_packages librdkafka-dev
    rdkafka_new_enough && return 0
  fi
  mkdir -p "$CACHE"
  ( flock 9; [ -e "$RDKAFKA_PREFIX/lib/librdkafka.a" ] || build_librdkafka ) 9> "$CACHE/librdkafka.lock"
}

# Debian 13's source package, checked by apt against Debian's own key, built without touching the machine's apt lists.
build_librdkafka() {
  local mirror work log
  command -v python3 >/dev/null || ensure_packages python
  mirror=$(debian_mirror) || die "no Debian source found in /etc/apt; librdkafka >= $RDKAFKA_MIN is needed: install it and set SW_RDKAFKA_PREFIX"
  work=$(mktemp -d "$CACHE/librdkafka-build.XXXXXX")
  log=$CACHE/librdkafka-build.log
  say "Building librdkafka ${RDKAFKA_SOURCE%-*} into $RDKAFKA_PREFIX (about a minute; log in $log)"
  if ! (set -e; cd "$work"; fetch_librdkafka "$mirror"; make_librdkafka) > "$log" 2>&1; then
    tail -20 "$log" >&2
    die "librdkafka could not be built; the whole log is $log, what was tried stays in $work"
  fi
  rm -rf "$work"
}

fetch_librdkafka() { # mirror; in the working folder
  mkdir -p lists/partial cache/archives/partial source
  echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $1 trixie main" > sources.list
  local options=(-o "Dir::State::lists=$PWD/lists" -o "Dir::Cache=$PWD/cache" -o "Dir::Etc::sourcelist=$PWD/sources.list"
                 -o Dir::Etc::sourceparts=- -o APT::Sandbox::User= -o Acquire::Retries=3)
  apt-get "${options[@]}" update
  apt-get "${options[@]}" source --download-only "librdkafka=$RDKAFKA_SOURCE"
  tar -xf "librdkafka_${RDKAFKA_SOURCE%-*}.orig.tar.gz" -C source --strip-components=1
}

make_librdkafka() { # installed beside and moved, so that an interrupted build leaves nothing that looks finished
  cd source
  ./configure --prefix="$RDKAFKA_PREFIX" --disable-gssapi
  make -C src -j"$(nproc)"
  make -C src install DESTDIR="$PWD/../staged"
  mkdir -p "$(dirname "$RDKAFKA_PREFIX")"
  rm -rf "$RDKAFKA_PREFIX"
  mv "$PWD/../staged$RDKAFKA_PREFIX" "$RDKAFKA_PREFIX"
}

ensure_venv() {
  local wanted
  wanted=$( { cat "$ROOT/tests/requirements.txt"; python3 --version; } | sha256sum )
  [ "$(cat "$VENV/stamp" 2>/dev/null)" != "$wanted" ] || return 0
  say "Making the Python environment $VENV"
  rm -rf "$VENV"
  mkdir -p "$CACHE"
  python3 -m venv "$VENV" || die "python3 -m venv failed (Debian: apt-get install python3-venv)"
  "$VENV/bin/python" -m pip install -q --disable-pip-version-check -r "$ROOT/tests/requirements.txt" || die "pip could not install tests/requirements.txt"
  echo "$wanted" > "$VENV/stamp"
}

ensure_kafka() {
  [ ! -e "$KAFKA_JARS/complete" ] || return 0
  say "Fetching Kafka $KAFKA_VERSION with Maven into $KAFKA_JARS (about 55 MB)"
  KLIBS=$KAFKA_JARS "$ROOT/tests/support/kafka/kafka.sh" libs || die "Maven could not fetch Kafka"
}
