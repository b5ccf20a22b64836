#!/bin/sh
# unshare -m no-cgroup.sh COMMAND ...: runs it where no control group can be written.
mount --make-rprivate / || exit 1
for point in $(awk '$3 ~ /^cgroup2?$/ { print $2 }' /proc/self/mounts); do
	mount -o remount,bind,ro "$point" || exit 1
done
exec "$@"
