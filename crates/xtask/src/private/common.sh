# What the control scripts of all private brokers share. The assignments above this line say which broker it is: dir,
# and what else its own part below asks for. That part defines `in_broker`, which runs "$@" in the broker's own world.
#
# Every process started here carries SPANBRIDGE_BROKER=$dir in its environment. A pid is only ever
# signalled while that is so: a number that the system has given to somebody else stays unharmed.
set -u
export SPANBRIDGE_BROKER="$dir"

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

# crash FILE PORT: SIGKILL to the whole group; done when its port is closed (the process is seen to end a little before).
crash() {
    group=$(group_of "$1") && kill -KILL "-$group" 2>/dev/null
    wait_until 20 crashed "$1" "$2"
}

crashed() { ! group_of "$1" >/dev/null && ! grep -q ":$(printf %04X "$2") 00000000:0000 0A" /proc/net/tcp; }

# show_logs NAME...: the end of each, on stderr.
show_logs() {
    for log in "$@"; do
        [ -s "$dir/$log.log" ] && echo "--- the end of $log.log:" >&2 && tail -n 25 "$dir/$log.log" >&2
    done
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
