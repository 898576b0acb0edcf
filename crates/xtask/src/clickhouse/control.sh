
# Starts, kills and removes the nodes of one private ClickHouse. Variables: dir, nodes ("1 2"), port (the first node's, for HTTP),
# step (from one node's to the next). `serve NODE` launches a node. `start`, `kill` and
# `restart` take the number of a node. Without one, they act on all nodes.

# Runs "$@" in the server's environment, without the caller's variables.
in_broker() { exec env -i PATH="$PATH" LANG=C.UTF-8 HOME="$dir" SPANBRIDGE_BROKER="$dir" "$@"; }

ready() { grep -q 'Ready for connections' "$dir/node$1.log"; }

ready_or_dead() { ready "$1" || ! group_of "$dir/node$1.group" >/dev/null; }

# A server that was killed leaves files that the next one does not mind.
run() {
    mkdir -p "$dir/data$1"
    group_of "$dir/node$1.group" >/dev/null ||
        serve "$1"
}

start() {
    [ -d "$dir" ] || fail "$dir is gone"
    for node in $nodes; do run "$node" || fail "node $node did not start"; done
    for node in $nodes; do
        wait_until 60 ready_or_dead "$node" || fail "node $node was not ready after 60 seconds"
        ready "$node" || fail "node $node ended while starting"
    done
}

stop() {
    for node in $nodes; do
        crash "$dir/node$node.group" $((port + step * (node - 1))) || fail "node $node does not end"
    done
}

fail() {
    echo "ClickHouse on port $port: $1" >&2
    for node in $nodes; do show_logs "node$node"; done
    exit 1
}

command=$1
nodes=${2:-$nodes}
case $command in
start) start ;;
kill) stop ;;
restart) stop && start ;;
guard) guard ;;
*) echo "usage: $0 start|kill|restart [NODE]" >&2 && exit 2 ;;
esac
exit
