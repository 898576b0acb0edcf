
# Starts, kills and removes the brokers of one private Kafka. Variables: dir, java, jars (the directory of the class path),
# cluster (the id), nodes ("1 2 3"), port (the first broker's; the others follow). `start`, `kill` and `restart` take the
# number of a node. Without one, they act on all nodes.

# Runs "$@" in the broker's environment, without the caller's KAFKA_* and JAVA_* variables.
in_broker() { exec env -i PATH="$PATH" LANG=C.UTF-8 HOME="$dir" SPANBRIDGE_BROKER="$dir" "$@"; }

# Options for a fast start and a small load. IPv4 only: `crashed` looks for the port in /proc/net/tcp, which has no IPv6 ports.
machine="-Xms64m -Xmx384m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Djava.net.preferIPv4Stack=true"
logging="-Dorg.slf4j.simpleLogger.defaultLogLevel=warn -Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info"

ready() { grep -q 'Kafka Server started' "$dir/node$1.log"; }

ready_or_dead() { ready "$1" || ! group_of "$dir/node$1.group" >/dev/null; }

# A broker's directory has to be formatted before its first start.
format() {
    [ -e "$dir/data$1/meta.properties" ] ||
        (in_broker "$java" $machine $logging -cp "$jars/*" kafka.tools.StorageTool \
            format --cluster-id "$cluster" --config "$dir/node$1.properties") >"$dir/format$1.log" 2>&1 </dev/null
}

run() {
    group_of "$dir/node$1.group" >/dev/null ||
        launch "$dir/node$1.group" "$dir/node$1.log" "$java" $machine $logging \
            -cp "$jars/*" kafka.Kafka "$dir/node$1.properties"
}

# All at once: a single one of several waits for the others.
start() {
    [ -d "$dir" ] || fail "$dir is gone"
    formatting=
    for node in $nodes; do
        format "$node" &
        formatting="$formatting $!"
    done
    for pid in $formatting; do wait "$pid" || fail "a directory was not formatted"; done
    for node in $nodes; do run "$node" || fail "a broker did not start"; done
    for node in $nodes; do
        wait_until 120 ready_or_dead "$node" || fail "broker $node was not ready after 120 seconds"
        ready "$node" || fail "broker $node ended while starting"
    done
}

stop() {
    for node in $nodes; do crash "$dir/node$node.group" $((port + node - 1)) || fail "broker $node does not end"; done
}

fail() {
    echo "Kafka on port $port: $1" >&2
    for node in $nodes; do show_logs "format$node" "node$node"; done
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
