//! The sink: batches become requests, and answers become receipts.

use super::super::client::{Answered, Reply, Unanswered};
use super::{HttpSink, receipt};
use spanbridge::{Receipt, RecordBatch, Sink, SinkError};
use std::time::{Duration, Instant};

/// The form of requests: a record as JSON in each line.
const CONTENT_TYPE: &str = "application/x-ndjson";

/// What became of a request.
enum Sent {
    /// All were stored, without these.
    Taken(Vec<(usize, String)>),
    /// The request was too large.
    TooLarge(String),
    /// Not now.
    Later { why: String, pause: Option<Duration> },
    /// Never.
    Refused(String),
}

/// What became of a batch. Records are named by their places.
struct Delivered {
    rejected: Vec<(usize, String)>,
    later: Option<Later>,
}

struct Later {
    rest: Vec<usize>,
    why: String,
    pause: Option<Duration>,
}

impl HttpSink {
    /// Sends so many records of the piece at hand, from the `from`th on.
    fn send(&self, from: usize, to: usize) -> Sent {
        match self.client.post(CONTENT_TYPE, self.lines.text(from, to)) {
            Reply::Answered(answered) => self.answer(answered, to - from),
            // That it may have arrived is no matter: the server stores each record once.
            Reply::Unanswered(unanswered) if unanswered.may_be_sent_again => {
                Sent::Later { why: with_hint(unanswered), pause: None }
            }
            Reply::Unanswered(unanswered) => Sent::Refused(unanswered.why),
        }
    }
}

fn with_hint(Unanswered { why, nobody_listens, .. }: Unanswered) -> String {
    let hint = if nobody_listens { " (is `spanbridge serve` running there?)" } else { "" };
    why + hint
}

impl HttpSink {
    fn answer(&self, Answered { status, body, pause }: Answered, records: usize) -> Sent {
        let body = body.unwrap_or_default();
        if status.is_success() {
            return match receipt::rejected(&body, records) {
                Some(rejected) => Sent::Taken(rejected),
                None => Sent::Later { why: "the server's answer is no receipt for these records".to_owned(), pause },
            };
        }
        let message = receipt::error_message(&body).map(|message| format!(": {message}")).unwrap_or_default();
        let why = format!("the server answered {}{message}", status.as_u16());
        match status.as_u16() {
            408 | 429 | 500.. => Sent::Later { why, pause },
            413 => Sent::TooLarge(why),
            401 => Sent::Refused(self.unauthorized.to_owned()),
            404 | 405 => Sent::Refused(format!("{why} (is the address that of a `spanbridge serve`?)")),
            _ => Sent::Refused(why),
        }
    }
}

impl HttpSink {
    fn deliver_all(&mut self, batch: &RecordBatch) -> Delivered {
        let (mut settled, mut rejected) = (0, Vec::new());
        while settled < batch.len() {
            self.lines.fill(batch, settled);
            // Of the piece, so many go in a request: all, unless the server finds that too much.
            let (mut from, mut at_once) = (0, self.lines.len());
            while from < self.lines.len() {
                let to = self.lines.len().min(from + at_once);
                let place = |index: usize| self.lines.first + from + index;
                match self.send(from, to) {
                    Sent::Taken(of_piece) => {
                        rejected.extend(of_piece.into_iter().map(|(index, why)| (place(index), why)));
                    }
                    Sent::TooLarge(_) if to - from > 1 => {
                        at_once = (to - from) / 2;
                        continue;
                    }
                    Sent::TooLarge(why) | Sent::Refused(why) => {
                        rejected.extend((0..to - from).map(|index| (place(index), why.clone())));
                    }
                    Sent::Later { why, pause } => {
                        let rest = (self.lines.first + from..batch.len()).collect();
                        return Delivered { rejected, later: Some(Later { rest, why, pause }) };
                    }
                }
                from = to;
            }
            settled += self.lines.len();
        }
        Delivered { rejected, later: None }
    }
}

impl Sink for HttpSink {
    fn deliver(&mut self, batch: &RecordBatch) -> Result<Receipt, SinkError> {
        let begun = Instant::now();
        let Delivered { rejected, later } = self.deliver_all(batch);
        if let Some((_, why)) = rejected.first().filter(|_| rejected.len() == batch.len()) {
            self.troubles.rejected(&self.client.receiver(), why);
        }
        self.troubles.waits(begun, later.as_ref().map(|later| &*later.why));
        let receipt = Receipt::rejecting(rejected);
        let Some(Later { rest, why, pause }) = later else { return Ok(receipt) };
        let error = SinkError::new(why);
        Ok(receipt.retrying(
            rest,
            match pause {
                Some(pause) => error.retry_after(pause),
                None => error,
            },
        ))
    }

    fn name(&self) -> &str {
        "http"
    }
}
