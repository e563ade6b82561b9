#!/bin/sh
# examples.deploy: deploy.sh [--fail_at=STEP] [--step_s=N] SERVICE ENVIRONMENT VERSION
set -u

fail_at=
step_s=0.5
service=
environment=
version=
for argument in "$@"; do
    case $argument in
        --fail_at=*) fail_at=${argument#*=} ;;
        --step_s=*) step_s=${argument#*=} ;;
        *)
            if [ -z "$service" ]; then service=$argument
            elif [ -z "$environment" ]; then environment=$argument
            else version=$argument
            fi ;;
    esac
done
environment=${environment:-staging}
version=${version:-latest}

number=0
step() {
    number=$((number + 1))
    sleep "$step_s"
    if [ "$fail_at" = "$1" ]; then
        printf '[%d/5] %-9s failed\n' "$number" "$1"
        printf '%s: %s of %s to %s was stopped; nothing else was changed.\n' \
            "$1" "$version" "$service" "$environment" >&2
        exit 1
    fi
    printf '[%d/5] %-9s %s\n' "$number" "$1" "$2"
}

step fetch "$service $version"
step check "signature and size are right"
step canary "1 of 6 replicas, no errors"
step "roll out" "6 of 6 replicas in $environment"
step verify "$service answers with version $version"
printf '%s %s is live in %s (a play: nothing was touched).\n' "$service" "$version" "$environment"
