//! Names of attributes: OpenTelemetry's semantic conventions 1.44, and our own where they have none.
//!
//! This is the one place for such a string. Sources:
//! [messaging](https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/),
//! [RabbitMQ](https://opentelemetry.io/docs/specs/semconv/messaging/rabbitmq/).

/// The broker: `rabbitmq`, `kafka`, …
pub const MESSAGING_SYSTEM: &str = "messaging.system";
/// What is done, in the client's own word: `publish`, `process`, `ack`, …
pub const MESSAGING_OPERATION_NAME: &str = "messaging.operation.name";
/// What is done, in one of the conventions' words: `send`, `receive`, `process`, `settle`.
pub const MESSAGING_OPERATION_TYPE: &str = "messaging.operation.type";
/// Where a message goes to or comes from.
pub const MESSAGING_DESTINATION_NAME: &str = "messaging.destination.name";
/// The message's id.
pub const MESSAGING_MESSAGE_ID: &str = "messaging.message.id";
/// What ties a question to its answer.
pub const MESSAGING_CONVERSATION_ID: &str = "messaging.message.conversation_id";
/// The size of the payload in bytes.
pub const MESSAGING_BODY_SIZE: &str = "messaging.message.body.size";
/// RabbitMQ's routing key.
pub const RABBITMQ_ROUTING_KEY: &str = "messaging.rabbitmq.destination.routing_key";
/// RabbitMQ's delivery tag.
pub const RABBITMQ_DELIVERY_TAG: &str = "messaging.rabbitmq.message.delivery_tag";
/// The class of an error.
pub const ERROR_TYPE: &str = "error.type";

/// What became of a hand-off: `confirmed`, `rejected`, `returned`, `sent`, `unknown`, `committed`, `rolled_back`.
pub const HANDOFF_STATUS: &str = "spanbridge.handoff.status";
/// Which delivery of the same message this is, from 1, where the broker counts.
pub const DELIVERY_ATTEMPT: &str = "spanbridge.delivery.attempt";
/// The broker says that it has delivered the message before.
pub const DELIVERY_REDELIVERED: &str = "spanbridge.delivery.redelivered";
/// A settlement that covers all earlier messages, too.
pub const SETTLE_MULTIPLE: &str = "spanbridge.settle.multiple";
/// A settlement that gives the message back to the queue.
pub const SETTLE_REQUEUE: &str = "spanbridge.settle.requeue";
