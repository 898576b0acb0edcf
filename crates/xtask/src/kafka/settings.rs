//! The settings of a private cluster's brokers.

use std::path::Path;

/// Maximum number of brokers in a cluster. In a block of ports, the first ones are for clients, and as many for controllers.
pub(super) const MAX_BROKERS: u16 = 4;

/// A cluster's id: 16 bytes in URL-safe base64, as Kafka generates them.
pub(super) fn cluster_id(port: u16) -> String {
    format!("spanbridge-{port:0>11}")
}

/// The `server.properties` of one broker.
pub(super) fn properties(directory: &Path, first: u16, node: u16, count: u16) -> String {
    let controller = |node: u16| format!("127.0.0.1:{}", first + MAX_BROKERS + node - 1);
    let voters: Vec<_> = (1..=count).map(|node| format!("{node}@{}", controller(node))).collect();
    let broker = format!("PLAINTEXT://127.0.0.1:{}", first + node - 1);
    let replicas = count.min(3);
    // With three brokers, two must have a message before it is acknowledged.
    let in_sync = if replicas > 2 { 2 } else { 1 };
    let settings = [
        ("process.roles", "broker,controller".to_owned()),
        ("node.id", node.to_string()),
        ("controller.quorum.voters", voters.join(",")),
        ("controller.listener.names", "CONTROLLER".to_owned()),
        ("listeners", format!("{broker},CONTROLLER://{}", controller(node))),
        ("advertised.listeners", broker),
        ("inter.broker.listener.name", "PLAINTEXT".to_owned()),
        ("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT".to_owned()),
        ("log.dirs", directory.join(format!("data{node}")).display().to_string()),
        ("default.replication.factor", replicas.to_string()),
        ("min.insync.replicas", in_sync.to_string()),
        // Kafka's internal topics have fifty partitions by default, which a small broker takes long to create.
        ("offsets.topic.num.partitions", "4".to_owned()),
        ("offsets.topic.replication.factor", replicas.to_string()),
        ("transaction.state.log.num.partitions", "4".to_owned()),
        ("transaction.state.log.replication.factor", replicas.to_string()),
        ("transaction.state.log.min.isr", in_sync.to_string()),
        ("share.coordinator.state.topic.num.partitions", "1".to_owned()),
        ("share.coordinator.state.topic.replication.factor", replicas.to_string()),
        ("share.coordinator.state.topic.min.isr", in_sync.to_string()),
        // Do not delay a group's first rebalance to wait for more members.
        ("group.initial.rebalance.delay.ms", "0".to_owned()),
        // How long the controller waits for a silent broker. After a kill, its partitions get new leaders only then, and it
        // can rejoin only then.
        ("broker.session.timeout.ms", "3000".to_owned()),
        ("broker.heartbeat.interval.ms", "500".to_owned()),
        // Compact early, and with little memory.
        ("log.cleaner.backoff.ms", "500".to_owned()),
        ("log.cleaner.dedupe.buffer.size", "4194304".to_owned()),
    ];
    settings.map(|(name, value)| format!("{name}={value}\n")).concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_broker_of_three_knows_the_others() {
        let all = [1, 2, 3].map(|node| properties(Path::new("/d"), 10_200, node, 3));
        for (text, node) in all.iter().zip(1..) {
            assert!(text.contains("controller.quorum.voters=1@127.0.0.1:10204,2@127.0.0.1:10205,3@127.0.0.1:10206\n"));
            assert!(text.contains(&format!("node.id={node}\n")), "{text}");
            assert!(text.contains(&format!("advertised.listeners=PLAINTEXT://127.0.0.1:{}\n", 10_199 + node)));
            assert!(text.contains(&format!("log.dirs=/d/data{node}\n")) && text.contains("min.insync.replicas=2\n"));
        }
        assert!(properties(Path::new("/d"), 10_200, 1, 1).contains("min.insync.replicas=1\n"));
    }

    #[test]
    fn an_id_of_a_cluster_has_22_characters() {
        assert_eq!(cluster_id(10_200), "spanbridge-00000010200");
        assert_eq!(cluster_id(10_200).len(), 22);
    }
}
