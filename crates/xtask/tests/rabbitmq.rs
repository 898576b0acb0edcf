//! The private broker: it survives a crash with its data, disturbs no other one, and leaves nothing behind,
//! however the process that started it ends.

mod support;

use std::process::Command;

use rustix::process::Signal;
use support::{Foreground, accepts, processes_of};
use xtask::rabbitmq::{Broker, installed};

const RABBITMQ: Foreground = Foreground {
    task: "rabbitmq",
    address: "AMQP_URL=amqp://guest:guest@127.0.0.1:",
    directory: "SPANBRIDGE_TEST_RABBITMQ_DIR=",
    processes: 2,
};

/// With what it had; and another broker notices nothing.
#[test]
fn a_killed_broker_comes_back_alone() {
    if installed().is_none() {
        return xtask::skip("RabbitMQ is not installed");
    }
    let (broker, other) = (Broker::start().unwrap(), Broker::start().unwrap());
    assert_ne!(broker.url(), other.url());
    let other_node = other.pid();
    broker.ctl(&["add_vhost", "kept"]).unwrap();

    broker.kill().unwrap();
    assert_eq!(broker.pid(), None);
    assert!(!accepts(broker.port()));
    broker.kill().unwrap();

    broker.restart().unwrap();
    assert!(accepts(broker.port()));
    assert!(broker.ctl(&["list_vhosts"]).unwrap().contains("kept"));

    let script = |name: &str| Command::new("sh").arg(broker.directory().join(name)).status().unwrap().success();
    let node = broker.pid();
    assert!(script("kill") && !accepts(broker.port()));
    assert!(script("start") && accepts(broker.port()));
    assert_ne!(broker.pid(), node);

    assert!(accepts(other.port()));
    assert_eq!(other.pid(), other_node);
    assert!(!other.ctl(&["list_vhosts"]).unwrap().contains("kept"));

    let directories = [broker.directory().to_owned(), other.directory().to_owned()];
    assert!(directories.iter().all(|directory| processes_of(directory) >= 2));
    drop((broker, other));
    for directory in directories {
        assert_eq!(processes_of(&directory), 0);
        assert!(!directory.exists());
    }
}

#[test]
fn nothing_is_left_however_it_ends() {
    if installed().is_none() {
        return xtask::skip("RabbitMQ is not installed");
    }
    RABBITMQ.leaves_nothing_when_it_ends(&[(Signal::INT, Some(130)), (Signal::TERM, Some(143)), (Signal::KILL, None)]);
}

/// Each file marks a phase: only reserved, epmd on its way, node on its way, node booting.
#[test]
fn nothing_is_left_of_a_start_that_is_ended() {
    if installed().is_none() {
        return xtask::skip("RabbitMQ is not installed");
    }
    // Not killed in the first phase, which lasts a millisecond: the guardian does not run yet, so an empty directory would stay.
    RABBITMQ.leaves_nothing_when_it_starts("control.sh", &[Signal::INT]);
    for phase in ["epmd.group", "node.group", "node.pid"] {
        RABBITMQ.leaves_nothing_when_it_starts(phase, &[Signal::INT, Signal::KILL]);
    }
}
