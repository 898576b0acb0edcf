//! Messages of Kafka.

use super::native::{bytes, text};
use super::replay::Replay;
use super::{Replayer, Transport};
use crate::case::Input;
use rdkafka::Timestamp;
use rdkafka::message::{Header, OwnedHeaders, OwnedMessage};
use serde_json::Value;
use spanbridge::Outcome;
use spanbridge_kafka::{Job, ReceiveOptions};

const TRANSPORT: Transport = Transport { name: "kafka", takes: "messages of Kafka" };

impl Replayer {
    /// Hands the message to the body of your consumer's loop, as a [`Job`] that is detached from a consumer:
    /// [`run`](Job::run) is yours to call, and so is `store_offset`, which is answered and never sent.
    ///
    /// ```no_run
    /// use rdkafka::Message;
    /// use rdkafka::message::OwnedMessage;
    /// use spanbridge_kafka::Job;
    /// use spanbridge_replay::Replayer;
    /// use std::process::ExitCode;
    ///
    /// # async fn project(order: Option<&[u8]>) -> Result<(), std::fmt::Error> { Ok(()) }
    /// async fn handle(job: Job<OwnedMessage>) -> Result<(), Box<dyn std::error::Error>> {
    ///     job.run(|| project(job.payload())).await?;
    ///     Ok(job.store_offset()?)
    /// }
    ///
    /// # async fn f() -> Result<ExitCode, Box<dyn std::error::Error>> {
    /// if let Some(replay) = Replayer::from_environment()? {
    ///     return Ok(replay.kafka(handle).await.finish());
    /// }
    /// // … connect, and handle(job.detach()) for each job
    /// # Ok(ExitCode::SUCCESS) }
    /// ```
    ///
    /// A loop over borrowed messages calls a function that is generic over [`Received`](spanbridge_kafka::Received).
    pub async fn kafka<F, Fut>(self, handler: F) -> Replay
    where
        F: FnOnce(Job<OwnedMessage>) -> Fut,
        Fut: Future<Output: Outcome>,
    {
        self.kafka_with(ReceiveOptions::new(), handler).await
    }

    /// The same with the options that your consumer has.
    pub async fn kafka_with<F, Fut>(self, options: ReceiveOptions, handler: F) -> Replay
    where
        F: FnOnce(Job<OwnedMessage>) -> Fut,
        Fut: Future<Output: Outcome>,
    {
        // A job belongs to the run in which it is made.
        let work = |message| handler(Job::alone(message).with(&options));
        self.handle(TRANSPORT, message, work).await
    }
}

fn message(input: &Input<'_>) -> Option<OwnedMessage> {
    let properties = input.properties.as_object()?;
    let integer = |name: &str| properties.get(name).and_then(Value::as_i64);
    let topic = text(properties.get("topic")?)?;
    let partition = i32::try_from(integer("partition")?).ok()?;
    let timestamp = match (integer("timestamp"), properties.get("timestampType").and_then(Value::as_str)) {
        (Some(ms), Some("append")) => Timestamp::LogAppendTime(ms),
        (Some(ms), _) => Timestamp::CreateTime(ms),
        (None, _) => Timestamp::NotAvailable,
    };
    let key = match properties.get("key") {
        None | Some(Value::Null) => None,
        Some(key) => Some(bytes(key)?),
    };
    let headers = properties.get("headers").and_then(Value::as_array).filter(|all| !all.is_empty());
    let headers = match headers {
        Some(all) => Some(self::headers(all)?),
        None => None,
    };
    let payload = input.payload.as_deref().map(<[u8]>::to_vec);
    Some(OwnedMessage::new(payload, key, topic, timestamp, partition, integer("offset")?, headers))
}

fn headers(pairs: &[Value]) -> Option<OwnedHeaders> {
    let mut headers = OwnedHeaders::new_with_capacity(pairs.len());
    for pair in pairs {
        // rdkafka names headers by C's strings.
        let key = text(pair.get(0)?).filter(|name| !name.contains('\0'))?;
        let value = match pair.get(1)? {
            Value::Null => None,
            value => Some(bytes(value)?),
        };
        headers = headers.insert(Header { key: &key, value: value.as_ref() })
    }
    Some(headers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rdkafka::Message;
    use rdkafka::message::Headers;
    use serde_json::json;
    use std::borrow::Cow;

    fn made(properties: Value, payload: Option<&'static [u8]>) -> Option<OwnedMessage> {
        message(&Input { properties, payload: payload.map(Cow::Borrowed) })
    }

    #[test]
    fn a_message_is_made_as_it_was() {
        let properties = json!({
            "transport": "kafka", "topic": "orders", "partition": 3, "offset": 4711, "timestamp": 1_764_000_000_123u64,
            "timestampType": "append", "key": {"base64": "AP8="},
            "headers": [["tenant", "eu"], ["raw", {"base64": "AP8="}], ["empty", null], ["tenant", "us"]],
        });
        let message = made(properties, Some(b"{}")).unwrap();
        assert_eq!((message.topic(), message.partition(), message.offset()), ("orders", 3, 4711));
        assert_eq!(message.timestamp(), Timestamp::LogAppendTime(1_764_000_000_123));
        assert_eq!((message.key(), message.payload()), (Some(&[0, 255][..]), Some(&b"{}"[..])));
        let headers: Vec<_> = message.headers().unwrap().iter().map(|header| (header.key, header.value)).collect();
        let eu = |text: &'static str| Some(text.as_bytes());
        assert_eq!(
            headers,
            [("tenant", eu("eu")), ("raw", Some(&[0, 255][..])), ("empty", None), ("tenant", eu("us"))]
        );
    }

    #[test]
    fn other_forms_are_refused() {
        let bare = json!({"topic": "t", "partition": 0, "offset": 0, "key": null, "headers": []});
        let message = made(bare.clone(), None).unwrap();
        assert_eq!((message.payload(), message.key(), message.timestamp()), (None, None, Timestamp::NotAvailable));
        assert!(message.headers().is_none());
        for (member, value) in [
            ("topic", json!(1)),
            ("partition", json!(1u64 << 40)),
            ("offset", json!("0")),
            ("key", json!([])),
            ("headers", json!([["a\0b", ""]])),
            ("headers", json!([["a"]])),
            ("headers", json!([["a", 1]])),
        ] {
            let mut bad = bare.clone();
            bad[member] = value;
            assert!(made(bad.clone(), None).is_none(), "{bad}");
        }
    }
}
