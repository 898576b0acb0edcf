//! The example `existing_otel_app`: the tree that it prints.

use spanbridge_tests::{Program, amqp, example};
use std::process::Command;

#[tokio::test]
async fn a_service_that_keeps_its_tracer() {
    let Some(amqp) = amqp("existing_otel_app").await else { return };
    let queue = format!("{}.durable", amqp.queue);
    let mut service = Command::new(example("existing_otel_app"));
    service.args(["--url", &amqp.url, "--queue", &queue]);
    let output = Program::start(&mut service).output().await;
    amqp.channel.queue_delete(queue.as_str().into(), Default::default()).await.unwrap();
    let lines: Vec<_> = output.lines().map(|line| line.rsplit_once(' ').unwrap()).collect();
    let names: Vec<_> = lines.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["place_order", "  ship", "    pack", "consume"], "{output}");
    let traces: Vec<_> = lines.iter().map(|(_, trace)| *trace).collect();
    assert!(traces[0] == traces[1] && traces[1] == traces[2] && traces[2] != traces[3], "{output}")
}
