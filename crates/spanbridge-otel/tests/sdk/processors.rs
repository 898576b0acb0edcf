//! Processors that misbehave.

use opentelemetry_0_33::Context;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

/// Panics at each span of which the number is divisible by this one.
#[derive(Debug)]
pub(crate) struct PanicsAt(pub(crate) u64, pub(crate) AtomicU64);

impl SpanProcessor for PanicsAt {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, _: SpanData) {
        let number = 1 + self.1.fetch_add(1, SeqCst);
        assert!(!number.is_multiple_of(self.0), "on purpose");
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        panic!("on purpose")
    }
}

/// Takes spans, and never has flushed them: fails or hangs.
#[derive(Debug)]
pub(crate) struct NeverFlushes {
    pub(crate) hangs: bool,
}

impl SpanProcessor for NeverFlushes {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, _: SpanData) {}

    fn force_flush(&self) -> OTelSdkResult {
        if self.hangs {
            loop {
                std::thread::park()
            }
        }
        Err(OTelSdkError::Timeout(Duration::ZERO))
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}
