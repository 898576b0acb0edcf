//! Attributes that differ between two equal runs.

use spanbridge::semconv;

/// Ids, positions, addresses and measurements: another one in each run.
const VOLATILE: &[&str] = &[
    // Which message, which offset, which delivery.
    semconv::MESSAGING_CONVERSATION_ID,
    semconv::RABBITMQ_DELIVERY_TAG,
    semconv::MESSAGING_PARTITION_ID,
    semconv::KAFKA_OFFSET,
    semconv::KAFKA_MESSAGE_KEY,
    semconv::SETTLE_RANGES,
    // Which process, connection or machine.
    semconv::CLIENT_ADDRESS,
    semconv::FAAS_COLDSTART,
    "network.peer.address",
    "network.local.address",
    "host.name",
    "service.instance.id",
    "thread.name",
    // Sizes and other measurements.
    semconv::MESSAGING_BODY_SIZE,
    semconv::HTTP_REQUEST_BODY_SIZE,
    "http.response.body.size",
    semconv::RESPONSE_SENT_BYTES,
    semconv::KAFKA_LAG,
    semconv::GEN_AI_USAGE_INPUT_TOKENS,
    semconv::GEN_AI_USAGE_OUTPUT_TOKENS,
    semconv::GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS,
    semconv::GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS,
    semconv::GEN_AI_USAGE_REASONING_OUTPUT_TOKENS,
    semconv::GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK,
    // Where in the code a step is: it moves with every edit.
    semconv::CODE_LINE_NUMBER,
    semconv::EXCEPTION_STACKTRACE,
];

/// Whether a key says how a call went, or which attempt it was, rather than what was called.
pub(super) fn is_outcome(key: &str) -> bool {
    matches!(
        key,
        semconv::ERROR_TYPE
            | semconv::HTTP_RESPONSE_STATUS_CODE
            | semconv::RPC_RESPONSE_STATUS_CODE
            | semconv::HTTP_REQUEST_RESEND_COUNT
            | semconv::HANDOFF_STATUS
            | semconv::AWS_REQUEST_ID
            | semconv::SERVER_PORT
            | semconv::DELIVERY_ATTEMPT
            | semconv::DELIVERY_REDELIVERED
            | semconv::EXCEPTION_MESSAGE
            | semconv::EXCEPTION_TYPE
    ) || key.starts_with("network.")
        || VOLATILE.contains(&key)
}
