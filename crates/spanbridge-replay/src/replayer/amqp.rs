//! Messages of RabbitMQ.

use super::native::{bytes, text};
use super::replay::Replay;
use super::{Replayer, Transport};
use crate::case::Input;
use lapin::BasicProperties;
use lapin::message::Delivery;
use lapin::types::{AMQPValue, DecimalValue, FieldTable, ShortString};
use serde_json::{Map, Value};
use spanbridge::Outcome;
use spanbridge_amqp::{DeliveryExt, Job};

const TRANSPORT: Transport = Transport { name: "amqp", takes: "messages of RabbitMQ" };

impl Replayer {
    /// Hands the message to the body of your consumer's loop, as a [`Job`]: [`run`](Job::run) is yours to call, and so are `ack`
    /// and its like, which are answered and never sent.
    ///
    /// ```no_run
    /// use lapin::options::BasicAckOptions;
    /// use spanbridge_amqp::Job;
    /// use spanbridge_replay::Replayer;
    /// use std::process::ExitCode;
    ///
    /// # async fn ship(order: &[u8]) -> Result<(), std::fmt::Error> { Ok(()) }
    /// async fn handle(job: Job) -> lapin::Result<()> {
    ///     if job.run(|| ship(&job.data)).await.is_ok() {
    ///         job.ack(BasicAckOptions::default()).await?;
    ///     }
    ///     Ok(())
    /// }
    ///
    /// # async fn f() -> Result<ExitCode, Box<dyn std::error::Error>> {
    /// if let Some(replay) = Replayer::from_environment()? {
    ///     return Ok(replay.amqp(handle).await.finish());
    /// }
    /// // … connect, and handle(job) for each job
    /// # Ok(ExitCode::SUCCESS) }
    /// ```
    ///
    /// A consumer with options gives them here, too: `replay.amqp(|job| handle(job.with(options)))`. Instead of a
    /// [driver](spanbridge_amqp::Jobs::drive), call [`drive_one`](spanbridge::adapter::drive_one) with the same handler and options.
    pub async fn amqp<F, Fut>(self, handler: F) -> Replay
    where
        F: FnOnce(Job) -> Fut,
        Fut: Future<Output: Outcome>,
    {
        // A job belongs to the run in which it is made.
        self.handle(TRANSPORT, delivery, |(delivery, queue)| handler(delivery.observed_from(queue))).await
    }
}

/// The message, and its queue.
fn delivery(input: &Input<'_>) -> Option<(Delivery, ShortString)> {
    let properties = input.properties.as_object()?;
    let short = |name: &str| short_string(properties.get(name)?);
    let redelivered = properties.get("redelivered")?.as_bool()?;
    let data = input.payload.as_deref()?.to_vec();
    let mut delivery = Delivery::mock(1, short("exchange")?, short("routingKey")?, redelivered, data);
    delivery.properties = basic_properties(properties.get("properties")?.as_object()?)?;
    Some((delivery, short("queue")?))
}

/// A text of at most 255 bytes.
fn short_string(value: &Value) -> Option<ShortString> {
    ShortString::try_new(text(value)?).ok()
}

fn basic_properties(from: &Map<String, Value>) -> Option<BasicProperties> {
    let mut all = BasicProperties::default();
    for (name, value) in from {
        let short = || short_string(value);
        all = match name.as_str() {
            "contentType" => all.with_content_type(short()?),
            "contentEncoding" => all.with_content_encoding(short()?),
            "deliveryMode" => all.with_delivery_mode(integer(value)?),
            "priority" => all.with_priority(integer(value)?),
            "correlationId" => all.with_correlation_id(short()?),
            "replyTo" => all.with_reply_to(short()?),
            "expiration" => all.with_expiration(short()?),
            "messageId" => all.with_message_id(short()?),
            "timestamp" => all.with_timestamp(integer(value)?),
            "type" => all.with_type(short()?),
            "userId" => all.with_user_id(short()?),
            "appId" => all.with_app_id(short()?),
            "clusterId" => all.with_cluster_id(short()?),
            "headers" => all.with_headers(table(value)?),
            _ => all, // of a later release
        }
    }
    Some(all)
}

fn integer<T: TryFrom<i64> + TryFrom<u64>>(value: &Value) -> Option<T> {
    match (value.as_u64(), value.as_i64()) {
        (Some(n), _) => n.try_into().ok(),
        (None, Some(n)) => n.try_into().ok(),
        (None, None) => None,
    }
}

fn table(value: &Value) -> Option<FieldTable> {
    let mut table = FieldTable::default();
    for (name, value) in value.as_object()? {
        table.insert(ShortString::try_new(name.clone()).ok()?, field(value)?);
    }
    Some(table)
}

