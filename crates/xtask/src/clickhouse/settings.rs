//! The settings of a private cluster's nodes.

use std::path::Path;

/// The number of nodes. Each is a shard.
pub(super) const NODES: u16 = 2;

/// The ports of each node, in order: HTTP, the native protocol, the other nodes.
pub(super) const PORTS_OF_A_NODE: u16 = 3;

/// The port of a node for HTTP. Nodes are counted from 1.
pub(super) fn http_port(first: u16, node: u16) -> u16 {
    first + PORTS_OF_A_NODE * (node - 1)
}

/// The `config.xml` of one node. Servers before version 20 know no other root element than `yandex`, and later ones still do.
pub(super) fn config(directory: &Path, first: u16, node: u16) -> String {
    let http = http_port(first, node);
    let shard = |node: u16| {
        let port = http_port(first, node) + 1;
        format!("<shard><replica><host>127.0.0.1</host><port>{port}</port></replica></shard>")
    };
    let shards: String = (1..=NODES).map(shard).collect();
    let home = directory.join(format!("data{node}"));
    let home = home.display();
    format!(
        "<yandex>
    <logger><level>information</level><console>1</console></logger>
    <listen_host>127.0.0.1</listen_host>
    <http_port>{http}</http_port>
    <tcp_port>{}</tcp_port>
    <interserver_http_port>{}</interserver_http_port>
    <interserver_http_host>127.0.0.1</interserver_http_host>
    <path>{home}/</path>
    <tmp_path>{home}/tmp/</tmp_path>
    <user_files_path>{home}/user_files/</user_files_path>
    <format_schema_path>{home}/format_schemas/</format_schema_path>
    <users_config>{}</users_config>
    <default_profile>default</default_profile>
    <default_database>default</default_database>
    <mark_cache_size>67108864</mark_cache_size>
    <uncompressed_cache_size>0</uncompressed_cache_size>
    <timezone>UTC</timezone>
    <remote_servers><spanbridge>{shards}</spanbridge></remote_servers>
    <macros><shard>{node}</shard><replica>node{node}</replica></macros>
</yandex>
",
        http + 1,
        http + 2,
        directory.join("users.xml").display(),
    )
}

/// The `users.xml` of all nodes: the user `default`, without a password. A node that is gone is noticed within a second.
pub(super) fn users() -> String {
    "<yandex>
    <profiles><default>
        <connect_timeout_with_failover_ms>1000</connect_timeout_with_failover_ms>
        <connections_with_failover_max_tries>3</connections_with_failover_max_tries>
    </default></profiles>
    <users><default>
        <password></password>
        <networks><ip>127.0.0.1</ip></networks>
        <profile>default</profile>
        <quota>default</quota>
    </default></users>
    <quotas><default></default></quotas>
</yandex>
"
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_node_knows_both_shards() {
        let nodes = [1, 2].map(|node| config(Path::new("/tmp/x"), 8_000, node));
        for (node, http) in [(0, 8_000), (1, 8_003)] {
            let config = &nodes[node];
            let number = node + 1;
            for part in [
                format!("<http_port>{http}</http_port>"),
                format!("<tcp_port>{}</tcp_port>", http + 1),
                format!("<path>/tmp/x/data{number}/</path>"),
                format!("<macros><shard>{number}</shard><replica>node{number}</replica></macros>"),
                "<port>8001</port></replica></shard><shard><replica><host>127.0.0.1</host><port>8004</port>".to_owned(),
            ] {
                assert!(config.contains(&part), "{part} in {config}");
            }
        }
    }
}
