//! Methods that set the attributes of agent spans.

use super::number::{Count, Hashed, Texts};
use crate::observe::{ActiveSpan, Span, SpanBuilder};
use crate::{IntoValue, semconv};
use std::time::Duration;

/// Methods that set the attributes of agent spans, so that you need not know their names. [`docs/opentelemetry.md`] lists which
/// of them belong to which span.
///
/// They are there on a builder, on an open span, and on what [`active_span`](crate::observe::active_span) returns:
///
/// ```
/// use spanbridge::agent::{self, SpanExt};
/// use spanbridge::observe;
/// # struct Answer { id: String, tokens: Option<u32> }
/// # fn ask() -> Result<Answer, std::fmt::Error> { Ok(Answer { id: "a".to_owned(), tokens: Some(12) }) }
///
/// agent::generation("chat", "gpt-4").provider("openai").in_scope(|| {
///     let answer = ask()?;
///     observe::active_span().response_id(&answer.id).output_tokens(answer.tokens).cost(0.0021);
///     Ok::<_, std::fmt::Error>(answer)
/// });
/// ```
///
/// Each costs as much as [`attribute`](SpanBuilder::attribute). An `Option` that is `None` adds nothing. The trait is implemented
/// here only.
///
/// [`docs/opentelemetry.md`]: https://github.com/spanbridge/spanbridge/blob/main/docs/opentelemetry.md
pub trait SpanExt: sealed::Told {
    /// Who serves the model, as the conventions call them: `openai`, `anthropic`, `aws.bedrock`, …
    fn provider<'v>(self, name: impl IntoValue<'v>) -> Self {
        self.tell(semconv::GEN_AI_PROVIDER_NAME, name)
    }

    /// The id of the conversation, if there is one. Do not make one up.
    fn conversation<'v>(self, id: impl IntoValue<'v>) -> Self {
        self.tell(semconv::GEN_AI_CONVERSATION_ID, id)
    }

    /// The model was shown a compacted view of the conversation. (If it was not, nothing is recorded.)
    fn compacted(self, yes: bool) -> Self {
        self.tell(semconv::GEN_AI_CONVERSATION_COMPACTED, yes.then_some(true))
    }

    /// The model that answered.
    fn response_model<'v>(self, name: impl IntoValue<'v>) -> Self {
        self.tell(semconv::GEN_AI_RESPONSE_MODEL, name)
    }

    /// The id of the answer.
    fn response_id<'v>(self, id: impl IntoValue<'v>) -> Self {
        self.tell(semconv::GEN_AI_RESPONSE_ID, id)
    }

    /// Why the model stopped, for each choice that it gave.
    fn finish_reasons<T: AsRef<str>>(self, reasons: &[T]) -> Self {
        self.tell(semconv::GEN_AI_RESPONSE_FINISH_REASONS, Texts(reasons))
    }

    /// How long the first piece of a stream took, from the request.
    fn time_to_first_chunk(self, time: Duration) -> Self {
        self.tell(semconv::GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK, time.as_secs_f64())
    }

    /// All tokens that were read, those from a cache as well.
    fn input_tokens<'v>(self, count: impl Count<'v>) -> Self {
        self.tell(semconv::GEN_AI_USAGE_INPUT_TOKENS, count)
    }

    /// All tokens that were written, those of reasoning as well.
    fn output_tokens<'v>(self, count: impl Count<'v>) -> Self {
        self.tell(semconv::GEN_AI_USAGE_OUTPUT_TOKENS, count)
    }

    /// Tokens that were read from the provider's cache.
    fn cache_read_tokens<'v>(self, count: impl Count<'v>) -> Self {
        self.tell(semconv::GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS, count)
    }

    /// Tokens that were written to the provider's cache.
    fn cache_write_tokens<'v>(self, count: impl Count<'v>) -> Self {
        self.tell(semconv::GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS, count)
    }

    /// Tokens that were written for reasoning.
    fn reasoning_tokens<'v>(self, count: impl Count<'v>) -> Self {
        self.tell(semconv::GEN_AI_USAGE_REASONING_OUTPUT_TOKENS, count)
    }

    /// The number of dimensions of an embedding.
    fn dimensions<'v>(self, count: impl Count<'v>) -> Self {
        self.tell(semconv::GEN_AI_EMBEDDINGS_DIMENSION_COUNT, count)
    }

    /// What it cost, in US dollars or another [`currency`](SpanExt::currency).
    fn cost(self, amount: impl Into<Option<f64>>) -> Self {
        self.tell(semconv::COST_AMOUNT, amount.into())
    }

    /// The currency of all amounts of this span, by ISO 4217. Default: US dollars.
    fn currency<'v>(self, code: impl IntoValue<'v>) -> Self {
        self.tell(semconv::COST_CURRENCY, code)
    }

    /// What the cost is of: a model, a tool.
    fn cost_source<'v>(self, source: impl IntoValue<'v>) -> Self {
        self.tell(semconv::COST_SOURCE, source)
    }

    /// The amount that must not be exceeded.
    fn cost_threshold(self, amount: impl Into<Option<f64>>) -> Self {
        self.tell(semconv::COST_THRESHOLD, amount.into())
    }

    /// What everything has cost until now.
    fn cost_total(self, amount: impl Into<Option<f64>>) -> Self {
        self.tell(semconv::COST_TOTAL, amount.into())
    }

    /// The id that the model gave the call of a tool.
    fn call_id<'v>(self, id: impl IntoValue<'v>) -> Self {
        self.tell(semconv::GEN_AI_TOOL_CALL_ID, id)
    }

    /// The type of a tool: `function`, `extension`, `datastore`.
    fn tool_type<'v>(self, word: impl IntoValue<'v>) -> Self {
        self.tell(semconv::GEN_AI_TOOL_TYPE, word)
    }

    /// What a tool returned: `text`, `json`, `table`, …
    fn output_type<'v>(self, word: impl IntoValue<'v>) -> Self {
        self.tell(semconv::TOOL_OUTPUT_TYPE, word)
    }

    /// How many bytes a tool returned.
    fn raw_bytes<'v>(self, bytes: impl Count<'v>) -> Self {
        self.tell(semconv::TOOL_OUTPUT_RAW_BYTES, bytes)
    }

    /// How many bytes of that the model is shown.
    fn model_bytes<'v>(self, bytes: impl Count<'v>) -> Self {
        self.tell(semconv::TOOL_OUTPUT_MODEL_BYTES, bytes)
    }

    /// How many tokens that saved, as estimated.
    fn saved_tokens<'v>(self, count: impl Count<'v>) -> Self {
        self.tell(semconv::TOOL_OUTPUT_SAVED_TOKENS, count)
    }

    /// The id of what an agent was asked to do.
    fn delegation_id<'v>(self, id: impl IntoValue<'v>) -> Self {
        self.tell(semconv::DELEGATION_ID, id)
    }

    /// The id of a flow.
    fn flow_id<'v>(self, id: impl IntoValue<'v>) -> Self {
        self.tell(semconv::FLOW_ID, id)
    }

    /// The id of a step in its flow.
    fn step_id<'v>(self, id: impl IntoValue<'v>) -> Self {
        self.tell(semconv::FLOW_STEP_ID, id)
    }

    /// How many agents a composition has.
    fn agent_count<'v>(self, count: impl Count<'v>) -> Self {
        self.tell(semconv::COMPOSITION_AGENT_COUNT, count)
    }

    /// What became smaller by compaction: its size afterwards, divided by the size before.
    fn compaction_ratio(self, ratio: impl Into<Option<f64>>) -> Self {
        self.tell(semconv::COMPACTION_RATIO, ratio.into())
    }

    /// The maximum number of documents that are asked for.
    fn top_k<'v>(self, count: impl Count<'v>) -> Self {
        self.tell(semconv::GEN_AI_RETRIEVAL_TOP_K, count)
    }

    /// The store of memories.
    fn memory_store<'v>(self, id: impl IntoValue<'v>) -> Self {
        self.tell(semconv::GEN_AI_MEMORY_STORE_ID, id)
    }

    /// What kind of memory it is, as you call it: `episodic`, `profile`.
    fn memory_type<'v>(self, word: impl IntoValue<'v>) -> Self {
        self.tell(semconv::MEMORY_TYPE, word)
    }

    /// How many memories were found, written or deleted.
    fn memory_count<'v>(self, count: impl Count<'v>) -> Self {
        self.tell(semconv::GEN_AI_MEMORY_RECORD_COUNT, count)
    }

    /// The id of a corpus.
    fn corpus_id<'v>(self, id: impl IntoValue<'v>) -> Self {
        self.tell(semconv::CORPUS_ID, id)
    }

    /// The namespace of a corpus. Its hash is recorded: equal names can be told, and who can guess a name can check the guess.
    fn namespace(self, name: impl AsRef<str>) -> Self {
        self.tell(semconv::CORPUS_NAMESPACE_HASH, Hashed(name))
    }

    /// The id of a source: a path, a URL. Its hash is recorded, as of a namespace.
    fn source_id(self, id: impl AsRef<str>) -> Self {
        self.tell(semconv::CORPUS_SOURCE_HASH, Hashed(id))
    }

    /// How many chunks a source was cut into.
    fn chunk_count<'v>(self, count: impl Count<'v>) -> Self {
        self.tell(semconv::CORPUS_CHUNK_COUNT, count)
    }

    /// Sources that are new.
    fn sources_added<'v>(self, count: impl Count<'v>) -> Self {
        self.tell(semconv::CORPUS_ADDED_COUNT, count)
    }

    /// Sources that have changed.
    fn sources_updated<'v>(self, count: impl Count<'v>) -> Self {
        self.tell(semconv::CORPUS_UPDATED_COUNT, count)
    }

    /// Sources that are no longer there.
    fn sources_removed<'v>(self, count: impl Count<'v>) -> Self {
        self.tell(semconv::CORPUS_REMOVED_COUNT, count)
    }

    /// Sources that stayed as they were.
    fn sources_unchanged<'v>(self, count: impl Count<'v>) -> Self {
        self.tell(semconv::CORPUS_UNCHANGED_COUNT, count)
    }

    /// The sync changes nothing and only counts.
    fn dry_run(self, yes: bool) -> Self {
        self.tell(semconv::CORPUS_DRY_RUN, yes)
    }
}

