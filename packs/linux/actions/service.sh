#!/bin/sh
# linux.service: service.sh ACT SERVICE; systemd where it runs, else the service command, else OpenRC.
set -u
act=${1:-}
service=${2:-}

case $act in
    start | stop | restart | reload | try-restart | force-reload | status | enable | disable | is-active | is-enabled) ;;
    '')
        echo "Say what to do: start, stop, restart, reload, status, enable or disable." >&2
        exit 2
        ;;
    *)
        printf 'Cannot %s a service: use start, stop, restart, reload, status, enable or disable.\n' "$act" >&2
        exit 2
        ;;
esac
# A name that begins with a dash would be an option, one with a slash a path.
case $service in
    '' | -* | */*)
        printf '"%s" is no name of a service.\n' "$service" >&2
        exit 2
        ;;
esac

if [ -d /run/systemd/system ]; then
    exec systemctl --no-pager "$act" "$service"
elif command -v service >/dev/null 2>&1; then
    exec service "$service" "$act"
elif command -v rc-service >/dev/null 2>&1; then
    exec rc-service "$service" "$act"
fi
echo "There is no systemd, no service command and no OpenRC here." >&2
exit 127
