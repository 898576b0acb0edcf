//! The private ClickHouse: each node survives a crash with its data while the other goes on, and nothing is left behind, however
//! the process that started it ends. If there can be none, the command says so.

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

use rustix::process::Signal;
use support::{Foreground, accepts, processes_of};
use xtask::clickhouse::{Cluster, installed};

const CLICKHOUSE: Foreground = Foreground {
    task: "clickhouse",
    address: "CLICKHOUSE_URL=clickhouse://default@127.0.0.1:",
    directory: "SPANBRIDGE_TEST_CLICKHOUSE_DIR=",
    processes: 2,
};
const NOT_HERE: &str = "ClickHouse is not installed; `cargo xtask clickhouse` installs it if it can";

/// What a node answers.
fn sql(port: u16, statement: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let length = statement.len();
    write!(stream, "POST / HTTP/1.0\r\nContent-Length: {length}\r\n\r\n{statement}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(" 200 "), "{answer}");
    body.trim_end().to_owned()
}

/// Each node asks the other, one is killed and comes back with what was inserted, and another cluster notices nothing.
#[test]
fn a_killed_node_comes_back_alone() {
    if installed().is_none() {
        return xtask::skip(NOT_HERE);
    }
    let (cluster, other) = (Cluster::start().unwrap(), Cluster::start().unwrap());
    assert_ne!(cluster.url(), other.url());
    let others = [1, 2].map(|node| other.pid(node));
    for (node, number) in [(1, "10"), (2, "20")] {
        sql(cluster.port(node), "create table kept (n UInt8) engine = MergeTree order by n");
        sql(cluster.port(node), &format!("insert into kept values ({number})"));
        assert_eq!(
            sql(cluster.port(node), "select substitution from system.macros where macro = 'shard'"),
            node.to_string()
        );
    }
    let sum = "select sum(n) from cluster(spanbridge, default, kept)";
    assert_eq!([1, 2].map(|node| sql(cluster.port(node), sum)), ["30", "30"]);

    cluster.kill(2).unwrap();
    assert_eq!(cluster.pid(2), None);
    assert!(!accepts(cluster.port(2)) && accepts(cluster.port(1)));
    cluster.kill(2).unwrap();
    cluster.restart(2).unwrap();
    assert_eq!(sql(cluster.port(1), sum), "30");

    let script = |name: &str, node: &str| {
        let status = Command::new("sh").arg(cluster.directory().join(name)).arg(node).status();
        status.unwrap().success()
    };
    assert!(script("kill", "1") && !accepts(cluster.port(1)) && accepts(cluster.port(2)));
    assert!(script("start", "1") && accepts(cluster.port(1)));

    assert_eq!([1, 2].map(|node| other.pid(node)), others);
    assert_eq!(sql(other.port(1), "exists table kept"), "0");
    cluster.kill(1).unwrap();
    let directories = [cluster.directory().to_owned(), other.directory().to_owned()];
    drop((cluster, other));
    for directory in directories {
        assert_eq!(processes_of(&directory), 0);
        assert!(!directory.exists());
    }
}

/// Also after a signal while it starts.
#[test]
fn nothing_is_left_however_it_ends() {
    if installed().is_none() {
        return xtask::skip(NOT_HERE);
    }
    CLICKHOUSE.leaves_nothing_when_it_ends(&[
        (Signal::INT, Some(130)),
        (Signal::TERM, Some(143)),
        (Signal::KILL, None),
    ]);
    for phase in ["data1", "node2.group"] {
        CLICKHOUSE.leaves_nothing_when_it_starts(phase, &[Signal::INT, Signal::KILL]);
    }
}

/// A machine with nothing but a shell.
#[test]
fn without_clickhouse_the_command_runs() {
    let bin = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    std::os::unix::fs::symlink("/bin/sh", bin.path().join("sh")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["clickhouse", "--", "sh", "-c", "exit 7"])
        .envs([("CLICKHOUSE_URL", ""), ("DOCKER_HOST", "unix:///nowhere")])
        .envs([("PATH", bin.path()), ("CLICKHOUSE_BIN", bin.path())])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(7));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.trim_end().ends_with(
            "xtask: not shown: ClickHouse: none (failed to find ClickHouse: install it (apt-get \
        install clickhouse-server, as root), or set CLICKHOUSE_BIN to its bin directory): its tests are skipped"
        ),
        "{said}"
    );
}
