//! Messages that were received from SQS by hand, outside of Lambda.

use super::{Attribute, Standard, or_xray};
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use spanbridge::carrier::{Extraction, Header};

/// What came with a message of SQS that was received by hand: in its attributes, else in X-Ray's header. Both have to be
/// asked for.
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
///     observe::run_with_span(span, work(message)).await;
/// }
/// # Ok(()) }
/// ```
pub fn extract_message(message: &Message) -> Extraction {
    let mut standard = Standard::default();
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
