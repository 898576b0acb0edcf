
# Starts, kills and removes one private PostgreSQL. Variables: dir, bin (the directory of PostgreSQL's programs), port.

# Runs "$@" in the server's environment, without the caller's PG* variables.
in_broker() { exec env -i PATH="$PATH" LANG=C.UTF-8 HOME="$dir" SPANBRIDGE_BROKER="$dir" "$@"; }

# The server refuses to be root. Then it belongs to the user of the package, else to nobody.
owner= as=
if [ "$(id -u)" = 0 ]; then
    owner=$(id -un postgres 2>/dev/null) || owner=nobody
    owner="$(id -u "$owner"):$(id -g "$owner")"
    as="setpriv --reuid=${owner%:*} --regid=${owner#*:} --clear-groups"
fi

as_owner() { $as "$@"; }

# A child of the server writes its title over its environment, so it is known by its working directory, too.
living() {
    with_mark
    (cd /proc && as_owner find [0-9]* -maxdepth 1 -name cwd \( -lname "$dir/*" -o -lname "$dir.removed/*" \) 2>/dev/null)
}

# A killed server leaves a segment of System V shared memory. Its id is in line 7 of the file with the pid.
forget() {
    segment=$(sed -n '7s/.* //p' "$1/data/postmaster.pid" 2>/dev/null)
    [ -z "$segment" ] || ipcrm -m "$segment" 2>/dev/null
}

# Nothing is synced to the disk: a test does not crash the machine.
settings="listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = ''
max_connections = 200
shared_buffers = 16MB
dynamic_shared_memory_type = mmap
fsync = off
full_page_writes = off
wal_level = logical
max_replication_slots = 20
max_wal_senders = 20
max_prepared_transactions = 10
max_wal_size = 256MB
timezone = 'UTC'
log_timezone = 'UTC'"

# The directory becomes the data directory only when it is whole.
create() {
    [ -d "$dir/data" ] && return
    chmod 711 "$dir" && mkdir -m 700 "$dir/new" || return
    [ -z "$owner" ] || chown "$owner" "$dir/new" || return
    (cd / && in_broker $as "$bin/initdb" --pgdata="$dir/new" --username=postgres --auth=trust --encoding=UTF8 \
        --locale=C --wal-segsize=1 --no-sync) >"$dir/initdb.log" 2>&1 </dev/null || return
    echo "$settings" >>"$dir/new/postgresql.conf"
    mv "$dir/new" "$dir/data"
}

ready() { grep -q 'database system is ready to accept connections' "$dir/node.log"; }

ready_or_dead() { ready || ! group_of "$dir/node.group" >/dev/null; }

start() {
    [ -d "$dir" ] || fail "$dir is gone"
    create || fail "the data directory was not created"
    group_of "$dir/node.group" >/dev/null ||
        launch "$dir/node.group" "$dir/node.log" $as "$bin/postgres" -D "$dir/data" || fail "the server did not start"
    wait_until 60 ready_or_dead || fail "the server was not ready after 60 seconds"
    ready || fail "the server ended while starting"
}

# Its children notice its death by themselves, but not in the middle of a statement. The file with the pid is removed, because
# the server would take a process that has ended, and is not yet waited for, for another server.
stop() {
    crash "$dir/node.group" "$port" && wait_until 20 all_ended || fail "the server does not end"
    forget "$dir"
    rm -f "$dir/data/postmaster.pid"
}

fail() {
    echo "PostgreSQL on port $port: $1" >&2
    show_logs initdb node
    exit 1
}

case $1 in
start) start ;;
kill) stop ;;
restart) stop && start ;;
pid) group_of "$dir/node.group" ;;
guard) guard ;;
*) echo "usage: $0 start|kill|restart|pid" >&2 && exit 2 ;;
esac
exit
