//! The demo's services. They share this process, and each has its own recorder, as if it were a process of its own.

use crate::database::Database;
use spanbridge::Recorder;
use spanbridge_examples::{Records, finish};
use std::time::Duration;

/// The recorder of each service, and the database that some of them share.
#[derive(Clone)]
pub(crate) struct Services {
    pub(crate) shop: Recorder,
    pub(crate) gateway: Recorder,
    pub(crate) orders: Recorder,
    pub(crate) payments: Recorder,
    pub(crate) warehouse: Recorder,
    pub(crate) shipping: Recorder,
    pub(crate) projection: Recorder,
    pub(crate) database: Database,
    /// How often the label printer of the warehouse is out of paper.
    pub(crate) without_paper: u32,
}

impl Services {
    /// `fails`: the printer stays out of paper.
    pub(crate) fn start(records: &Records, fails: bool) -> anyhow::Result<Self> {
        let recorder = |service| Ok::<_, anyhow::Error>(records.recorder(service)?.build()?);
        Ok(Services {
            shop: recorder("shop")?,
            gateway: recorder("gateway")?,
            orders: recorder("orders")?,
            payments: recorder("payments")?,
            warehouse: recorder("warehouse")?,
            shipping: recorder("shipping")?,
            projection: recorder("projection")?,
            database: Database::create()?,
            without_paper: if fails { u32::MAX } else { 1 },
        })
    }

    /// Shuts the recorders down. Afterwards, the store has all records.
    pub(crate) fn stop(self) {
        let Services { shop, gateway, orders, payments, warehouse, shipping, projection, .. } = self;
        for recorder in [shop, gateway, orders, payments, warehouse, shipping, projection] {
            finish(recorder)
        }
    }
}

/// Runs the work as another service: its recorder is current, and the caller's context is not, as in another process.
pub(crate) async fn in_service<F: Future>(service: &Recorder, work: impl FnOnce() -> F) -> F::Output {
    service.scope(work).await
}

/// Simulates work.
pub(crate) async fn busy(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await
}
