#!/bin/sh
# Installs the Debian packages that tests drive (sshd, a browser, git, sudo, strace, chat servers, slapd), where it may.
# Without root or apt the tests that need them are skipped.
set -u
missing=""
command -v sshd >/dev/null 2>&1 || [ -x /usr/sbin/sshd ] || missing="$missing openssh-server"
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
command -v git >/dev/null 2>&1 || missing="$missing git"
command -v sudo >/dev/null 2>&1 || missing="$missing sudo"
command -v strace >/dev/null 2>&1 || missing="$missing strace"
command -v ngircd >/dev/null 2>&1 || [ -x /usr/sbin/ngircd ] || missing="$missing ngircd"
command -v prosody >/dev/null 2>&1 || missing="$missing prosody"
command -v slapd >/dev/null 2>&1 || [ -x /usr/sbin/slapd ] || missing="$missing slapd"
command -v curl >/dev/null 2>&1 || missing="$missing curl"
command -v jq >/dev/null 2>&1 || missing="$missing jq"
command -v shellcheck >/dev/null 2>&1 || missing="$missing shellcheck"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "Not installed, so their tests are skipped:$missing"
    exit 0
fi
echo "Installing:$missing"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086
apt-get update -qq >/dev/null 2>&1
apt-get install -y -qq --no-install-recommends $missing >/dev/null 2>&1 || echo "Some could not be installed; their tests are skipped."
# Tests start their own chat servers, on loopback; the ones that Debian would start serve nobody.
if [ -d /run/systemd/system ]; then
    for server in ngircd prosody slapd; do
        case "$missing" in *"$server"*) systemctl disable --now "$server" >/dev/null 2>&1 ;; esac
    done
fi
exit 0
