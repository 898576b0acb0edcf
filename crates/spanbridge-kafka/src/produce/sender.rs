//! What a thread remembers of the client that it sends with.

use crate::client::Client;
use crate::client_info::ClientInfo;
use crate::describe;
use spanbridge::adapter::SpanTemplate;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// Maximum number of topics that are remembered.
const MAX_TOPICS: usize = 256;

/// A producer, and what its sends to each topic have in common.
pub(crate) struct Sender {
    pub(crate) client: ClientInfo,
    topics: RefCell<Topics>,
}

#[derive(Default)]
struct Topics {
    /// The last one: the next message probably goes there too.
    last: Option<(Box<str>, Rc<SpanTemplate>)>,
    all: HashMap<Box<str>, Rc<SpanTemplate>>,
}

impl Sender {
    /// Of this client, remembered for the last one that this thread sent with.
    pub(crate) fn of(client: &(impl Client + ?Sized)) -> Rc<Self> {
        thread_local! {
            static LAST: RefCell<Option<Rc<Sender>>> = const { RefCell::new(None) };
        }
        let known = LAST.try_with(|last| last.borrow().clone()).ok().flatten();
        known.filter(|sender| sender.client.is_of(client)).unwrap_or_else(|| {
            let sender = Rc::new(Sender { client: ClientInfo::of(client), topics: RefCell::default() });
            let _ = LAST.try_with(|last| last.replace(Some(sender.clone())));
            sender
        })
    }

    /// What its sends to this topic have in common.
    pub(crate) fn to(&self, topic: &str) -> Rc<SpanTemplate> {
        let mut topics = self.topics.borrow_mut();
        if let Some((_, last)) = topics.last.as_ref().filter(|(name, _)| **name == *topic) {
            return last.clone();
        }
        let template = match topics.all.get(topic) {
            Some(template) => template.clone(),
            None => {
                let template = Rc::new(describe::send_template(topic, &self.client));
                if topics.all.len() >= MAX_TOPICS {
                    topics.all.clear()
                }
                topics.all.insert(topic.into(), template.clone());
                template
            }
        };
        topics.last = Some((topic.into(), template.clone()));
        template
    }
}
