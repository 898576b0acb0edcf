//! What the producer says.

use rdkafka::ClientContext;
use rdkafka::error::KafkaError;
use rdkafka::message::DeliveryResult;
use rdkafka::producer::ProducerContext;
use std::sync::{Mutex, PoisonError};

/// Delivery reports of messages that were not delivered, by their places in the batch; and what went wrong otherwise.
#[derive(Debug, Default)]
pub(super) struct Reports {
    undelivered: Mutex<Vec<(usize, KafkaError)>>,
    said: Mutex<Option<String>>,
}

impl Reports {
    pub(super) fn take_undelivered(&self) -> Vec<(usize, KafkaError)> {
        std::mem::take(&mut *self.undelivered.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The last trouble with a broker, which says more than "timed out".
    pub(super) fn take_said(&self) -> Option<String> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl ClientContext for Reports {
    fn error(&self, _: KafkaError, reason: &str) {
        *self.said.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason.to_owned());
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, place: usize) {
        if let Err((error, _)) = result {
            self.undelivered.lock().unwrap_or_else(PoisonError::into_inner).push((place, error.clone()));
        }
    }
}
