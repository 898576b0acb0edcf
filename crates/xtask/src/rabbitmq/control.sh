# Starts, kills and removes one private RabbitMQ. The assignments above this line say which one:
# dir, bin (RabbitMQ's own scripts), port, dist_port, epmd_port.
#
# Every process started here carries SPANBRIDGE_BROKER=$dir in its environment. A pid is only ever
# signalled while that is so: a number that the system has given to somebody else stays unharmed.
set -u
export SPANBRIDGE_BROKER="$dir"

# Runs "$@" in the broker's own small world; nothing of the caller's RABBITMQ_* or ERL_* gets in.
in_broker() {
    exec env -i PATH="$PATH" LANG=C.UTF-8 HOME="$dir" SPANBRIDGE_BROKER="$dir" \
        ERL_EPMD_ADDRESS=127.0.0.1 ERL_EPMD_PORT="$epmd_port" ERL_ZFLAGS="-start_epmd false" \
        RABBITMQ_NODENAME="sb$port@localhost" RABBITMQ_NODE_PORT="$port" RABBITMQ_DIST_PORT="$dist_port" \
        RABBITMQ_MNESIA_BASE="$dir/data" RABBITMQ_LOG_BASE="$dir/log" RABBITMQ_LOGS=- \
        RABBITMQ_CONFIG_FILE="$dir/rabbitmq" RABBITMQ_ADVANCED_CONFIG_FILE="$dir/advanced.config" \
        RABBITMQ_GENERATED_CONFIG_DIR="$dir/config" RABBITMQ_ENABLED_PLUGINS_FILE="$dir/enabled_plugins" \
        RABBITMQ_PID_FILE="$dir/node.pid" RABBITMQ_CONF_ENV_FILE=/dev/null RUNNING_UNDER_SYSTEMD=true \
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="+sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}" \
        "$@"
}

# marked PID: does its environment carry our mark?
marked() {
    tr '\0' '\n' 2>/dev/null <"/proc/$1/environ" | grep -qxF "SPANBRIDGE_BROKER=$dir"
} 2>/dev/null

# ours PID: is it a living process of this broker? Asked twice before the answer is no: for a moment, while one
# program replaces another by exec, a process shows no environment.
ours() { [ -n "$1" ] && { marked "$1" || { sleep 0.02 && marked "$1"; }; }; }

# group_of FILE: the process group that `launch` noted there, while it lives.
group_of() {
    group=$(cat "$1" 2>/dev/null)
    ours "$group" && echo "$group"
}

# launch FILE LOG COMMAND...: in a session of its own, so that no Ctrl-C of a terminal reaches it. The
# pid is noted before anything is started; when the directory is gone by then, nothing is started.
launch() {
    rm -f "$1"
    note=$1 log=$2
    shift 2
    (in_broker setsid sh -c 'note=$1; shift; echo $$ >"$note" && test -s "$note" && exec "$@"' sh "$note" "$@") >"$log" 2>&1 </dev/null &
    wait_until 10 test -s "$note"
}

# wait_until SECONDS COMMAND...
wait_until() {
    until=$(($(date +%s) + $1))
    shift
    until "$@"; do
        [ "$(date +%s)" -lt "$until" ] || return 1
        sleep 0.05
    done
}

# SIGKILL to the node's whole group; done when its port is closed (the process is seen to end a little before).
crash() {
    group=$(group_of "$dir/node.group") && kill -KILL "-$group" 2>/dev/null
    wait_until 20 crashed || fail "the node does not end"
}

crashed() { ! group_of "$dir/node.group" >/dev/null && ! grep -q ":$(printf %04X "$port") 00000000:0000 0A" /proc/net/tcp; }

ready() { grep -q 'Server startup complete' "$dir/node.log"; }

ready_or_dead() { ready || ! group_of "$dir/node.group" >/dev/null; }

start() {
    [ -d "$dir" ] || fail "$dir is gone"
    group_of "$dir/epmd.group" >/dev/null ||
        launch "$dir/epmd.group" "$dir/epmd.log" epmd -address 127.0.0.1 -port "$epmd_port" || fail "epmd did not start"
    group_of "$dir/node.group" >/dev/null ||
        launch "$dir/node.group" "$dir/node.log" "$bin/rabbitmq-server" || fail "the node did not start"
    wait_until 120 ready_or_dead || fail "the node was not ready after 120 seconds"
    ready || fail "the node ended while starting"
}

fail() {
    echo "RabbitMQ on port $port: $1" >&2
    for log in epmd node; do
        [ -s "$dir/$log.log" ] && echo "--- the end of $log.log:" >&2 && tail -n 25 "$dir/$log.log" >&2
    done
    exit 1
}

# Kills every process with our mark, also one that went its own way; succeeds when there was none.
none_left() {
    pids=$(cd /proc && env -u SPANBRIDGE_BROKER grep -lzxF "SPANBRIDGE_BROKER=$dir" [0-9]*/environ 2>/dev/null)
    for pid in $pids; do kill -KILL "${pid%/environ}" 2>/dev/null; done
    [ -z "$pids" ]
}

# Twice, for the reason given at `ours`.
all_ended() { none_left && sleep 0.02 && none_left; }

# The rename comes first: from then on a `start` that still runs can note no pid and so starts nothing.
remove() {
    removed="$dir.removed"
    mv "$dir" "$removed" 2>/dev/null || return 0
    wait_until 20 all_ended
    rm -rf "$removed" "$dir"
}

# Stands by until whoever holds the other end of stdin closes it or dies, by whatever signal.
guard() {
    trap '' INT TERM HUP
    while read -r _; do :; done
    remove
}

case $1 in
start) start ;;
kill) crash ;;
restart) crash && start ;;
ctl) shift && in_broker "$bin/rabbitmqctl" --quiet "$@" ;;
guard) guard ;;
*) echo "usage: $0 start|kill|restart|ctl ARGUMENTS" >&2 && exit 2 ;;
esac
exit
