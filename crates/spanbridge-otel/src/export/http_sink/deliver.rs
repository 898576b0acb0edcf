//! The sink: batches become requests, and answers become receipts.

use super::super::client::{Answered, Reply, Unanswered};
use super::{HttpSink, receipt};
use spanbridge::{Receipt, RecordBatch, Sink, SinkError};
use std::time::{Duration, Instant};

/// The form of requests: a record as JSON in each line.
const CONTENT_TYPE: &str = "application/x-ndjson";

/// What became of a [request](HttpSink::post).
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(hidden)] // for spanbridge-relay
pub enum Posted {
    /// All were stored, without these: their places from 0, and why.
    Stored { rejected: Vec<(usize, String)> },
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
    /// Sends so many records in one request: each as JSON, on a line.
    #[doc(hidden)] // for spanbridge-relay, whose records are in no batch of a recorder
    pub fn post(&self, lines: &[u8], records: usize) -> Posted {
        match self.client.post(CONTENT_TYPE, lines) {
            Reply::Answered(answered) => self.answer(answered, records),
            // That it may have arrived is no matter: the server stores each record once.
            Reply::Unanswered(unanswered) if unanswered.may_be_sent_again => {
                Posted::Later { why: with_hint(unanswered), pause: None }
            }
            Reply::Unanswered(unanswered) => Posted::Refused(unanswered.why),
        }
    }
}

fn with_hint(Unanswered { why, nobody_listens, .. }: Unanswered) -> String {
    let hint = if nobody_listens { " (is `spanbridge serve` running there?)" } else { "" };
    why + hint
}

impl HttpSink {
    fn answer(&self, Answered { status, body, pause }: Answered, records: usize) -> Posted {
        let body = body.unwrap_or_default();
        if status.is_success() {
            return match receipt::rejected(&body, records) {
                Some(rejected) => Posted::Stored { rejected },
                None => Posted::Later { why: "the server's answer is no receipt for these records".to_owned(), pause },
            };
        }
        let message = receipt::error_message(&body).map(|message| format!(": {message}")).unwrap_or_default();
        let why = format!("the server answered {}{message}", status.as_u16());
        match status.as_u16() {
            408 | 429 | 500.. => Posted::Later { why, pause },
            413 => Posted::TooLarge(why),
            401 => Posted::Refused(self.unauthorized.to_owned()),
            404 | 405 => Posted::Refused(format!("{why} (is the address that of a `spanbridge serve`?)")),
            _ => Posted::Refused(why),
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
                match self.post(self.lines.text(from, to), to - from) {
                    Posted::Stored { rejected: of_piece } => {
                        rejected.extend(of_piece.into_iter().map(|(index, why)| (place(index), why)));
                    }
                    Posted::TooLarge(_) if to - from > 1 => {
                        at_once = (to - from) / 2;
                        continue;
                    }
                    Posted::TooLarge(why) | Posted::Refused(why) => {
                        rejected.extend((0..to - from).map(|index| (place(index), why.clone())));
                    }
                    Posted::Later { why, pause } => {
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
