#!/bin/sh
# linux.check_loadavg: check_loadavg.sh PERIOD; writes an object such as {"1": 0.12, "5": 0.3, "15": 0.2}.
set -u
period=${1:-all}

if [ ! -r /proc/loadavg ]; then
    echo "/proc/loadavg cannot be read: this is no Linux, or /proc is not mounted." >&2
    exit 2
fi
read -r one five fifteen rest </proc/loadavg

case $period in
    1) printf '{"1": %s}\n' "$one" ;;
    5) printf '{"5": %s}\n' "$five" ;;
    15) printf '{"15": %s}\n' "$fifteen" ;;
    all | '') printf '{"1": %s, "5": %s, "15": %s}\n' "$one" "$five" "$fifteen" ;;
    *)
        printf 'Unknown period %s: use 1, 5, 15 or all.\n' "$period" >&2
        exit 2
        ;;
esac
