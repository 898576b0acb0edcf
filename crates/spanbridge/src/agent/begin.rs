//! Beginning a span, with the name, the kind and the attributes that always belong to it.

use super::words::{Composition, CostEvent, MemoryOperation};
use crate::observe::SpanBuilder;
use crate::span::{may_record, span, span_of_text};
use crate::{Kind, Primitive, Value, semconv};

/// Bytes of a name that is put together without an allocation.
const SHORT: usize = 64;

/// A span of this step, `{operation} {target}`. If there is no target, or nobody records, its name is the operation.
fn begin(operation: &'static str, target: &str, primitive: Primitive, kind: Kind) -> SpanBuilder {
    let builder = if target.is_empty() || !may_record() { span(operation) } else { span_named(operation, target) };
    builder.primitive(primitive).kind(kind)
}

#[inline]
fn span_named(operation: &str, target: &str) -> SpanBuilder {
    let (end, mut short) = (operation.len() + 1 + target.len(), [b' '; SHORT]);
    if let Some(name) = short.get_mut(..end) {
        name[..operation.len()].copy_from_slice(operation.as_bytes());
        name[operation.len() + 1..].copy_from_slice(target.as_bytes());
        if let Ok(name) = std::str::from_utf8(name) {
            return span_of_text(name);
        }
    }
    span_of_text(&[operation, " ", target].concat())
}

/// What is not empty: a name that nobody knows is no attribute.
fn known(name: &str) -> Option<&str> {
    Some(name).filter(|name| !name.is_empty())
}

