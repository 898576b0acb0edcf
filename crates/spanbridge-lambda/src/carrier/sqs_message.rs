//! Messages that a program receives from SQS itself, outside of Lambda.

use super::attributes::Attribute;
use super::fallback::or_xray;
use super::standard::StandardHeaders;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use spanbridge::carrier::{Extraction, Header};

/// Extracts the context of an SQS message that you received with the SDK: from its attributes, else from X-Ray's header.
///
/// SQS returns neither unless you ask for both, as here:
///
/// ```no_run
/// use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
/// use spanbridge::{messaging::Received, observe};
///
/// # async fn work(message: &Message) {}
/// # async fn f(client: aws_sdk_sqs::Client, queue: &str) -> Result<(), aws_sdk_sqs::Error> {
/// let received = client
///     .receive_message()
///     .queue_url(queue)
///     .message_attribute_names("All")
///     .message_system_attribute_names(MessageSystemAttributeName::AwsTraceHeader)
///     .send()
///     .await?;
/// for message in received.messages() {
///     let received = Received::from(spanbridge_lambda::extract_message(message));
///     let span = received.process(|| observe::span("process orders").open());
///     span.run(|| work(message)).await;
/// }
/// # Ok(()) }
/// ```
pub fn extract_message(message: &Message) -> Extraction {
    let mut standard = StandardHeaders::default();
    for (name, value) in message.message_attributes().into_iter().flatten() {
        standard.offer(name, || match Attribute::bytes(value) {
            Some(bytes) => Header::Value(bytes.into()),
            None => Header::Unusable("has neither text nor bytes"),
        })
    }
    let system = message.attributes();
    let xray = system.and_then(|attributes| attributes.get(&MessageSystemAttributeName::AwsTraceHeader));
    or_xray(standard.extract(), xray.map(String::as_bytes))
}
