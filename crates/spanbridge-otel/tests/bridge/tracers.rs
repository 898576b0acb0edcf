//! The SDKs, each with an exporter in memory.

macro_rules! tracer {
    ($name:ident, $api:ident, $sdk:ident) => {
        pub(crate) mod $name {
            use $api::trace::TracerProvider;
            use $sdk::trace::{InMemorySpanExporter, SdkTracer, SdkTracerProvider, SpanData};

            pub(crate) struct Sdk {
                exporter: InMemorySpanExporter,
                provider: SdkTracerProvider,
            }

            impl Sdk {
                pub(crate) fn new() -> Self {
                    let exporter = InMemorySpanExporter::default();
                    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
                    Sdk { exporter, provider }
                }

                pub(crate) fn tracer(&self) -> SdkTracer {
                    self.provider.tracer("app")
                }

                pub(crate) fn spans(&self) -> Vec<SpanData> {
                    self.exporter.get_finished_spans().unwrap()
                }

                #[track_caller]
                pub(crate) fn span(&self, name: &str) -> SpanData {
                    let found = self.spans().into_iter().find(|span| span.name == name);
                    found.unwrap_or_else(|| panic!("{name} is not among {:#?}", self.spans()))
                }
            }
        }
    };
}
tracer!(v0_32, opentelemetry_0_32, opentelemetry_sdk_0_32);
tracer!(v0_33, opentelemetry_0_33, opentelemetry_sdk);
