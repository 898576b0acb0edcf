//! The context bridge, with the SDKs of two versions of OpenTelemetry and `tracing-opentelemetry` in one program.

mod letters;
mod one_sdk;
mod tracers;
mod tracing_layers;
mod two_versions;

/// Once for all tests: the newer version counts first.
fn install() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let bridge = spanbridge_otel::bridge::Bridge::new();
        bridge.opentelemetry_0_33().opentelemetry_0_32().opentelemetry_0_31().install().unwrap()
    });
}
