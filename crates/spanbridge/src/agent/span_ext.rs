//! What a span of an agent is told, by words for the names of the attributes.

use super::number::{Count, Hashed, Texts};
use crate::observe::{ActiveSpan, Span, SpanBuilder};
use crate::{IntoValue, semconv};
use std::time::Duration;

/// The trait, from its list of methods: a word, what it takes, and the attribute that it adds.
macro_rules! span_ext {
    ($($(#[$doc:meta])* $name:ident: $form:ident => $key:ident;)*) => {
        /// What the spans of agents are told, in words for the names of the attributes. [`docs/opentelemetry.md`] lists which
        /// of them go with which span.
        ///
        /// A builder takes them, a span that is open, and the current span, if there is one:
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
        /// Each costs what [`attribute`](SpanBuilder::attribute) does. An `Option` that is `None` adds nothing.
        ///
        /// [`docs/opentelemetry.md`]: https://github.com/spanbridge/spanbridge/blob/main/docs/opentelemetry.md
        pub trait SpanExt: sealed::Told {
            $($(#[$doc])*
            #[inline(always)]
            fn $name<'v>(self, value: value!($form)) -> Self {
                self.tell(semconv::$key, given!($form, value))
            })*

            /// The model was shown a compacted view of the conversation. (If it was not, nothing is recorded.)
            #[inline(always)]
            fn compacted(self, yes: bool) -> Self {
                self.tell(semconv::GEN_AI_CONVERSATION_COMPACTED, yes.then_some(true))
            }

            /// Why the model stopped, for each choice that it gave.
            #[inline(always)]
            fn finish_reasons<T: AsRef<str>>(self, reasons: &[T]) -> Self {
                self.tell(semconv::GEN_AI_RESPONSE_FINISH_REASONS, Texts(reasons))
            }

            /// How long the first piece of a stream took, from the request.
            #[inline(always)]
            fn time_to_first_chunk(self, time: Duration) -> Self {
                self.tell(semconv::GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK, time.as_secs_f64())
            }
        }
    };
}

/// What a method takes.
macro_rules! value {
    (text) => { impl IntoValue<'v> };
    (count) => { impl Count<'v> };
    (amount) => { impl Into<Option<f64>> };
    (flag) => { bool };
    (hash) => { impl AsRef<str> };
}

/// The value of the attribute.
macro_rules! given {
    (amount, $value:ident) => {
        $value.into()
    };
    (hash, $value:ident) => {
        Hashed($value)
    };
    ($form:ident, $value:ident) => {
        $value
    };
}

span_ext! {
    /// Who serves the model, as the conventions call them: `openai`, `anthropic`, `aws.bedrock`, …
    provider: text => GEN_AI_PROVIDER_NAME;
    /// The id of the conversation, if there is one. (Do not make one up.)
    conversation: text => GEN_AI_CONVERSATION_ID;
    /// The model that answered.
    response_model: text => GEN_AI_RESPONSE_MODEL;
    /// The id of the answer.
    response_id: text => GEN_AI_RESPONSE_ID;
    /// All tokens that were read, those from a cache as well.
    input_tokens: count => GEN_AI_USAGE_INPUT_TOKENS;
    /// All tokens that were written, those of reasoning as well.
    output_tokens: count => GEN_AI_USAGE_OUTPUT_TOKENS;
    /// Tokens that were read from the provider's cache.
    cache_read_tokens: count => GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS;
    /// Tokens that were written to the provider's cache.
    cache_write_tokens: count => GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS;
    /// Tokens that were written for reasoning.
    reasoning_tokens: count => GEN_AI_USAGE_REASONING_OUTPUT_TOKENS;
    /// The number of dimensions of an embedding.
    dimensions: count => GEN_AI_EMBEDDINGS_DIMENSION_COUNT;

    /// What it cost, in US dollars or another [`currency`](SpanExt::currency).
    cost: amount => COST_AMOUNT;
    /// The currency of all amounts of this span, by ISO 4217. Default: US dollars.
    currency: text => COST_CURRENCY;
    /// What the cost is of: a model, a tool.
    cost_source: text => COST_SOURCE;
    /// The amount that must not be exceeded.
    cost_threshold: amount => COST_THRESHOLD;
    /// What everything has cost until now.
    cost_total: amount => COST_TOTAL;

    /// The id that the model gave the call of a tool.
    call_id: text => GEN_AI_TOOL_CALL_ID;
    /// The type of a tool: `function`, `extension`, `datastore`.
    tool_type: text => GEN_AI_TOOL_TYPE;
    /// What a tool returned: `text`, `json`, `table`, …
    output_type: text => TOOL_OUTPUT_TYPE;
    /// How many bytes a tool returned.
    raw_bytes: count => TOOL_OUTPUT_RAW_BYTES;
    /// How many bytes of that the model is shown.
    model_bytes: count => TOOL_OUTPUT_MODEL_BYTES;
    /// How many tokens that saved, as estimated.
    saved_tokens: count => TOOL_OUTPUT_SAVED_TOKENS;

    /// The id of what an agent was asked to do.
    delegation_id: text => DELEGATION_ID;
    /// The id of a flow.
    flow_id: text => FLOW_ID;
    /// The id of a step in its flow.
    step_id: text => FLOW_STEP_ID;
    /// How many agents a composition has.
    agents: count => COMPOSITION_AGENT_COUNT;
    /// What became smaller by compaction: its size afterwards, divided by the size before.
    ratio: amount => COMPACTION_RATIO;

    /// The maximum number of documents that are asked for.
    top_k: count => GEN_AI_RETRIEVAL_TOP_K;
    /// The store of memories.
    memory_store: text => GEN_AI_MEMORY_STORE_ID;
    /// What kind of memory it is, in your word: `episodic`, `profile`.
    memory_type: text => MEMORY_TYPE;
    /// How many memories were found, written or deleted.
    memories: count => GEN_AI_MEMORY_RECORD_COUNT;

    /// The id of a corpus.
    corpus_id: text => CORPUS_ID;
    /// The namespace of a corpus. Its hash is recorded: equal names can be told, and who can guess a name can check the guess.
    namespace: hash => CORPUS_NAMESPACE_HASH;
    /// The id of a source: a path, a URL. Its hash is recorded, as of a namespace.
    source_id: hash => CORPUS_SOURCE_HASH;
    /// How many chunks a source was cut into.
    chunks: count => CORPUS_CHUNK_COUNT;
    /// Sources that are new.
    added: count => CORPUS_ADDED_COUNT;
    /// Sources that have changed.
    updated: count => CORPUS_UPDATED_COUNT;
    /// Sources that are no longer there.
    removed: count => CORPUS_REMOVED_COUNT;
    /// Sources that stayed as they were.
    unchanged: count => CORPUS_UNCHANGED_COUNT;
    /// The sync changes nothing and only counts.
    dry_run: flag => CORPUS_DRY_RUN;
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
