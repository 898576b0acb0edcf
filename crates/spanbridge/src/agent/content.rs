//! What is recorded inside the span that is current: its content, and how it was judged.

use crate::observe::{ActiveSpan, active_span};
use crate::{Value, semconv};

/// Content: what goes to a model or a tool, and what comes back. By default nothing of it is recorded: see [`content`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Content {
    /// The messages that a model is shown, as JSON.
    InputMessages,
    /// The messages that a model answered, as JSON.
    OutputMessages,
    /// The instructions that a model is given beside the messages, as JSON.
    SystemInstructions,
    /// The tools that a model is offered, as JSON.
    ToolDefinitions,
    /// What a tool is called with, as JSON.
    ToolArguments,
    /// What a tool returned, as JSON.
    ToolResult,
    /// What is searched for, as text.
    RetrievalQuery,
    /// The documents that were found, as JSON.
    RetrievalDocuments,
    /// What is searched for in memories, as text.
    MemoryQuery,
    /// The memories that were found or written, as JSON.
    MemoryRecords,
    /// Why an answer got its score, as text.
    Explanation,
}

impl Content {
    /// All of them.
    pub const ALL: [Content; 11] = [
        Content::InputMessages,
        Content::OutputMessages,
        Content::SystemInstructions,
        Content::ToolDefinitions,
        Content::ToolArguments,
        Content::ToolResult,
        Content::RetrievalQuery,
        Content::RetrievalDocuments,
        Content::MemoryQuery,
        Content::MemoryRecords,
        Content::Explanation,
    ];

    /// The name of its attribute, or the kind of its artifact.
    pub const fn name(self) -> &'static str {
        match self {
            Content::InputMessages => semconv::GEN_AI_INPUT_MESSAGES,
            Content::OutputMessages => semconv::GEN_AI_OUTPUT_MESSAGES,
            Content::SystemInstructions => semconv::GEN_AI_SYSTEM_INSTRUCTIONS,
            Content::ToolDefinitions => semconv::GEN_AI_TOOL_DEFINITIONS,
            Content::ToolArguments => semconv::GEN_AI_TOOL_CALL_ARGUMENTS,
            Content::ToolResult => semconv::GEN_AI_TOOL_CALL_RESULT,
            Content::RetrievalQuery => semconv::GEN_AI_RETRIEVAL_QUERY_TEXT,
            Content::RetrievalDocuments => semconv::GEN_AI_RETRIEVAL_DOCUMENTS,
            Content::MemoryQuery => semconv::GEN_AI_MEMORY_QUERY_TEXT,
            Content::MemoryRecords => semconv::GEN_AI_MEMORY_RECORDS,
            Content::Explanation => semconv::GEN_AI_EVALUATION_EXPLANATION,
        }
    }

    /// Whether it is JSON, and not text.
    #[cfg(feature = "record")]
    const fn is_json(self) -> bool {
        use Content::{Explanation, MemoryQuery, RetrievalQuery};
        !matches!(self, RetrievalQuery | MemoryQuery | Explanation)
    }
}

/// Records content with the current span, if the recorder is set up to record content
/// ([`RecorderBuilder::content`](crate::RecorderBuilder::content)). Otherwise `text` is not called.
///
/// If the text is as short as the policy allows, it is an attribute of the span, by the conventions' name. If it is longer,
/// it is an artifact with its size and its beginning. If `text` panics, nothing is recorded, and the panic ends there.
///
/// ```
/// use spanbridge::agent::{self, Content};
/// # fn call(city: &str) -> Result<String, std::fmt::Error> { Ok(format!("sunny in {city}")) }
///
/// agent::tool("weather").in_scope(|| {
///     agent::content(Content::ToolArguments, || r#"{"city":"Lisbon"}"#);
///     call("Lisbon")
/// });
/// ```
pub fn content<T: AsRef<str>>(content: Content, text: impl FnOnce() -> T) {
    if let Some(span) = active_span() {
        record(&span, content, text)
    }
}

#[cfg(feature = "record")]
fn record<T: AsRef<str>>(span: &ActiveSpan, content: Content, text: impl FnOnce() -> T) {
    use crate::{messaging::CapturePolicy, panics};
    let intake = span.context().shared().and_then(|shared| shared.intake.as_ref());
    let Some(policy) = intake.and_then(|intake| intake.content::<CapturePolicy>()) else { return };
    // The text is copied once more, so that all of the application's code runs where its panics are caught.
    if let Ok(text) = panics::caught(|| text().as_ref().to_owned()) {
        policy.record_content(span, content.name(), content.is_json(), &text)
    }
}

#[cfg(not(feature = "record"))]
fn record<T: AsRef<str>>(_: &ActiveSpan, _: Content, _: impl FnOnce() -> T) {}

/// Records how an answer was judged, as an event of the current span: that of the judge, or that of the answer itself.
/// `score` and `label` may be left out with `None`.
///
/// ```
/// use spanbridge::agent;
///
/// agent::judge("relevance").in_scope(|| agent::evaluated("relevance", 0.92, "pass"));
/// ```
pub fn evaluated<'a>(metric: &'a str, score: impl Into<Option<f64>>, label: impl Into<Option<&'a str>>) {
    let Some(span) = active_span() else { return };
    let score = score.into().map(|score| (semconv::GEN_AI_EVALUATION_SCORE_VALUE, Value::F64(score)));
    let label = label.into().map(|label| (semconv::GEN_AI_EVALUATION_SCORE_LABEL, Value::Str(label)));
    let attributes: Vec<_> =
        [Some((semconv::GEN_AI_EVALUATION_NAME, Value::Str(metric))), score, label].into_iter().flatten().collect();
    span.event(semconv::GEN_AI_EVALUATION_RESULT, &attributes)
}
