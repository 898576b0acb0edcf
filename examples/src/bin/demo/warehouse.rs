//! The warehouse packs the parcel.

use crate::services::{Services, busy};
use crate::transports::Transports;
use crate::{projection, shipping};
use anyhow::{bail, ensure};
use serde_json::Value;
use spanbridge::observe;
use spanbridge::{Kind, Primitive};
use spanbridge_examples::mailbox::Mailbox;

/// Packs the parcel, with up to three attempts. Each attempt is a span under the same publish span. The first one fails.
pub(crate) async fn work(services: &Services, mut parcels: Mailbox, transports: &Transports) -> anyhow::Result<()> {
    while let Some(job) = parcels.next().await {
        let attempt = job.attempt();
        match job.run(|| pack(services, &job.data, attempt, transports)).await {
            Ok(()) => return Ok(()),
            Err(e) if attempt == 3 => return Err(e),
            Err(_) => parcels.requeue(job),
        }
    }
    bail!("no parcel came")
}

async fn pack(services: &Services, order: &[u8], attempt: u32, transports: &Transports) -> anyhow::Result<()> {
    let order: Value = serde_json::from_slice(order)?;
    observe::span("fetch").primitive(Primitive::FLOW_STEP).run(|| fetch(&order)).await;
    print_label(attempt).await?;
    if let Some(url) = &transports.amqp_url {
        shipping::hand_over(services, url, &order).await?
    }
    projection::packed(services, &transports.kafka, &transports.notify, &order).await
}

/// A nested function. Its spans find their parent without being passed one.
async fn fetch(order: &Value) {
    let find = async || {
        observe::span("SELECT stock").primitive(Primitive::DB_QUERY).kind(Kind::Client).run(|| busy(1)).await;
        observe::span("walk to shelf").attribute("sku", order["sku"].as_str().unwrap_or("?")).run(|| busy(5)).await;
    };
    observe::span("find shelf").run(find).await;
    observe::span("pick").run(|| busy(2)).await;
}

async fn print_label(attempt: u32) -> anyhow::Result<()> {
    let print = async || {
        busy(1).await;
        ensure!(attempt > 1, "the label printer is out of paper");
        Ok(())
    };
    observe::span("print label").primitive(Primitive::TOOL_CALL).run(print).await
}
