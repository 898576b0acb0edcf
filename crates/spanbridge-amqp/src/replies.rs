//! Which question an answer belongs to.
//!
//! A question is a message with `reply_to` and `correlation_id`, and its answer comes to that queue with that id. Whoever asks
//! gets the answer, so the process that asked remembers its questions, and nothing but AMQP's own properties goes over the wire:
//! the answering side may be anything. If another process than the one that asked consumes the answer, there is no edge; the
//! parents lead from the answer to the question all the same, and both have the same conversation id.

use lapin::BasicProperties;
use lapin::message::Delivery;
use spanbridge::Context;
use spanbridge::adapter::PerProcess;
use spanbridge::observe::Target;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Questions that are remembered, the last ones. Answered ones are, too: there may be several answers.
const MAX_OPEN_QUESTIONS: usize = 4096;

/// The queue for the answer, and the correlation id.
type Key = (Box<str>, Box<str>);

#[derive(Default)]
struct Questions {
    /// The span of each, and the number of its question.
    spans: HashMap<Key, (u64, Target)>,
    in_order: VecDeque<(u64, Key)>,
    asked: u64,
}

impl Questions {
    fn add(&mut self, key: Key, span: Target) {
        self.asked += 1;
        self.spans.insert(key.clone(), (self.asked, span));
        self.in_order.push_back((self.asked, key));
        if self.in_order.len() > MAX_OPEN_QUESTIONS
            && let Some((number, key)) = self.in_order.pop_front()
            // One that was asked again under the same id counts as new.
            && self.spans.get(&key).is_some_and(|(newest, _)| *newest == number)
        {
            self.spans.remove(&key);
        }
    }
}

/// Whether anything was ever asked: most processes never do.
static ASKED: AtomicBool = AtomicBool::new(false);
static QUESTIONS: PerProcess<Questions> = PerProcess::new();

/// A message is published, in this span.
pub(crate) fn published(properties: &BasicProperties, span: &Context) {
    let (Some(queue), Some(id)) = (properties.reply_to(), properties.correlation_id()) else { return };
    if !span.is_recorded() {
        return;
    }
    let key: Key = (queue.as_str().into(), id.as_str().into());
    let span = span.into();
    QUESTIONS.with(|questions| questions.add(key, span));
    ASKED.store(true, Relaxed)
}

/// The question that a message from this queue answers, if it was asked here.
pub(crate) fn question(queue: &str, answer: &Delivery) -> Option<Target> {
    let id = answer.properties.correlation_id().as_ref()?;
    if !ASKED.load(Relaxed) {
        return None;
    }
    // By the default exchange a routing key is a queue's name.
    let queue = match queue {
        "" if answer.exchange.as_str().is_empty() => answer.routing_key.as_str(),
        queue => queue,
    };
    let key: Key = (queue.into(), id.as_str().into());
    QUESTIONS.with(|questions| questions.spans.get(&key).map(|(_, span)| span.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_questions_are_remembered() {
        let mut questions = Questions::default();
        let key = |n: usize| (Box::from("answers"), n.to_string().into());
        let mut ask = |n| questions.add(key(n), Target::artifact("nothing"));
        ask(0);
        ask(1);
        ask(0); // again
        (2..=MAX_OPEN_QUESTIONS).for_each(&mut ask);
        assert!([0, 1, MAX_OPEN_QUESTIONS].map(|n| questions.spans.contains_key(&key(n))) == [true, false, true]);
        (MAX_OPEN_QUESTIONS..3 * MAX_OPEN_QUESTIONS)
            .for_each(|n| questions.add(key(n % 2), Target::artifact("nothing")));
        assert_eq!((questions.spans.len(), questions.in_order.len()), (2, MAX_OPEN_QUESTIONS));
    }
}
