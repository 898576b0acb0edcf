//! Headers of every type that AMQP has, read back with lapin alone.

use lapin::BasicProperties;
use lapin::options::*;
use lapin::types::{AMQPValue, DecimalValue, FieldTable};
use spanbridge_amqp::ChannelExt;
use spanbridge_tests::{Amqp, amqp, headers, recorder, text};

/// Publishes as a user does, and gives the headers that came out at the other end.
async fn through(amqp: &Amqp, table: Option<FieldTable>) -> FieldTable {
    let properties = BasicProperties::default();
    let properties = table.into_iter().fold(properties, BasicProperties::with_headers);
    let (options, queue) = (BasicPublishOptions::default(), amqp.queue.clone());
    let observed = amqp.channel.observed();
    let sent = observed.basic_publish("".into(), queue, options, b"{}", properties).await.unwrap();
    assert!(sent.await.unwrap().is_ack());
    amqp.take().await.properties.headers().clone().unwrap_or_default()
}

#[tokio::test]
async fn headers_of_the_user_stay_as_they_are() {
    let Some(amqp) = amqp("wire-types").await else { return };
    let nested =
        headers([("deep", AMQPValue::FieldTable(headers([("deeper", text("x"))]))), ("void", AMQPValue::Void)]);
    let table = headers([
        ("array", AMQPValue::FieldArray(vec![text("a"), AMQPValue::LongInt(-1), AMQPValue::Void].into())),
        ("bool", AMQPValue::Boolean(true)),
        ("bytes", AMQPValue::ByteArray(vec![0, 255, 128].into())),
        ("decimal", AMQPValue::DecimalValue(DecimalValue { scale: 2, value: 995 })),
        ("double", AMQPValue::Double(0.5)),
        ("float", AMQPValue::Float(-2.25)),
        ("i8", AMQPValue::ShortShortInt(-8)),
        ("i16", AMQPValue::ShortInt(-16)),
        ("i32", AMQPValue::LongInt(-32)),
        ("i64", AMQPValue::LongLongInt(i64::MIN)),
        ("not utf-8", text([b'a', 0xff])),
        ("table", AMQPValue::FieldTable(nested)),
        ("time", AMQPValue::Timestamp(1_700_000_000)),
        ("u8", AMQPValue::ShortShortUInt(8)),
        ("u32", AMQPValue::LongUInt(32)),
        ("void", AMQPValue::Void),
        ("x-own", text("Grüße")),
    ]);
    let (orders, _) = recorder("orders");
    let mut arrived = orders.scope(|| through(&amqp, Some(table.clone()))).await.inner().clone();
    assert!(arrived.remove("traceparent").is_some());
    assert_eq!(FieldTable::from(arrived), table);
}
