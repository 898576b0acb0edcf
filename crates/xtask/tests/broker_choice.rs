//! Which broker the tests get.

use std::process::Command;

#[test]
fn a_broker_that_was_asked_for_and_is_not_there_fails_the_run() {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .arg("test")
        .env("AMQP_URL", "amqp://user:secret@127.0.0.1:1")
        .env_remove("KAFKA_BROKERS")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(String::from_utf8(output.stderr).unwrap().trim_end(), @"xtask: RabbitMQ was asked for by AMQP_URL=amqp://user:***@127.0.0.1:1, and cannot be reached: failed to connect to 127.0.0.1:1: Connection refused (os error 111)");
}
