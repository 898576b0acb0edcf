//! The warehouse packs the parcel.

use crate::services::{Services, busy};
use crate::transports::Transports;
use crate::{projection, shipping};
use anyhow::{bail, ensure};
use serde_json::Value;
use spanbridge::Primitive;
use spanbridge::observe;
use spanbridge_db::rusqlite::SqliteTransaction;
use spanbridge_examples::mailbox::Mailbox;

/// Packs the parcel, with up to three attempts. Each attempt is a span under the same publish span. The first one fails, or all do.
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
    let mut database = services.database.connect()?;
    // What is taken goes back if the label cannot be printed.
    let transaction = database.transaction()?;
    observe::span("fetch").primitive(Primitive::FLOW_STEP).run(|| fetch(&transaction, &order)).await?;
    print_label(attempt > services.without_paper).await?;
    transaction.commit()?;
    if let Some(url) = &transports.amqp_url {
        shipping::hand_over(services, url, &order).await?
    }
    projection::packed(services, &transports.kafka, &transports.notify, &order).await
}

/// A nested function. Its spans find their parent without being passed one.
async fn fetch(database: &SqliteTransaction<'_>, order: &Value) -> anyhow::Result<()> {
    let sku = order["sku"].as_str().unwrap_or("?");
    let find = async || {
        let shelf = "SELECT shelf FROM stock WHERE sku = ?1";
        let shelf: String = database.query_row(shelf, [sku], |row| row.get(0))?;
        observe::span("walk to shelf").attribute("shelf", shelf).run(|| busy(5)).await;
        anyhow::Ok(())
    };
    observe::span("find shelf").run(find).await?;
    let pick = async || {
        busy(2).await;
        database.execute("UPDATE stock SET count = count - 1 WHERE sku = ?1", [sku])
    };
    observe::span("pick").run(pick).await?;
    Ok(())
}

async fn print_label(has_paper: bool) -> anyhow::Result<()> {
    let print = async || {
        busy(1).await;
        ensure!(has_paper, "the label printer is out of paper");
        Ok(())
    };
    observe::span("print label").primitive(Primitive::TOOL_CALL).run(print).await
}
