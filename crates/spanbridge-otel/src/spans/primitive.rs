//! What kind of step a span of others is, by the semantic conventions.

use crate::otlp::model::{AnyValue, Span};
use spanbridge::{Kind, Primitive, semconv};

/// The primitive of a span. Ours say it; of others it follows from kind and attributes, also from names that the conventions had
/// before. What they do not tell is a `custom.operation`.
pub(super) fn of(span: &Span<'_>) -> String {
    let text = |key: &str| span.attribute(key).and_then(AnyValue::as_str);
    let has = |keys: &[&str]| keys.iter().any(|key| span.attribute(key).is_some());
    if let Some(told) = text(semconv::PRIMITIVE).filter(|told| !told.is_empty()) {
        return told.to_owned();
    }
    let is_stream = span.attribute(semconv::GEN_AI_REQUEST_STREAM) == Some(&AnyValue::Bool(true));
    let operation = text(semconv::MESSAGING_OPERATION_TYPE).or(text(semconv::OLD_MESSAGING_OPERATION));
    let primitive = match (operation, text(semconv::GEN_AI_OPERATION_NAME), span.kind) {
        (Some("send" | "publish" | "create"), ..) => Primitive::MESSAGING_PUBLISH,
        (Some("receive"), ..) => Primitive::MESSAGING_RECEIVE,
        (Some("process" | "deliver"), ..) => Primitive::MESSAGING_PROCESS,
        (Some("settle"), ..) => Primitive::MESSAGING_SETTLE,
        (_, Some("chat" | "generate_content" | "text_completion"), _) if is_stream => Primitive::GENERATION_STREAM,
        (_, Some("chat" | "generate_content" | "text_completion"), _) => Primitive::GENERATION_CALL,
        (_, Some("embeddings"), _) => Primitive::EMBEDDING_CALL,
        (_, Some("execute_tool"), _) => Primitive::TOOL_CALL,
        (_, Some("invoke_agent" | "create_agent"), _) => Primitive::DELEGATE_INVOKE,
        (_, Some("invoke_workflow"), _) => Primitive::FLOW_RUN,
        (_, Some("retrieval"), _) => Primitive::RETRIEVAL_QUERY,
        (_, Some("search_memory"), _) => Primitive::MEMORY_READ,
        (_, Some("create_memory" | "update_memory" | "upsert_memory" | "delete_memory"), _) => Primitive::MEMORY_WRITE,
        (.., Some(Kind::Producer)) if has(&[semconv::MESSAGING_SYSTEM]) => Primitive::MESSAGING_PUBLISH,
        (.., Some(Kind::Consumer)) if has(&[semconv::MESSAGING_SYSTEM]) => Primitive::MESSAGING_PROCESS,
        (.., Some(Kind::Client)) if has(&[semconv::DB_SYSTEM_NAME, semconv::OLD_DB_SYSTEM]) => Primitive::DB_QUERY,
        (.., Some(Kind::Client)) if has(&[semconv::FAAS_INVOKED_NAME]) => Primitive::FUNCTION_INVOKE,
        (.., Some(Kind::Server))
            if has(&[semconv::FAAS_TRIGGER, semconv::FAAS_INVOCATION_ID, semconv::OLD_FAAS_EXECUTION]) =>
        {
            Primitive::FUNCTION_HANDLE
        }
        (.., Some(Kind::Server)) if has(&[semconv::HTTP_REQUEST_METHOD, semconv::OLD_HTTP_METHOD]) => {
            Primitive::HTTP_SERVER
        }
        (.., Some(Kind::Client)) if has(&[semconv::HTTP_REQUEST_METHOD, semconv::OLD_HTTP_METHOD]) => {
            Primitive::HTTP_CLIENT
        }
        _ => Primitive::OPERATION,
    };
    primitive.name().to_owned()
}
