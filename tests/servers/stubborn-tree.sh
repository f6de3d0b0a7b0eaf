#!/bin/sh
# A process tree that does not want to end: no member reads its input or obeys a polite signal.
# With "orphans" the launcher itself leaves at once and only its descendants stay.
trap '' TERM HUP INT
# A duration of the test's choice marks its processes also where they hide their environment.
nap=${TEST_NAP:-1000}
sleep "$nap" &
# Out of the session, and away from the parent.
setsid sh -c 'sleep "$0" & exit 0' "$nap" &
# Out of the group, still a child.
setsid sleep "$nap" &
echo '{"jsonrpc":"2.0","method":"notifications/up"}'
if [ "$1" = orphans ]; then exit 0; fi
# Leaves the session and hides its environment.
env -i /usr/bin/setsid /bin/sleep "$nap" &
while :; do sleep "$nap"; done
