//! The path of the order:
//!
//! 1. shop → HTTP → gateway → function `place-order` → database, and HTTP → payments
//! 2. → in-process queue → warehouse, whose first attempt fails
//! 3. → RabbitMQ → shipping, if there is a broker
//! 4. → Kafka → projection → function `notify` on Lambda
//!
//! Meanwhile the shop suspends the run. At the end, the orders service resumes it and ends it.

use crate::http::HttpService;
use crate::orders::{PARCELS, set_status};
use crate::services::{Services, in_service};
use crate::transports::Transports;
use crate::{gateway, payments, warehouse};
use anyhow::{Context as _, ensure};
use serde_json::json;
use spanbridge::observe;
use spanbridge::{Primitive, RunId};
use spanbridge_examples::mailbox::mailbox;
use spanbridge_http::{ClientExt, UrlTemplate};

/// The number of the order.
const ORDER: i64 = 42;

/// Sends the order through all services. Returns the id of the run.
pub(crate) async fn run(services: &Services, transports: &Transports) -> anyhow::Result<RunId> {
    let (parcels, inbox) = mailbox(PARCELS);
    let payments = payments::start(&services.payments).await?;
    // The gateway has a sender until it is stopped: without one, a parcel cannot be put back.
    let gateway = gateway::start(services, &payments, parcels).await?;

    let run = services.shop.in_scope(|| observe::run("checkout").attribute("order.id", ORDER).open());
    let id = run.id().context("the shop does not record")?;
    let warehouse = in_service(&services.warehouse, || warehouse::work(services, inbox, transports));
    let shop = async {
        match run.with_context(|| order(&gateway)).await {
            // The suspended run is text. A real service would save it in its database.
            Ok(()) => Ok(run.suspend("until the parcel is packed").to_string()),
            Err(e) => {
                run.error(&e);
                Err(e)
            }
        }
    };
    let (saved, packed) = tokio::try_join!(shop, async { Ok(warehouse.await) })?;
    in_service(&services.orders, || close(services, &saved, packed)).await?;
    gateway.stop().await;
    payments.stop().await;
    Ok(id)
}

/// Sends the order to the gateway. The context is in HTTP headers.
async fn order(gateway: &HttpService) -> anyhow::Result<()> {
    let order = json!({"order": ORDER, "sku": "umbrella", "cents": 1999});
    let client = reqwest::Client::new().observed();
    let request = client.post(gateway.url("/orders")).bearer_auth(gateway::TOKEN).body(order.to_string());
    let answer = request.with_extension(UrlTemplate::new("/orders")).send().await?;
    ensure!(answer.status().is_success(), "the order was refused: {}", answer.status());
    Ok(())
}

/// Resumes the run and ends it. In a real system, another process does this, perhaps days later.
async fn close(services: &Services, saved: &str, packed: anyhow::Result<()>) -> anyhow::Result<()> {
    let run = observe::resume_run(saved.parse()?);
    let status = if packed.is_ok() { "closed" } else { "failed" };
    let close = || {
        let close = || set_status(&services.database, &json!({"order": ORDER}), status);
        observe::span("close order").primitive(Primitive::FLOW_STEP).in_scope(close)
    };
    run.in_scope(close)?;
    match packed {
        Ok(()) => run.end(),
        Err(e) => run.error(&e),
    }
    Ok(())
}
