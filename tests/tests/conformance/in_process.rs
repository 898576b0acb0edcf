//! The examples' mailbox: payloads that carry their context in a hidden field.

use spanbridge::conformance::{Abilities, BoxError, RawHeader, TestMessage, Transport};
use spanbridge::payload::{FIELD, take};
use spanbridge_examples::mailbox::{Mailbox, Sender, mailbox};
use spanbridge_tests::within;
use std::future::Future;
use tokio::sync::Mutex;

const NAME: &str = "letters";

pub(crate) struct InProcess {
    sender: Sender,
    inbox: Mutex<Mailbox>,
}

impl InProcess {
    pub(crate) fn new() -> Self {
        let (sender, inbox) = mailbox(NAME);
        InProcess { sender, inbox: Mutex::new(inbox) }
    }
}

/// The headers as a hidden field, in front of the object.
fn with_field(message: &TestMessage) -> Vec<u8> {
    if message.headers.is_empty() {
        return message.payload.clone();
    }
    let text = |bytes: &[u8]| serde_json::Value::String(String::from_utf8(bytes.to_vec()).expect("UTF-8"));
    let member = |(name, value): &RawHeader| format!("{}:{}", text(name), text(value.as_deref().expect("a value")));
    let members: Vec<_> = message.headers.iter().map(member).collect();
    let rest = message.payload.strip_prefix(b"{").expect("an object");
    [format!("{{\"{FIELD}\":{{{}}},", members.join(",")).as_bytes(), rest].concat()
}

impl Transport for InProcess {
    fn abilities(&self) -> Abilities {
        let mut abilities = Abilities::default();
        abilities.confirms = true;
        abilities.redelivery = true;
        abilities.redelivery_count = true;
        abilities.ordering = true;
        abilities
    }

    async fn send(&self, message: TestMessage) -> Result<(), BoxError> {
        Ok(self.sender.send_bytes(NAME, &with_field(&message))?)
    }

    async fn send_raw(&self, message: TestMessage) -> Result<(), BoxError> {
        Ok(self.sender.put(with_field(&message))?)
    }

    async fn receive<W, F>(&self, work: W) -> Result<(), BoxError>
    where
        W: FnOnce(TestMessage) -> F,
        F: Future<Output = Result<(), BoxError>>,
    {
        let next = async { self.inbox.lock().await.next().await };
        let job = within("a message", next).await.ok_or("receive: the mailbox is closed")?;
        if job.run(|| work(TestMessage::new(job.data.clone()))).await.is_err() {
            self.inbox.lock().await.requeue(job)
        }
        Ok(())
    }

    async fn receive_raw(&self) -> Result<TestMessage, BoxError> {
        let next = async { self.inbox.lock().await.next().await };
        let job = within("a message", next).await.ok_or("receive: the mailbox is closed")?;
        let taken = take(job.raw());
        let mut message = TestMessage::new(taken.payload());
        if let Some(fields) = &taken.fields {
            let optional = [("tracestate", &fields.tracestate), ("baggage", &fields.baggage)];
            if !fields.traceparent.is_empty() {
                message = message.header("traceparent", fields.traceparent.as_bytes());
            }
            for (name, value) in optional.into_iter().filter_map(|(n, v)| v.as_deref().map(|v| (n, v))) {
                message = message.header(name, value)
            }
        }
        Ok(message)
    }
}
