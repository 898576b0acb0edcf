//! Which broker the tests get.

use std::process::Command;

/// No other one is used in its place.
#[test]
fn a_given_broker_that_is_not_there_fails_it() {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .arg("test")
        .env("AMQP_URL", "amqp://user:secret@127.0.0.1:1")
        .env_remove("KAFKA_BROKERS")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(String::from_utf8(output.stderr).unwrap().trim_end(), @"xtask: failed to reach RabbitMQ at AMQP_URL=amqp://user:***@127.0.0.1:1: failed to connect to 127.0.0.1:1: Connection refused (os error 111)");
}
