#!/bin/sh
# examples.countdown: countdown.sh SECONDS
left=${1:-5}
while [ "$left" -gt 0 ]; do
    echo "$left ..."
    sleep 1
    left=$((left - 1))
done
echo "Lift-off!"