/// The same for an operation of the conventions. The target, if there is one, is an attribute as well.
fn begin_operation(
    operation: &'static str,
    target: (&'static str, &str),
    primitive: Primitive,
    kind: Kind,
) -> SpanBuilder {
    let (key, target) = target;
    let builder = begin(operation, target, primitive, kind);
    builder.attribute(semconv::GEN_AI_OPERATION_NAME, Value::Static(operation)).attribute(key, known(target))
}

/// A call of a model. `operation` is the conventions' word: `chat`, `text_completion`, `generate_content`.
///
/// The [`provider`](super::SpanExt::provider) belongs to it. When the answer is there, add what it says:
/// [`response_model`](super::SpanExt::response_model), [`response_id`](super::SpanExt::response_id),
/// [`finish_reasons`](super::SpanExt::finish_reasons), [`input_tokens`](super::SpanExt::input_tokens),
/// [`output_tokens`](super::SpanExt::output_tokens), [`cost`](super::SpanExt::cost).
pub fn generation(operation: &'static str, model: &str) -> SpanBuilder {
    begin_operation(operation, (semconv::GEN_AI_REQUEST_MODEL, model), Primitive::GENERATION_CALL, Kind::Client)
}

/// A call of a model whose answer comes in pieces. As [`generation`]; further,
/// [`time_to_first_chunk`](super::SpanExt::time_to_first_chunk) belongs to it. The span ends with the last piece, so hold it
/// open for as long as the stream: `.open()`.
pub fn stream(operation: &'static str, model: &str) -> SpanBuilder {
    begin_operation(operation, (semconv::GEN_AI_REQUEST_MODEL, model), Primitive::GENERATION_STREAM, Kind::Client)
        .attribute(semconv::GEN_AI_REQUEST_STREAM, true)
}

/// A call of a model that makes vectors of texts. The [`provider`](super::SpanExt::provider) belongs to it.
pub fn embeddings(model: &str) -> SpanBuilder {
    begin_operation("embeddings", (semconv::GEN_AI_REQUEST_MODEL, model), Primitive::EMBEDDING_CALL, Kind::Client)
}

/// A call of a tool.
pub fn tool(name: &str) -> SpanBuilder {
    begin_operation("execute_tool", (semconv::GEN_AI_TOOL_NAME, name), Primitive::TOOL_CALL, Kind::Internal)
}

/// Work that another agent is asked to do. If it is a remote service, add `.kind(Kind::Client)` and its
/// [`provider`](super::SpanExt::provider).
pub fn delegate(agent: &str) -> SpanBuilder {
    begin_operation("invoke_agent", (semconv::GEN_AI_AGENT_NAME, agent), Primitive::DELEGATE_INVOKE, Kind::Internal)
}

/// A flow: steps of several agents, or of an agent and other work, that belong together.
pub fn flow(name: &str) -> SpanBuilder {
    begin_operation("invoke_workflow", (semconv::GEN_AI_AGENT_NAME, name), Primitive::FLOW_RUN, Kind::Internal)
}

/// A step of a flow.
pub fn step(label: &str) -> SpanBuilder {
    begin("step", label, Primitive::FLOW_STEP, Kind::Internal).attribute(semconv::FLOW_STEP_LABEL, known(label))
}

/// A flow stops at this point and waits. To continue it in another process, [`suspend`](crate::observe::Run::suspend) its run.
pub fn suspension(point: &str) -> SpanBuilder {
    at("suspend", point, Primitive::FLOW_SUSPENSION)
}

/// A flow goes on from the point where it stopped.
pub fn resume(point: &str) -> SpanBuilder {
    at("resume", point, Primitive::FLOW_RESUME)
}

fn at(operation: &'static str, point: &str, primitive: Primitive) -> SpanBuilder {
    begin(operation, point, primitive, Kind::Internal).attribute(semconv::FLOW_SUSPENSION_POINT, known(point))
}

/// Agents that work together, under the name of what they do.
pub fn composition(composition: Composition, name: &str) -> SpanBuilder {
    let target = (semconv::GEN_AI_AGENT_NAME, name);
    begin_operation("invoke_workflow", target, composition.primitive(), Kind::Internal)
        .attribute(semconv::COMPOSITION_KIND, Value::Static(composition.name()))
}

/// A search for documents. `data_source` is what is searched in: an index, a collection.
pub fn retrieval(data_source: &str) -> SpanBuilder {
    let target = (semconv::GEN_AI_DATA_SOURCE_ID, data_source);
    begin_operation("retrieval", target, Primitive::RETRIEVAL_QUERY, Kind::Client)
}

/// Reading or writing memories. If the store is part of this process, add `.kind(Kind::Internal)`.
pub fn memory(operation: MemoryOperation) -> SpanBuilder {
    begin(operation.name(), "", operation.primitive(), Kind::Client)
        .attribute(semconv::GEN_AI_OPERATION_NAME, Value::Static(operation.name()))
}

/// Bringing a corpus up to date.
pub fn corpus_sync() -> SpanBuilder {
    begin("corpus sync", "", Primitive::CORPUS_SYNC, Kind::Internal)
}

/// What is done to one source of a corpus: `add`, `update`, `remove`, `skip`, or another word of yours.
pub fn corpus_source(action: &'static str) -> SpanBuilder {
    begin("corpus source", action, Primitive::CORPUS_SOURCE, Kind::Internal)
        .attribute(semconv::CORPUS_SOURCE_ACTION, known(action).map(|_| Value::Static(action)))
}

/// Making a conversation shorter, so that it fits. Mark the calls of models that see the shorter one as
/// [`compacted`](super::SpanExt::compacted).
pub fn compaction() -> SpanBuilder {
    begin("compaction", "", Primitive::COMPACTION_RUN, Kind::Internal)
}

/// Judging an answer by a metric. The result is what [`evaluated`](super::evaluated) records. With
/// [`link`](SpanBuilder::link), it refers to the span of the answer.
pub fn judge(metric: &str) -> SpanBuilder {
    begin("judge", metric, Primitive::SCORING_JUDGE, Kind::Internal)
        .attribute(semconv::GEN_AI_EVALUATION_NAME, known(metric))
}

/// A report about costs, with [`cost`](super::SpanExt::cost), [`cost_total`](super::SpanExt::cost_total),
/// [`cost_source`](super::SpanExt::cost_source) and [`cost_threshold`](super::SpanExt::cost_threshold). There is no work in
/// it, so end it with `.in_scope(|| ())`. What a single call cost is the [`cost`](super::SpanExt::cost) of its own span.
pub fn cost(event: CostEvent) -> SpanBuilder {
    begin("cost", event.name(), Primitive::COST_RECORD, Kind::Internal)
        .attribute(semconv::COST_EVENT, Value::Static(event.name()))
}
