
# Starts, kills and removes one private RabbitMQ. Variables: dir, bin (the directory of RabbitMQ's scripts), port, dist_port,
# epmd_port.

# Runs "$@" in the broker's environment, without the caller's RABBITMQ_* and ERL_* variables.
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

stop() { crash "$dir/node.group" "$port" || fail "the node does not end"; }

fail() {
    echo "RabbitMQ on port $port: $1" >&2
    show_logs epmd node
    exit 1
}

case $1 in
start) start ;;
kill) stop ;;
restart) stop && start ;;
ctl) shift && in_broker "$bin/rabbitmqctl" --quiet "$@" ;;
guard) guard ;;
*) echo "usage: $0 start|kill|restart|ctl ARGUMENTS" >&2 && exit 2 ;;
esac
exit
