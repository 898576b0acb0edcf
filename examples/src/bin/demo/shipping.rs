//! If `AMQP_URL` is set, the parcel goes through RabbitMQ to the shipping service.

use crate::services::{Services, in_service};
use anyhow::Context as _;
use lapin::BasicProperties;
use lapin::options::*;
use lapin::types::{FieldTable, ShortString};
use serde_json::Value;
use spanbridge::observe;
use spanbridge_amqp::{ChannelExt, ConsumerExt};
use spanbridge_examples::broker::connect;
use std::time::Duration;

/// Publishes the order, and waits until the shipping service has processed it.
pub(crate) async fn hand_over(services: &Services, url: &str, order: &Value) -> anyhow::Result<()> {
    let connection = connect(url).await?;
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let queue = ShortString::from(format!("spanbridge.demo.{}", std::process::id()));
    channel.queue_declare(queue.clone(), QueueDeclareOptions::exclusive(), FieldTable::default()).await?;

    let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
    let body = order.to_string();
    channel.observed().basic_publish("".into(), queue.clone(), options, body.as_bytes(), properties).await?.await?;

    let consumer = channel.basic_consume(queue, "".into(), BasicConsumeOptions::default(), FieldTable::default());
    let ship = async {
        let mut jobs = consumer.await?.observed();
        let job = jobs.next().await.context("the consumer was cancelled")??;
        let book = async || observe::span("book courier").run(|| tokio::time::sleep(Duration::from_millis(3))).await;
        job.run(book).await;
        job.ack(BasicAckOptions::default()).await?;
        anyhow::Ok(())
    };
    in_service(&services.shipping, || ship).await?;
    connection.close(200, "done".into()).await?;
    Ok(())
}
