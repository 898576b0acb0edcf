//! The services of the story. They live in one process here, each with a recorder of its own, as each process would
//! have.

use spanbridge::Recorder;
use spanbridge_examples::{Records, finish};

/// A recorder for each service.
pub(crate) struct Services {
    pub(crate) gateway: Recorder,
    pub(crate) orders: Recorder,
    pub(crate) payments: Recorder,
    pub(crate) warehouse: Recorder,
    pub(crate) shipping: Recorder,
    pub(crate) projection: Recorder,
}

impl Services {
    pub(crate) fn start(records: &Records) -> anyhow::Result<Self> {
        let recorder = |service| Ok::<_, anyhow::Error>(records.recorder(service)?.build()?);
        Ok(Services {
            gateway: recorder("gateway")?,
            orders: recorder("orders")?,
            payments: recorder("payments")?,
            warehouse: recorder("warehouse")?,
            shipping: recorder("shipping")?,
            projection: recorder("projection")?,
        })
    }

    /// Everything that was recorded is in the store.
    pub(crate) fn stop(self) {
        for recorder in [self.gateway, self.orders, self.payments, self.warehouse, self.shipping, self.projection] {
            finish(recorder)
        }
    }
}

/// Does the work in another service, as in another process: that service records it, and nothing of the caller's is current.
pub(crate) async fn elsewhere<F: Future>(service: &Recorder, work: impl FnOnce() -> F) -> F::Output {
    service.scope(work).await
}
