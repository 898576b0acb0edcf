//! The private broker: it survives a crash with its data, disturbs no other one, and leaves nothing behind,
//! however the process that started it ends.

mod support;

use std::process::Command;

use rustix::process::Signal;
use support::{Foreground, accepts, processes_of};
use xtask::rabbitmq::{Private, installed};

const READY: [&str; 2] = ["AMQP_URL=amqp://guest:guest@127.0.0.1:", "SPANBRIDGE_TEST_RABBITMQ_DIR"];

#[test]
fn a_killed_broker_comes_back_with_what_it_had_and_others_notice_nothing() {
    if installed().is_none() {
        return xtask::skip("RabbitMQ is not installed");
    }
    let (broker, other) = (Private::start().unwrap(), Private::start().unwrap());
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
fn nothing_is_left_after_the_end_of_stdin_or_a_signal() {
    if installed().is_none() {
        return xtask::skip("RabbitMQ is not installed");
    }
    let mut command = Foreground::start("rabbitmq");
    let directory = command.wait_until_ready(READY[0], READY[1], 2);
    drop(command.child.stdin.take());
    assert_eq!(command.exit_code(), Some(0));
    command.assert_nothing_left(&directory);

    for (signal, code) in [(Signal::INT, Some(130)), (Signal::TERM, Some(143)), (Signal::KILL, None)] {
        let mut command = Foreground::start("rabbitmq");
        let directory = command.wait_until_ready(READY[0], READY[1], 2);
        command.send(signal);
        assert_eq!(command.exit_code(), code);
        command.assert_nothing_left(&directory);
    }
}

#[test]
fn nothing_is_left_after_a_signal_while_it_starts() {
    if installed().is_none() {
        return xtask::skip("RabbitMQ is not installed");
    }
    // Each file marks a phase: only reserved, epmd on its way, node on its way, node booting.
    for phase in ["control.sh", "epmd.group", "node.group", "node.pid"] {
        for signal in [Signal::INT, Signal::KILL] {
            if (phase, signal) == ("control.sh", Signal::KILL) {
                continue; // In this millisecond nobody stands by yet, and a directory without processes stays.
            }
            let mut command = Foreground::start("rabbitmq");
            let directory = command.wait_for(phase);
            command.send(signal);
            assert_ne!(command.exit_code(), Some(0));
            command.assert_nothing_left(&directory);
        }
    }
}
