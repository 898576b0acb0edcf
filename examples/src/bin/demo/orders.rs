//! The function `place-order`: saves the order, has it paid, and passes it on to the warehouse.

use crate::services::busy;
use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use spanbridge::carrier::extract_payload;
use spanbridge::observe::{self, NewArtifact};
use spanbridge::{Kind, Primitive};
use spanbridge_examples::mailbox::Sender;
use spanbridge_http::{ClientExt, UrlTemplate};

/// The name of the in-process queue.
pub(crate) const PARCELS: &str = "parcels";

/// Runs the function. It deserializes the caller's payload without the context.
pub(crate) async fn place_order(charge_url: &str, parcels: &Sender, event: &[u8]) -> anyhow::Result<Value> {
    let (received, payload) = extract_payload(event);
    let handle = async || {
        if let Some(span) = observe::active_span() {
            span.artifact(&NewArtifact::new("input", "application/json", &payload).inline(256));
        }
        let order: Value = serde_json::from_slice(&payload)?;
        insert(&order).await;
        charge(charge_url, &order).await?;
        parcels.send(PARCELS, &order)?;
        Ok(json!({"accepted": true}))
    };
    observe::with_context(received.context, async || {
        let span = observe::span("place-order").primitive(Primitive::FUNCTION_HANDLE).kind(Kind::Server);
        span.attribute("faas.trigger", "other").run(handle).await
    })
    .await
}

async fn insert(order: &Value) {
    observe::span("INSERT orders")
        .primitive(Primitive::DB_MUTATION)
        .kind(Kind::Client)
        .attribute("db.system.name", "postgresql")
        .attribute("db.query.text", "INSERT INTO orders VALUES ($1, $2)")
        .attribute("order.id", order["order"].as_i64().unwrap_or_default())
        .run(|| busy(4))
        .await
}

/// Calls the payments service. The context is in HTTP headers.
async fn charge(url: &str, order: &Value) -> anyhow::Result<()> {
    let cents = order["cents"].as_i64().context("the order has no price")?;
    let request = reqwest::Client::new().observed().post(url).body(cents.to_string());
    let answer = request.with_extension(UrlTemplate::new("/charge")).send().await?;
    ensure!(answer.status().is_success(), "the charge was refused: {}", answer.status());
    Ok(())
}
