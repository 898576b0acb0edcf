//! The sink: records become spans, and spans are sent.

use super::choice::Rule;
use super::counts::ExportCounter;
use super::destination::{Answer, Destination, Surroundings};
use super::hold::Hold;
use super::settings::Settings;
use crate::otlp::model::{Resource, Span, StatusCode};
use crate::spans::Assembler;
use spanbridge::record::{BodyView, RecordView};
use spanbridge::{Receipt, RecordBatch, Sink, SinkError, Status};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Exports spans. A batch that was turned into spans is offered again until the destination has answered for all of them.
pub(super) struct ExportSink<D: Destination> {
    destination: D,
    assembler: Assembler,
    settings: Settings,
    counter: ExportCounter,
    choice: Chooser<D::Packed>,
    /// Of the recorder with this instance.
    resource: (Option<u64>, Resource<'static>),
    pending: Option<Pending<D::Packed>>,
    /// What the destination had better be sent later.
    held: D::Packed,
    /// Whether a flush left it where it is.
    is_held_for_flush: bool,
}

/// A span can be exported only if all of it is known.
const WITHOUT_START: &str = "the start of a span was not delivered, or there were too many open spans";

enum Chooser<P> {
    All,
    Share(f64),
    Runs(Hold<P>),
}

/// What became of a batch, while not all of it is settled.
#[derive(Default)]
struct Pending<P> {
    /// `None`: runs that were chosen between two batches.
    batch: Option<(u64, u64)>,
    packed: P,
    spans: usize,
    /// Of these, so many are settled.
    settled: usize,
    lost: usize,
    /// The last reason for a loss, or what else is worth a report.
    warning: Option<String>,
}

impl<D: Destination> ExportSink<D> {
    pub(super) fn new(destination: D, settings: Settings, rule: Rule, counter: ExportCounter) -> Self {
        let choice = match rule {
            Rule::All => Chooser::All,
            Rule::Share(share) => Chooser::Share(share),
            Rule::Runs(wanted) => Chooser::Runs(Hold::new(wanted)),
        };
        let (assembler, resource) = (Assembler::default(), (None, Resource::default()));
        ExportSink {
            destination,
            assembler,
            settings,
            counter,
            choice,
            resource,
            pending: None,
            held: D::Packed::default(),
            is_held_for_flush: false,
        }
    }

    /// Turns a batch into spans in the form in which they are sent.
    fn take(&mut self, batch: &RecordBatch) {
        if self.resource.0 != Some(batch.instance()) {
            self.resource = (Some(batch.instance()), self.settings.resource_of(batch));
        }
        let now = Instant::now();
        if let Chooser::Runs(hold) = &mut self.choice {
            batch.iter().for_each(|record| watch(hold, record, now));
        }
        // What a flush could not send goes with it.
        let (mut packed, settled) = self.pending.take().map(|left| (left.packed, left.settled)).unwrap_or_default();
        self.destination.append(std::mem::take(&mut self.held), &mut packed);
        let ExportSink { destination, assembler, settings, counter, choice, .. } = self;
        let before = assembler.counts().without_start;
        assembler.push(batch, |run, mut span| {
            counter.came(1);
            let (trace, times) = (span.trace_id, (span.start_time, span.end_time, is_failed(&span)));
            let pack = |to: &mut D::Packed| {
                settings.shape(&mut span);
                destination.pack(span, to)
            };
            match choice {
                Chooser::All => _ = pack(&mut packed),
                Chooser::Share(share) if trace.is_in_share(*share) => _ = pack(&mut packed),
                Chooser::Share(_) => counter.not_chosen(1),
                Chooser::Runs(hold) => hold.add(run, times, now, &mut packed, pack),
            }
        });
        let so_far = assembler.counts();
        let lost = so_far.without_start - before;
        counter.came(lost);
        counter.lost(lost, WITHOUT_START);
        counter.open(so_far.open as u64);
        self.choose(&mut packed);
        self.held = self.destination.hold_back(&mut packed, batch.complete_until(), &self.assembler);
        self.is_held_for_flush = false;
        let spans = D::len(&packed);
        let id = Some((batch.instance(), batch.number()));
        let lost = lost as usize;
        let warning = (lost > 0).then(|| WITHOUT_START.to_owned());
        self.pending = Some(Pending { batch: id, packed, spans, settled, lost, warning });
    }

    /// Adds the spans of runs that are chosen by now.
    fn choose(&mut self, packed: &mut D::Packed) {
        let Chooser::Runs(hold) = &mut self.choice else { return };
        let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let clock = u64::try_from(clock.as_nanos()).unwrap_or(u64::MAX);
        let decided = hold.settle(clock, Instant::now(), |more| self.destination.append(more, packed));
        self.counter.not_chosen(decided.not_chosen);
        self.counter.lost(decided.lost, "too many spans waited for their runs to fail, or to end");
    }

