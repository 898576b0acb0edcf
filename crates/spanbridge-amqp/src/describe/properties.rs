//! What is needed beside the body to make the same delivery again.

use lapin::BasicProperties;
use lapin::message::Delivery;
use lapin::types::{AMQPValue, FieldTable};
use spanbridge::adapter::Properties;
use spanbridge::messaging::PartKind;

/// Writes them, in the shapes of `docs/conventions.md`.
pub(crate) fn properties(delivery: &Delivery, queue: &str, to: &mut Properties<'_>) {
    let key = delivery.routing_key.as_str();
    to.member("transport").fixed("amqp");
    to.member("exchange").fixed(delivery.exchange.as_str());
    match delivery.exchange.as_str() {
        "" if key == queue => to.member("routingKey").fixed(key),
        _ => to.member("routingKey").text(PartKind::RoutingKey, key.as_bytes()),
    }
    to.member("queue").fixed(queue);
    to.member("redelivered").number(delivery.redelivered);
    to.member("properties").object(|to| basic(&delivery.properties, to))
}

fn basic(properties: &BasicProperties, to: &mut Properties<'_>) {
    let texts = [
        ("contentType", properties.content_type()),
        ("contentEncoding", properties.content_encoding()),
        ("correlationId", properties.correlation_id()),
        ("replyTo", properties.reply_to()),
        ("expiration", properties.expiration()),
        ("messageId", properties.message_id()),
        ("type", properties.kind()),
        ("userId", properties.user_id()),
        ("appId", properties.app_id()),
        ("clusterId", properties.cluster_id()),
    ];
    for (name, value) in texts {
        if let Some(value) = value {
            to.member(name).text(PartKind::Header(name), value.as_str().as_bytes())
        }
    }
    let numbers = [
        ("deliveryMode", properties.delivery_mode().map(u64::from)),
        ("priority", properties.priority().map(u64::from)),
        ("timestamp", *properties.timestamp()),
    ];
    for (name, value) in numbers {
        if let Some(value) = value {
            to.member(name).json(PartKind::Header(name), &value.to_string())
        }
    }
    if let Some(headers) = properties.headers() {
        to.member("headers").object(|to| table(headers, None, to))
    }
}

/// `of` is the header that the table is a part of.
fn table(table: &FieldTable, of: Option<&str>, to: &mut Properties<'_>) {
    for (name, inner) in table.inner() {
        to.member(name.as_str());
        value(inner, of.unwrap_or(name.as_str()), to)
    }
}

