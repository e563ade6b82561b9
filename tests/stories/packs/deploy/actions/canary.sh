#!/bin/sh
# The gate is a file: as long as it is not there, the canary is watched.
tries=0
while [ ! -e "$2" ] && [ "$tries" -lt 1200 ]; do
    sleep 0.1
    tries=$((tries + 1))
done
if [ "$1" = 1.42.0 ]; then
    echo "err 3.1% > 1%"
    exit 1
fi
echo "$1 is live"
