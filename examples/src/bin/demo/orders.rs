//! The function `place-order`: saves the order, has it paid, and passes it on to the warehouse.

use crate::database::Database;
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
pub(crate) async fn place_order(
    database: &Database,
    charge_url: &str,
    parcels: &Sender,
    event: &[u8],
) -> anyhow::Result<Value> {
    let (received, payload) = extract_payload(event);
    let handle = async || {
        if let Some(span) = observe::active_span() {
            span.artifact(&NewArtifact::new("input", "application/json", &payload).inline(256));
        }
        let order: Value = serde_json::from_slice(&payload)?;
        insert(database, &order)?;
        charge(charge_url, &order).await?;
        set_status(database, &order, "paid")?;
        parcels.send(PARCELS, &order)?;
        Ok(json!({"accepted": true}))
    };
    observe::with_context(received.context, async || {
        let span = observe::span("place-order").primitive(Primitive::FUNCTION_HANDLE).kind(Kind::Server);
        span.attribute("faas.trigger", "other").run(handle).await
    })
    .await
}

/// Saves the order. The span and the new row are recorded by the connection.
fn insert(database: &Database, order: &Value) -> anyhow::Result<()> {
    let values = (order["order"].as_i64(), order["sku"].as_str(), order["cents"].as_i64());
    let insert = "INSERT INTO orders (number, sku, cents, status) VALUES (?1, ?2, ?3, 'new')";
    database.connect()?.execute(insert, values)?;
    Ok(())
}

/// Writes how far the order is.
pub(crate) fn set_status(database: &Database, order: &Value, status: &str) -> anyhow::Result<()> {
    let update = "UPDATE orders SET status = ?1 WHERE number = ?2";
    database.connect()?.execute(update, (status, order["order"].as_i64()))?;
    Ok(())
}

/// Calls the payments service. The context is in HTTP headers.
async fn charge(url: &str, order: &Value) -> anyhow::Result<()> {
    let cents = order["cents"].as_i64().context("the order has no price")?;
    let request = reqwest::Client::new().observed().post(url).body(cents.to_string());
    let answer = request.with_extension(UrlTemplate::new("/charge")).send().await?;
    ensure!(answer.status().is_success(), "the charge was refused: {}", answer.status());
    Ok(())
}