mod sealed {
    use crate::IntoValue;

    pub trait Told: Sized {
        #[doc(hidden)] // the trait is sealed, and this is `attribute`
        fn tell<'v>(self, key: &'static str, value: impl IntoValue<'v>) -> Self;
    }
}

impl SpanExt for SpanBuilder {}
impl sealed::Told for SpanBuilder {
    #[inline(always)]
    fn tell<'v>(self, key: &'static str, value: impl IntoValue<'v>) -> Self {
        self.attribute(key, value)
    }
}

impl SpanExt for &Span {}
impl sealed::Told for &Span {
    #[inline(always)]
    fn tell<'v>(self, key: &'static str, value: impl IntoValue<'v>) -> Self {
        self.attribute(key, value);
        self
    }
}

impl SpanExt for &ActiveSpan {}
impl sealed::Told for &ActiveSpan {
    #[inline(always)]
    fn tell<'v>(self, key: &'static str, value: impl IntoValue<'v>) -> Self {
        self.attribute(key, value);
        self
    }
}

/// What [`active_span`](crate::observe::active_span) returns.
impl SpanExt for Option<ActiveSpan> {}
impl sealed::Told for Option<ActiveSpan> {
    #[inline(always)]
    fn tell<'v>(self, key: &'static str, value: impl IntoValue<'v>) -> Self {
        if let Some(span) = &self {
            span.attribute(key, value)
        }
        self
    }
}
