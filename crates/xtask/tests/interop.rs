//! The two Python programs agree with each other: what the one says it sent is what the other found. Tests
//! against ours may then believe both.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

#[test]
fn interop_peers_in_python_agree_on_every_parent() {
    let (Some(python), Some(url)) = (std::env::var_os("SPANBRIDGE_INTEROP_PYTHON"), std::env::var_os("AMQP_URL"))
    else {
        return xtask::skip("SPANBRIDGE_INTEROP_PYTHON and AMQP_URL are not both set");
    };
    let run = |program: &str, arguments: &[&str]| -> Vec<Value> {
        let directory = Path::new("../../tests/interop");
        let mut command = Command::new(&python);
        command.arg(directory.join(program)).args(arguments).env("AMQP_URL", &url).env("PYTHONDONTWRITEBYTECODE", "1");
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output
            .stdout
            .split(|&b| b == b'\n')
            .filter(|l| !l.is_empty())
            .map(|l| serde_json::from_slice(l).unwrap())
            .collect()
    };
    let queue = format!("interop-peers-{}", std::process::id());
    let sent = run("pika_producer.py", &[&queue, "3", "--declare", "--baggage", "user=Zoë A", "--body", "order"]);
    let received = run("pika_consumer.py", &[&queue, "3", "--timeout", "20"]);

    assert_eq!((sent.len(), received.len()), (3, 3));
    for (number, (sent, received)) in sent.iter().zip(&received).enumerate() {
        assert_eq!(sent["name"], format!("{queue} send"));
        assert_eq!(sent["parentIsRemote"], false);
        assert_eq!(received["name"], format!("{queue} receive"));
        assert_eq!(received["traceId"], sent["traceId"]);
        assert_eq!(received["parentSpanId"], sent["spanId"]);
        assert_eq!(received["parentIsRemote"], true);
        assert_ne!(received["spanId"], sent["spanId"]);
        assert_eq!(received["headers"], sent["headers"]);
        let text = |name: &str| sent[name].as_str().unwrap();
        let traceparent = format!("00-{}-{}-{}", text("traceId"), text("spanId"), text("traceFlags"));
        assert_eq!(received["headers"]["traceparent"], traceparent);
        assert_eq!(received["headers"]["baggage"], "user=Zo%C3%AB+A");
        assert_eq!(received["baggage"], json!({"user": "Zoë A"}));
        assert_eq!(received["body"], format!("order-{number}"));
    }
}
