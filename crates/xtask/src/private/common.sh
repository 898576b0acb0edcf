# The common part of the control scripts of private brokers. The assignments above this line set `dir` and the variables of
# the broker's own part below. That part defines `in_broker`, which runs "$@" in the broker's environment. It may replace
# `as_owner`, `living` and `forget`.
#
# Every process started here has SPANBRIDGE_BROKER=$dir in its environment. A pid is signalled only if its process has that
# mark, so a process that has got the same pid later is not harmed.
set -u
export SPANBRIDGE_BROKER="$dir"

# Runs "$@" as the user whose processes these are. Even root may not be allowed to look into those of others.
as_owner() { "$@"; }

# Prints PID/environ for every process with our mark, those outside of the groups too.
with_mark() {
    (cd /proc && as_owner env -u SPANBRIDGE_BROKER grep -lzxF "SPANBRIDGE_BROKER=$dir" [0-9]*/environ 2>/dev/null)
}

# Prints PID/FILE for every process of the broker.
living() { with_mark; }

# Removes what is left of a broker outside of its directory, which is now "$1". No process is left.
forget() { :; }

# marked PID: does its environment have our mark?
marked() {
    as_owner cat "/proc/$1/environ" 2>/dev/null | tr '\0' '\n' | grep -qxF "SPANBRIDGE_BROKER=$dir"
} 2>/dev/null

# ours PID: is it a running process of this broker? Checks twice, because a process shows no environment for a moment during
# exec.
ours() { [ -n "$1" ] && { marked "$1" || { sleep 0.02 && marked "$1"; }; }; }

# group_of FILE: the process group that `launch` wrote to the file, if it is running.
group_of() {
    group=$(cat "$1" 2>/dev/null)
    ours "$group" && echo "$group"
}

# launch FILE LOG COMMAND...: starts the command in its own session, so that Ctrl-C in a terminal does not reach it. Its pid is
# written before it starts. If the directory has been removed by then, it does not start.
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

# crash FILE PORT: sends SIGKILL to the group, and waits until its port is closed, which is shortly after the process has ended.
crash() {
    group=$(group_of "$1") && kill -KILL "-$group" 2>/dev/null
    wait_until 20 crashed "$1" "$2"
}

crashed() { ! group_of "$1" >/dev/null && ! grep -q ":$(printf %04X "$2") 00000000:0000 0A" /proc/net/tcp; }

# show_logs NAME...: prints the end of each log to stderr.
show_logs() {
    for log in "$@"; do
        [ -s "$dir/$log.log" ] && echo "--- the end of $log.log:" >&2 && tail -n 25 "$dir/$log.log" >&2
    done
}

# Kills every process of the broker. Succeeds if there was none.
none_left() {
    pids=$(living)
    for pid in $pids; do kill -KILL "${pid%%/*}" 2>/dev/null; done
    [ -z "$pids" ]
}

# Twice, for the same reason as in `ours`.
all_ended() { none_left && sleep 0.02 && none_left; }

# Renames first: after that, a `start` that is still running cannot write a pid, so it starts nothing.
remove() {
    removed="$dir.removed"
    mv "$dir" "$removed" 2>/dev/null || return 0
    wait_until 20 all_ended
    forget "$removed"
    rm -rf "$removed" "$dir"
}

# Waits until the other end of stdin is closed, also by the death of its process. Then removes everything.
guard() {
    trap '' INT TERM HUP
    while read -r _; do :; done
    remove
}
