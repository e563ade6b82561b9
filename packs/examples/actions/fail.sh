#!/bin/sh
# examples.fail: fail.sh CODE
code=${1:-3}
echo "Everything looked fine until now."
echo "This action fails on purpose, with status $code." >&2
exit "$code"
