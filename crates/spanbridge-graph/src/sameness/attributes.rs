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

/// The last word of a key that names something which differs between two equal runs.
const VOLATILE_ENDINGS: &[&str] = &[
    "id",
    "ids",
    "uuid",
    "guid",
    "port",
    "pid",
    "time",
    "timestamp",
    "ms",
    "ns",
    "us",
    "seconds",
    "duration",
    "token",
    "nonce",
    "etag",
    "date",
    "at",
];

/// Whether the values of this key differ between two equal runs: ids, times, ports, addresses, positions and measurements.
pub(crate) fn is_volatile(key: &str) -> bool {
    VOLATILE.contains(&key) || VOLATILE_ENDINGS.contains(&last_word(key).to_ascii_lowercase().as_str())
}

/// Whether a key says how a call went, or which attempt it was, rather than what was called.
pub(crate) fn is_outcome(key: &str) -> bool {
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

/// `order.id` ends in `id`, and so do `order_id` and `orderId`.
fn last_word(key: &str) -> &str {
    let from = key.rfind(['.', '_', '-', ' ']).map_or(0, |at| at + 1);
    let last = &key[from..];
    // The capital that begins the last word, unless the whole word is in capitals.
    match last.rfind(|c: char| c.is_ascii_lowercase()) {
        Some(_) => {
            let mut start = 0;
            let bytes = last.as_bytes();
            for at in 1..bytes.len() {
                if bytes[at].is_ascii_uppercase() && bytes[at - 1].is_ascii_lowercase() {
                    start = at;
                }
            }
            &last[start..]
        }
        None => last,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_decides() {
        for volatile in
            ["order.id", "order_id", "orderId", "request-ID", "server.port", "spanbridge.queue.time_ms", "id"]
        {
            assert!(is_volatile(volatile), "{volatile}");
        }
        for stable in ["order.items", "paid", "transport", "retry", "deployment", "http.route", "orderIdKind", "", "ü"]
        {
            assert!(!is_volatile(stable), "{stable}");
        }
        assert!(is_volatile(semconv::KAFKA_OFFSET) && !is_volatile(semconv::MESSAGING_DESTINATION_NAME));
    }
}
