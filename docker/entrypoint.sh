#!/bin/sh
# Runs its arguments as PUID:PGID instead of root, so that the files on a NAS belong to their user there.
# A container that was started with --user has no root to give up: then PUID and PGID say nothing.
set -eu

if [ "$(id -u)" -ne 0 ]; then
  exec "$@"
fi

uid=${PUID:-1000}
gid=${PGID:-1000}
data=${SYNCSTATS_DATA:-/data}

for id in "$uid" "$gid"; do
  case $id in
    '' | *[!0-9]*)
      echo "entrypoint: PUID and PGID are numbers, not '$id'; \`id\` on the host shows yours" >&2
      exit 2
      ;;
  esac
  if [ "$id" -eq 0 ]; then
    echo "entrypoint: PUID and PGID must not be 0: syncstats does not run as root" >&2
    exit 2
  fi
done

# A fresh volume belongs to root. Whatever already holds data keeps its owner: changing a large log at each
# start would be slow, and handing out somebody else's files worse.
if [ -d "$data" ] && listing=$(ls -A "$data") && [ -z "$listing" ]; then
  chown "$uid:$gid" "$data" || echo "entrypoint: $data keeps its owner; is it writable for $uid:$gid?" >&2
fi

# root's home folder is closed to the user that we become.
export HOME=/tmp
exec setpriv --reuid="$uid" --regid="$gid" --clear-groups -- "$@"
