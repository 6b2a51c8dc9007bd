#!/bin/sh
# Installs the sidecar command into the image of a dev container, as root: Node.js where there is none from 20 on, git and an
# SSH client where the distribution has them, and the package.
set -eu
cd "$(dirname "$0")"

package=${PACKAGE:-}
node=${NODE:-20.20.2}

fail() {
  printf 'sidecar: %s\n' "$*" >&2
  exit 1
}

# The command is not on npm: a package of that name there is somebody else's.
[ -n "$package" ] || package=$PWD/sidecar.tgz
case $package in
  */*) ;;
  *) fail "the option package is a path or a URL, and not \"$package\"" ;;
esac
case $package in
  *://*) ;;
  *) [ -f "$package" ] || fail "there is no $package: put the package there (npm pack), or name it by the option package" ;;
esac

# Packages of the distribution, by the names that they mostly have.
distribution() {
  if command -v apt-get >/dev/null; then
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
  elif command -v apk >/dev/null; then
    apk add --no-cache "$@"
  elif command -v dnf >/dev/null; then
    dnf install -y -q "$@"
  else
    return 1
  fi
}

has_node() {
  command -v node >/dev/null && command -v npm >/dev/null &&
    node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)'
}

# What is downloaded must be what is published.
download_node() {
  case $(uname -m) in
    x86_64) arch=x64 ;;
    aarch64) arch=arm64 ;;
    *) fail "there is no Node.js to download for $(uname -m): install it before" ;;
  esac
  command -v curl >/dev/null || distribution curl ca-certificates || fail 'there is no curl to download Node.js with'
  name=node-v$node-linux-$arch.tar.gz
  site=https://nodejs.org/dist/v$node
  curl -fsSL "$site/$name" -o "$work/$name"
  curl -fsSL "$site/SHASUMS256.txt" -o "$work/sums"
  (cd "$work" && grep -F "  $name" sums | sha256sum -c -) >/dev/null || fail "$site/$name is not what was published"
  archive=$work/$name
}

install_node() {
  work=$(mktemp -d)
  case $node in
    *://*)
      command -v curl >/dev/null || distribution curl ca-certificates || fail 'there is no curl to download Node.js with'
      curl -fsSL "$node" -o "$work/node"
      archive=$work/node
      ;;
    */*) archive=$node ;;
    *)
      # The archive is made for glibc; a distribution with another library has its own.
      if command -v apk >/dev/null; then
        distribution nodejs npm
        has_node || fail 'the Node.js of this distribution is older than 20: take a newer image'
        return
      fi
      download_node
      ;;
  esac
  tar -xf "$archive" -C /usr/local --strip-components=1 --no-same-owner
  rm -rf "$work"
  has_node || fail "$archive holds no Node.js from 20 on with npm for this machine"
}

has_node || install_node
command -v git >/dev/null || distribution git || printf 'sidecar: git is needed, and cannot be installed here\n' >&2
command -v ssh >/dev/null || distribution openssh-client ||
  printf 'sidecar: without ssh, no ~/.ssh/config is read, and it cannot be installed here\n' >&2

npm install --global --no-audit --no-fund "$package"
sidecar --version
