//! Spans of agents: calls of models and tools, retrieval, memory, flows, and what they cost.
//!
//! Each function begins a span with its primitive, its kind, and the name and attributes that OpenTelemetry's
//! [conventions for generative AI](https://github.com/open-telemetry/semantic-conventions-genai) give it. What they return is
//! the [`SpanBuilder`](crate::observe::SpanBuilder) of [`observe::span`](fn@crate::observe::span), so it is run, held and linked as
//! any other span. [`SpanExt`] has a method for every further attribute.
//!
//! ```
//! use spanbridge::agent::{self, SpanExt};
//! use spanbridge::observe;
//!
//! # struct Answer { model: String, finish_reason: &'static str, input: u32, output: u32 }
//! # async fn ask(_: &str) -> Result<Answer, std::fmt::Error> {
//! #     Ok(Answer { model: "gpt-4-0613".to_owned(), finish_reason: "stop", input: 12, output: 30 })
//! # }
//! # async fn work() -> Result<(), std::fmt::Error> {
//! let answer = agent::generation("chat", "gpt-4")
//!     .provider("openai")
//!     .run(async || {
//!         let answer = ask("Why is the sky blue?").await?;
//!         observe::active_span()
//!             .response_model(&answer.model)
//!             .finish_reasons(&[answer.finish_reason])
//!             .input_tokens(answer.input)
//!             .output_tokens(answer.output)
//!             .cost(0.0021);
//!         Ok::<_, std::fmt::Error>(answer)
//!     })
//!     .await?;
//! # Ok(()) }
//! ```
//!
//! # Content
//!
//! Messages, arguments, results, queries and documents are not recorded, unless the application asks for it where it sets the
//! recorder up, by [`RecorderBuilder::content`](crate::RecorderBuilder::content). Offer them with [`content`].
//!
//! Names that you give to these functions are recorded: models, tools, agents, steps, metrics. Do not put content in them.

mod begin;
mod content;
mod number;
mod span_ext;
mod words;

pub use begin::{
    compaction, composition, corpus_source, corpus_sync, cost, delegate, embeddings, flow, generation, judge, memory,
    resume, retrieval, step, stream, suspension, tool,
};
pub use content::{Content, content, evaluated};
pub use number::Count;
pub use span_ext::SpanExt;
pub use words::{Composition, CostEvent, MemoryOperation};