    /// Sends what is pending. The error is the destination's wish to be asked again.
    fn send(&mut self) -> Result<(), SinkError> {
        let Some(pending) = &mut self.pending else { return Ok(()) };
        while pending.settled < pending.spans {
            let beside = Surroundings { resource: &self.resource.1, assembler: &self.assembler };
            let (count, answer) = self.destination.send(beside, &mut pending.packed, pending.settled);
            let (lost, left_out, warning) = match answer {
                Answer::Taken { rejected, left_out, warning } => (rejected as usize, left_out, warning),
                Answer::Refused { why } => (count, 0, Some(why)),
                Answer::Later { why, pause } => {
                    self.counter.error(&why);
                    let error = SinkError::new(why);
                    return Err(match pause {
                        Some(pause) => error.retry_after(pause),
                        None => error,
                    });
                }
            };
            self.counter.not_chosen(left_out);
            self.counter.accepted((count - lost) as u64 - left_out);
            if let Some(warning) = &warning {
                self.counter.lost(lost as u64, warning);
                self.counter.error(warning);
            }
            pending.settled += count;
            pending.lost += lost;
            pending.warning = warning.or(pending.warning.take());
        }
        Ok(())
    }

    /// What is still pending is not sent any more.
    fn give_up(&mut self) {
        if let Some(pending) = self.pending.take() {
            let left = pending.spans - pending.settled;
            let cause = self.counter.counts().last_error.map(|error| format!(": {error}")).unwrap_or_default();
            self.counter.lost(left as u64, &format!("the recorder ended before the spans were taken{cause}"))
        }
    }
}

impl<D: Destination> Sink for ExportSink<D> {
    fn deliver(&mut self, batch: &RecordBatch) -> Result<Receipt, SinkError> {
        let id = Some((batch.instance(), batch.number()));
        if self.pending.as_ref().is_none_or(|pending| pending.batch != id) {
            if self.pending.as_ref().is_some_and(|pending| pending.batch.is_some()) {
                self.give_up();
            }
            self.take(batch);
        }
        self.send()?;
        let Some(pending) = self.pending.take() else { return Ok(Receipt::default()) };
        Ok(receipt(batch, pending.lost, pending.warning))
    }

    /// A run that is open may have become slow since the last batch. At the end, this is the last time that anybody looks.
    fn flush(&mut self) -> Result<(), SinkError> {
        let mut pending = self.pending.take().unwrap_or_default();
        if pending.batch.is_none() {
            // It was recorded after the flush was asked for. But perhaps nothing comes any more.
            if std::mem::replace(&mut self.is_held_for_flush, true) {
                self.destination.append(std::mem::take(&mut self.held), &mut pending.packed)
            }
            self.choose(&mut pending.packed);
            pending.spans = D::len(&pending.packed);
        }
        self.pending = Some(pending);
        self.send()?;
        self.pending = None;
        self.destination.flush().map_err(|why| {
            self.counter.error(&why);
            SinkError::new(why)
        })
    }

    fn name(&self) -> &str {
        D::NAME
    }
}

impl<D: Destination> Drop for ExportSink<D> {
    fn drop(&mut self) {
        self.give_up();
        let held = std::mem::take(&mut self.held);
        let spans = D::len(&held);
        if spans > 0 {
            // Whether they are taken is counted; nobody is left to be told.
            self.pending = Some(Pending { packed: held, spans, ..Pending::default() });
            let _ = self.send();
            self.give_up()
        }
        if let Chooser::Runs(hold) = &self.choice {
            // They did not fail, nor take too long, as long as they were watched.
            self.counter.not_chosen(hold.spans())
        }
        self.destination.end()
    }
}

/// Rejects as many records as spans were lost. Which spans those are is known of few losses, and asked by nobody: the numbers count.
fn receipt(batch: &RecordBatch, lost: usize, warning: Option<String>) -> Receipt {
    let Some(warning) = warning else { return Receipt::default() };
    let places = batch.iter().enumerate().filter(|(_, record)| ends_a_span(*record)).map(|(place, _)| place);
    let rejected: Vec<_> = places.take(lost).map(|place| (place, warning.clone())).collect();
    Receipt::rejecting(rejected).warning(warning)
}

fn ends_a_span(record: RecordView<'_>) -> bool {
    match record.body() {
        BodyView::Span(span) => span.end().is_some(),
        BodyView::SpanEnd(_) => true,
        _ => false,
    }
}

/// Tells the hold what begins and ends.
fn watch<P: Default>(hold: &mut Hold<P>, record: RecordView<'_>, now: Instant) {
    let Some(run) = record.run_id() else { return };
    match record.body() {
        BodyView::Span(span) if span.end().is_none() => hold.span_begins(run, span.started_at(), now),
        BodyView::SpanEnd(end) => hold.span_ends(run, end.end().ended_at(), now),
        BodyView::RunStart(start) => hold.run_begins(run, start.started_at(), now),
        BodyView::RunResume(resume) => hold.run_begins(run, resume.resumed_at(), now),
        BodyView::RunSuspend(suspend) => hold.run_ends(run, false, suspend.suspended_at(), now),
        BodyView::RunEnd(end) => hold.run_ends(run, end.status() == Status::Error, end.ended_at(), now),
        _ => {}
    }
}

fn is_failed(span: &Span<'_>) -> bool {
    span.status.code == StatusCode::Error
}