/// A value with its type. `header` is the name of the header.
fn value(value: &AMQPValue, header: &str, to: &mut Properties<'_>) {
    let kind = PartKind::Header(header);
    let number = |to: &mut Properties<'_>, name: &str, value: &dyn std::fmt::Display| {
        to.member(name).json(kind, &value.to_string())
    };
    to.object(|to| match value {
        AMQPValue::Boolean(v) => number(to, "bool", v),
        AMQPValue::ShortShortInt(v) => number(to, "i8", v),
        AMQPValue::ShortShortUInt(v) => number(to, "u8", v),
        AMQPValue::ShortInt(v) => number(to, "i16", v),
        AMQPValue::ShortUInt(v) => number(to, "u16", v),
        AMQPValue::LongInt(v) => number(to, "i32", v),
        AMQPValue::LongUInt(v) => number(to, "u32", v),
        AMQPValue::LongLongInt(v) => number(to, "i64", v),
        // Debug, so that a whole number is seen to be a float.
        AMQPValue::Float(v) if v.is_finite() => number(to, "f32", &format_args!("{v:?}")),
        AMQPValue::Float(v) => to.member("f32").text(kind, v.to_string().as_bytes()),
        AMQPValue::Double(v) if v.is_finite() => number(to, "f64", &format_args!("{v:?}")),
        AMQPValue::Double(v) => to.member("f64").text(kind, v.to_string().as_bytes()),
        AMQPValue::DecimalValue(v) => {
            number(to, "decimal", &format_args!("{{\"scale\":{},\"value\":{}}}", v.scale, v.value))
        }
        AMQPValue::ShortString(v) => to.member("shortString").text(kind, v.as_str().as_bytes()),
        AMQPValue::LongString(v) => to.member("longString").text(kind, v.as_bytes()),
        AMQPValue::ByteArray(v) => to.member("bytes").text(kind, v.as_slice()),
        AMQPValue::Timestamp(v) => number(to, "timestamp", v),
        AMQPValue::FieldArray(all) => to.member("array").array(|to| {
            for one in all.as_slice() {
                to.element();
                self::value(one, header, to)
            }
        }),
        AMQPValue::FieldTable(all) => to.member("table").object(|to| table(all, Some(header), to)),
        AMQPValue::Void => to.member("void").null(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapin::types::{ByteArray, DecimalValue, FieldArray, ShortString};
    use spanbridge::messaging::{CaptureMode, CapturePolicy};
    use spanbridge::record::Body;
    use spanbridge::{Memory, Recorder, observe};
    use std::convert::Infallible;
    use std::time::Duration;

    fn short(text: &str) -> ShortString {
        ShortString::try_new(text).unwrap()
    }

    /// What is recorded of it: the artifact's text, or the code of a diagnostic.
    fn recorded(delivery: &Delivery, queue: &str, policy: &CapturePolicy) -> String {
        let memory = Memory::new();
        let recorder = Recorder::builder("test").sink(memory.clone()).build().unwrap();
        recorder.in_scope(|| {
            let span = observe::span("process").open();
            policy.record_properties(&span, "input.properties", |to| properties(delivery, queue, to));
            span.end()
        });
        assert!(recorder.flush_blocking(Duration::from_secs(10)).complete);
        let told = memory.records().into_iter().find_map(|record| match record.body {
            Body::Artifact(artifact) => artifact.preview.map(|text| text.into_owned()),
            Body::Diagnostic(diagnostic) => Some(diagnostic.code.into_owned()),
            _ => None,
        });
        told.unwrap_or_default()
    }

    fn delivery(exchange: &str, key: &str, properties: BasicProperties) -> Delivery {
        let mut delivery = Delivery::mock(7, short(exchange), short(key), true, b"{}".to_vec());
        delivery.properties = properties;
        delivery
    }

    fn whole() -> CapturePolicy {
        CaptureMode::Whole { max: 100 }.into()
    }

    fn headers(all: impl IntoIterator<Item = (&'static str, AMQPValue)>) -> BasicProperties {
        let mut table = FieldTable::default();
        for (name, value) in all {
            table.insert(short(name), value);
        }
        BasicProperties::default().with_headers(table)
    }

    #[test]
    fn every_property_has_its_member() {
        let all = BasicProperties::default()
            .with_content_type(short("a/b"))
            .with_content_encoding(short("gzip"))
            .with_delivery_mode(2)
            .with_priority(9)
            .with_correlation_id(short("c"))
            .with_reply_to(short("r"))
            .with_expiration(short("60000"))
            .with_message_id(short("m"))
            .with_timestamp(u64::MAX)
            .with_type(short("t"))
            .with_user_id(short("u"))
            .with_app_id(short("a"))
            .with_cluster_id(short("\"\u{e4}\n"));
        assert_eq!(
            recorded(&delivery("orders", "eu.new", all), "work", &whole()),
            concat!(
                r#"{"transport":"amqp","exchange":"orders","routingKey":"eu.new","queue":"work","redelivered":true,"properties":{"#,
                r#""contentType":"a/b","contentEncoding":"gzip","correlationId":"c","replyTo":"r","expiration":"60000","#,
                r#""messageId":"m","type":"t","userId":"u","appId":"a","clusterId":"\""#,
                "\u{e4}",
                r#"\n","deliveryMode":2,"priority":9,"timestamp":18446744073709551615}}"#
            )
        );
        let nothing = recorded(&delivery("", "q", BasicProperties::default()), "q", &whole());
        assert_eq!(
            nothing,
            r#"{"transport":"amqp","exchange":"","routingKey":"q","queue":"q","redelivered":true,"properties":{}}"#
        );
    }

    #[test]
    fn every_type_of_a_header_is_told() {
        let inner = [(short("n"), AMQPValue::LongInt(-1))].into_iter().collect::<std::collections::BTreeMap<_, _>>();
        let mut array = FieldArray::default();
        array.push(AMQPValue::Boolean(true));
        array.push(AMQPValue::FieldTable(inner.into()));
        for (value, json) in [
            (AMQPValue::Boolean(false), r#"{"bool":false}"#),
            (AMQPValue::ShortShortInt(-8), r#"{"i8":-8}"#),
            (AMQPValue::ShortShortUInt(8), r#"{"u8":8}"#),
            (AMQPValue::ShortInt(-16), r#"{"i16":-16}"#),
            (AMQPValue::ShortUInt(16), r#"{"u16":16}"#),
            (AMQPValue::LongInt(-32), r#"{"i32":-32}"#),
            (AMQPValue::LongUInt(32), r#"{"u32":32}"#),
            (AMQPValue::LongLongInt(i64::MIN), r#"{"i64":-9223372036854775808}"#),
            (AMQPValue::Float(1.0), r#"{"f32":1.0}"#),
            (AMQPValue::Float(f32::INFINITY), r#"{"f32":"inf"}"#),
            (AMQPValue::Double(0.1), r#"{"f64":0.1}"#),
            (AMQPValue::Double(f64::NAN), r#"{"f64":"NaN"}"#),
            (
                AMQPValue::DecimalValue(DecimalValue { scale: 2, value: 1999 }),
                r#"{"decimal":{"scale":2,"value":1999}}"#,
            ),
            (AMQPValue::ShortString(short("s")), r#"{"shortString":"s"}"#),
            (AMQPValue::LongString("l".into()), r#"{"longString":"l"}"#),
            (AMQPValue::LongString(vec![0, 255].into()), r#"{"longString":{"base64":"AP8="}}"#),
            (AMQPValue::ByteArray(ByteArray::from(vec![65])), r#"{"bytes":"A"}"#),
            (AMQPValue::Timestamp(7), r#"{"timestamp":7}"#),
            (AMQPValue::FieldArray(array), r#"{"array":[{"bool":true},{"table":{"n":{"i32":-1}}}]}"#),
            (AMQPValue::FieldTable(FieldTable::default()), r#"{"table":{}}"#),
            (AMQPValue::Void, r#"{"void":null}"#),
        ] {
            let all = recorded(&delivery("", "q", headers([("x", value)])), "q", &whole());
            assert!(all.ends_with(&format!(r#""properties":{{"headers":{{"x":{json}}}}}}}"#)), "{all}");
        }
    }

    /// What comes from outside cannot fill the stack, nor the store.
    #[test]
    fn hostile_headers_are_left_out() {
        let mut deep = AMQPValue::Void;
        for _ in 0..200 {
            let mut array = FieldArray::default();
            array.push(deep);
            deep = AMQPValue::FieldArray(array)
        }
        assert_eq!(recorded(&delivery("", "q", headers([("x", deep)])), "q", &whole()), "cut.artifact");
        let large = headers([("x", AMQPValue::LongString(vec![255; 1 << 20].into()))]);
        assert_eq!(recorded(&delivery("", "q", large), "q", &whole()), "cut.artifact");
        let fits = headers([("x", AMQPValue::LongString(vec![b'x'; 1 << 19].into()))]);
        assert!(recorded(&delivery("", "q", fits), "q", &whole()).len() > 1 << 19);
    }

    /// The hook sees the routing key as such, and every value by the name of its header; one that it fails for closes all.
    #[test]
    fn the_hook_sees_each_value() {
        let mut array = FieldArray::default();
        array.push(AMQPValue::LongLongInt(4111));
        let all = headers([("card", AMQPValue::FieldArray(array)), ("n", AMQPValue::LongLongInt(1))]);
        let message = delivery("orders", "customer.4111", all.with_correlation_id(short("4111")));
        let hides = whole().redact(|part| {
            let is_personal = matches!(
                part.kind(),
                PartKind::RoutingKey | PartKind::Header("card") | PartKind::Header("correlationId")
            );
            if is_personal {
                part.replace("***")
            }
            Ok::<_, Infallible>(())
        });
        let shown = recorded(&message, "work", &hides);
        assert_eq!(
            shown,
            concat!(
                r#"{"transport":"amqp","exchange":"orders","routingKey":"***","queue":"work","redelivered":true,"properties":"#,
                r#"{"correlationId":"***","headers":{"card":{"array":[{"i64":"***"}]},"n":{"i64":1}}}}"#
            )
        );
        let fails = whole().redact(|part| match part.kind() {
            PartKind::Header("n") => Err("no"),
            _ => Ok(()),
        });
        assert_eq!(recorded(&message, "work", &fails), "redaction.failed");
        for other in [CaptureMode::Off, CaptureMode::Reference, CaptureMode::Inline { max: 4096 }] {
            assert_eq!(recorded(&message, "work", &other.into()), "");
        }
    }
}
