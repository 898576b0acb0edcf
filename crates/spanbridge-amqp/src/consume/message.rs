//! A delivery, as the core is told about it.

use crate::carrier::Headers;
use crate::client::ConsumerInfo;
use crate::describe::{self, Source};
use crate::replies;
use lapin::message::Delivery;
use spanbridge::adapter::{Describe, Properties, Values, Waited};
use spanbridge::carrier::Extract;
use spanbridge::messaging::MessageView;
use spanbridge::observe::{EdgeType, Span, SpanBuilder};
use std::sync::Arc;

/// The messages of RabbitMQ, for [`ReceiveOptions`].
#[derive(Debug)]
pub enum Amqp {}

impl MessageView for Amqp {
    type View<'m> = &'m Delivery;
}

/// [`ReceiveOptions`](spanbridge::messaging::ReceiveOptions) for RabbitMQ: `relation_by` is shown lapin's [`Delivery`].
///
/// [`Relation::Auto`](spanbridge::messaging::Relation::Auto) goes by AMQP's `timestamp`, which has whole seconds and is there
/// only if the publisher sets it: a message counts as old when it is old by any reading.
pub type ReceiveOptions = spanbridge::messaging::ReceiveOptions<Amqp>;

#[derive(Debug)]
pub struct Message {
    pub(super) delivery: Delivery,
    pub(super) consumer: Arc<ConsumerInfo>,
}

impl Message {
    /// Looks at where it comes from, with as much of its routing key as may be recorded.
    pub(super) fn with_source<R>(&self, values: &mut Values<'_>, look: impl FnOnce(&Source) -> R) -> R {
        describe::with_source(&self.delivery, &self.consumer, values, look)
    }

    pub(super) fn queue(&self) -> &str {
        self.consumer.queue.as_str()
    }
}

impl Describe for Message {
    type View = Amqp;

    fn headers(&self) -> impl Extract {
        Headers(&self.delivery.properties)
    }

    fn view(&self) -> &Delivery {
        &self.delivery
    }

    fn run_name(&self, values: &mut Values<'_>) -> String {
        self.with_source(values, |source| format!("process {}", source.destination.kind()))
    }

    fn describe(&self, values: &mut Values<'_>) -> SpanBuilder {
        describe::process(&self.delivery, &self.consumer, values)
    }

    fn waited(&self) -> Waited {
        describe::waited(&self.delivery.properties)
    }

    fn payload(&self) -> Option<&[u8]> {
        Some(&self.delivery.data)
    }

    fn content_type(&self) -> &str {
        describe::content_type(&self.delivery.properties)
    }

    fn each_header(&self, each: &mut dyn FnMut(&str, &[u8])) {
        Headers(&self.delivery.properties).pairs(each)
    }

    fn properties(&self, to: &mut Properties<'_>) {
        describe::properties(&self.delivery, self.queue(), to)
    }

    fn begun(&self, span: &Span) {
        if let Some(question) = replies::question(self.queue(), &self.delivery) {
            span.edge(EdgeType::REPLIED_TO, question)
        }
    }
}
