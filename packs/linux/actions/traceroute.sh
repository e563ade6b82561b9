#!/bin/sh
# linux.traceroute: traceroute.sh HOST HOPS QUERIES; traceroute where it is installed, else tracepath.
set -u
host=${1:-}
hops=${2:-30}
queries=${3:-3}

case $host in
    '' | -*)
        printf '"%s" is no host.\n' "$host" >&2
        exit 2
        ;;
esac
for number in "$hops" "$queries"; do
    case $number in
        *[!0-9]* | '')
            printf '"%s" is no number.\n' "$number" >&2
            exit 2
            ;;
    esac
done

if command -v traceroute >/dev/null 2>&1; then
    exec traceroute -m "$hops" -q "$queries" "$host"
elif command -v tracepath >/dev/null 2>&1; then
    # tracepath asks each hop as often as it thinks right.
    exec tracepath -m "$hops" "$host"
fi
echo "Install traceroute or tracepath (package iputils-tracepath or iputils) on this host." >&2
exit 127