/// A value: an object with one member, its type. The depth of JSON that is read is bounded.
fn field(value: &Value) -> Option<AMQPValue> {
    let (kind, value) = value.as_object()?.iter().next()?;
    let float = || match value.as_str() {
        Some(text) => text.parse().ok(),
        None => value.as_f64(),
    };
    Some(match kind.as_str() {
        "bool" => AMQPValue::Boolean(value.as_bool()?),
        "i8" => AMQPValue::ShortShortInt(integer(value)?),
        "u8" => AMQPValue::ShortShortUInt(integer(value)?),
        "i16" => AMQPValue::ShortInt(integer(value)?),
        "u16" => AMQPValue::ShortUInt(integer(value)?),
        "i32" => AMQPValue::LongInt(integer(value)?),
        "u32" => AMQPValue::LongUInt(integer(value)?),
        "i64" => AMQPValue::LongLongInt(integer(value)?),
        "f32" => AMQPValue::Float(float()? as f32),
        "f64" => AMQPValue::Double(float()?),
        "decimal" => AMQPValue::DecimalValue(DecimalValue {
            scale: integer(value.get("scale")?)?,
            value: integer(value.get("value")?)?,
        }),
        "shortString" => AMQPValue::ShortString(short_string(value)?),
        "longString" => AMQPValue::LongString(bytes(value)?.into()),
        "bytes" => AMQPValue::ByteArray(bytes(value)?.into()),
        "timestamp" => AMQPValue::Timestamp(integer(value)?),
        "array" => AMQPValue::FieldArray(value.as_array()?.iter().map(field).collect::<Option<Vec<_>>>()?.into()),
        "table" => AMQPValue::FieldTable(table(value)?),
        "void" => AMQPValue::Void,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::borrow::Cow;

    fn made(properties: Value) -> Option<(Delivery, ShortString)> {
        delivery(&Input { properties, payload: Some(Cow::Borrowed(b"{}")) })
    }

    #[test]
    fn a_delivery_is_made_as_it_was() {
        let (delivery, queue) = made(json!({
            "transport": "amqp", "exchange": "orders", "routingKey": "eu.new", "queue": "work", "redelivered": true,
            "properties": {
                "contentType": "application/json", "deliveryMode": 2, "timestamp": 1_764_000_000u64, "later": 1,
                "headers": {
                    "tenant": {"longString": "eu"}, "n": {"i64": -3}, "raw": {"bytes": {"base64": "AP8="}},
                    "price": {"decimal": {"scale": 2, "value": 1999}}, "none": {"void": null}, "nan": {"f64": "NaN"},
                    "x-death": {"array": [{"table": {"count": {"i64": 1}, "queue": {"shortString": "q"}}}]},
                },
            },
        }))
        .unwrap();
        assert_eq!((queue.as_str(), delivery.exchange.as_str(), delivery.redelivered), ("work", "orders", true));
        assert_eq!((delivery.routing_key.as_str(), delivery.data.as_slice()), ("eu.new", &b"{}"[..]));
        let properties = &delivery.properties;
        assert_eq!(properties.content_type().as_ref().unwrap().as_str(), "application/json");
        assert_eq!((*properties.delivery_mode(), *properties.timestamp()), (Some(2), Some(1_764_000_000)));
        let headers = properties.headers().as_ref().unwrap().inner();
        assert_eq!(headers["tenant"], AMQPValue::LongString("eu".into()));
        assert_eq!(headers["n"], AMQPValue::LongLongInt(-3));
        assert_eq!(headers["raw"], AMQPValue::ByteArray(vec![0, 255].into()));
        assert_eq!(headers["price"], AMQPValue::DecimalValue(DecimalValue { scale: 2, value: 1999 }));
        assert_eq!(headers["none"], AMQPValue::Void);
        assert!(matches!(headers["nan"], AMQPValue::Double(n) if n.is_nan()));
        let AMQPValue::FieldArray(deaths) = &headers["x-death"] else { panic!("{headers:?}") };
        let AMQPValue::FieldTable(death) = &deaths.as_slice()[0] else { panic!("{deaths:?}") };
        assert_eq!(death.inner()["queue"], AMQPValue::ShortString("q".into()));
    }

    #[test]
    fn other_forms_are_refused() {
        let good = json!({"exchange": "", "routingKey": "", "queue": "", "redelivered": false, "properties": {}});
        assert!(made(good.clone()).is_some());
        for (pointer, value) in [
            ("/exchange", json!("x".repeat(256))),
            ("/queue", json!({"base64": "AP8="})),
            ("/redelivered", json!("no")),
            ("/properties", json!({"priority": 256})),
            ("/properties", json!({"headers": {"a": {"i8": 128}}})),
            ("/properties", json!({"headers": {"a": {"unknown": 1}}})),
            ("/properties", json!({"headers": {"a": {}}})),
        ] {
            let mut bad = good.clone();
            *bad.pointer_mut(pointer).unwrap() = value;
            assert!(made(bad.clone()).is_none(), "{bad}");
        }
    }
}
