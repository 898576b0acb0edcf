//! The totals of a run in one delivery: minima, maxima, sums and sets, which merge in any order.

mod lifecycle;
mod stored;

use lifecycle::Lifecycle;
use spanbridge::record::{BodyView, EndView, SpanView};
use spanbridge::{RunId, SpanId, Status};
use spanbridge_graph::hash::join as mix;
use spanbridge_graph::{Hints, RunStatus};

/// A time range: from, to.
pub(super) type TimeRange = (u64, u64);

/// What is known about a run in total. `N` stands for a name or a service: its place in a table, or the text.
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregate<N> {
    /// From the first start to the last end of a span.
    pub spans_at: Option<TimeRange>,
    /// The same for everything else. Used only if there are no spans.
    pub others_at: Option<TimeRange>,
    pub started: u64,
    pub ended: u64,
    pub failed: u64,
    pub cancelled: u64,
    /// Span starts and ends that were recorded apart: the exclusive or of hashes of their ids. Zero if every start has its
    /// end.
    pub unmatched: u32,
    pub lifecycle: Lifecycle,
    /// Whether records of this run contradict earlier ones, or a span ended before it began, so that all of them must be read.
    pub suspect: bool,
    /// Whether a message of this run may have failed for good although no span did, so that the records must be read if it is ok. That is
    /// so if one delivery hints at it: work and its settlement may come apart.
    pub may_fail: bool,
    /// What the records hint at that were added.
    pub hints: Hints,
    pub name: Option<Name<N>>,
    pub services: Vec<N>,
}

/// A candidate for the name of the run. The first in order counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name<N> {
    pub rank: NameRank,
    pub at: u64,
    pub name: N,
}

/// What gave the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NameRank {
    /// The run's owner.
    Owner,
    /// A span without a parent.
    Root,
    /// Any other span. The earliest counts.
    Span,
}

/// What the totals say about the status.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StatusFromTotals {
    Known(RunStatus),
    /// Only the records say whether there is a conflict, or whether the span that failed is a root.
    NeedsRecords,
}

impl<N> Default for Aggregate<N> {
    fn default() -> Self {
        Self {
            spans_at: None,
            others_at: None,
            started: 0,
            ended: 0,
            failed: 0,
            cancelled: 0,
            unmatched: 0,
            lifecycle: Lifecycle::default(),
            suspect: false,
            may_fail: false,
            hints: Hints::default(),
            name: None,
            services: Vec::new(),
        }
    }
}

impl<'r> Aggregate<&'r str> {
    /// Begins the sum of another run.
    pub fn begin(&mut self, suspect: bool) {
        let mut services = std::mem::take(&mut self.services);
        services.clear();
        *self = Self { suspect, services, ..Self::default() };
    }

    /// Adds the service of a record.
    #[inline]
    pub fn service(&mut self, service: &'r str) {
        if !self.services.contains(&service) {
            self.services.push(service);
        }
    }

    /// Adds what a record says, at the time that it says, of the run with this key.
    #[inline]
    pub fn add(&mut self, body: &BodyView<'r>, at: Option<u64>, key: Option<RunId>) {
        match body {
            BodyView::Span(span) => {
                self.hints.add(body);
                let at = at.unwrap_or(0);
                self.start(*span, at, key);
                match span.end() {
                    Some(end) => {
                        // Then the range does not tell the first start from the first end.
                        self.suspect |= end.ended_at() < at;
                        self.end(end);
                    }
                    None => self.unmatched ^= span_mark(span.span_id()),
                }
            }
            BodyView::SpanEnd(s) => {
                self.unmatched ^= span_mark(s.span_id());
                self.end(s.end());
            }
            other => {
                self.hints.add(other);
                if let Some(at) = at {
                    join(&mut self.others_at, Some((at, at)));
                }
                self.lifecycle.add(other);
                if let BodyView::RunStart(r) = other {
                    self.name(Name { rank: NameRank::Owner, at: r.started_at(), name: r.name() });
                }
            }
        }
    }

    fn start(&mut self, span: SpanView<'r>, at: u64, key: Option<RunId>) {
        self.started += 1;
        join(&mut self.spans_at, Some((at, at)));
        let root = span.parent_span_id().is_none_or(|p| key.map(RunId::as_parent) == Some(p));
        let rank = if root { NameRank::Root } else { NameRank::Span };
        self.name(Name { rank, at, name: span.name() });
    }
}

impl<N: Ord> Aggregate<N> {
    fn end(&mut self, end: EndView<'_>) {
        self.ended += 1;
        join(&mut self.spans_at, Some((end.ended_at(), end.ended_at())));
        match end.status() {
            Status::Ok => {}
            Status::Error | Status::Panicked => self.failed += 1,
            Status::Cancelled => self.cancelled += 1,
        }
    }

    fn name(&mut self, name: Name<N>) {
        if self.name.as_ref().is_none_or(|n| name < *n) {
            self.name = Some(name);
        }
    }

    /// Adds what another delivery says.
    pub fn merge(&mut self, other: Self) {
        join(&mut self.spans_at, other.spans_at);
        join(&mut self.others_at, other.others_at);
        self.started = self.started.saturating_add(other.started);
        self.ended = self.ended.saturating_add(other.ended);
        self.failed = self.failed.saturating_add(other.failed);
        self.cancelled = self.cancelled.saturating_add(other.cancelled);
        self.unmatched ^= other.unmatched;
        self.lifecycle.merge(&other.lifecycle);
        self.suspect |= other.suspect;
        self.may_fail |= other.may_fail();
        if let Some(name) = other.name {
            self.name(name);
        }
        for service in other.services {
            if !self.services.contains(&service) {
                self.services.push(service);
            }
        }
    }
}

impl<N> Aggregate<N> {
    /// The same with other names: texts instead of numbers, or numbers instead of texts.
    pub fn named<M>(self, mut other: impl FnMut(N) -> Option<M>) -> Option<Aggregate<M>> {
        let may_fail = self.may_fail();
        // Services first: a delivery has few, and the first place in a table costs nothing.
        let services = self.services.into_iter().map(&mut other).collect::<Option<_>>()?;
        let name = match self.name {
            Some(Name { rank, at, name }) => Some(Name { rank, at, name: other(name)? }),
            None => None,
        };
        Some(Aggregate {
            spans_at: self.spans_at,
            others_at: self.others_at,
            started: self.started,
            ended: self.ended,
            failed: self.failed,
            cancelled: self.cancelled,
            unmatched: self.unmatched,
            lifecycle: self.lifecycle,
            suspect: self.suspect,
            may_fail,
            hints: Hints::default(),
            name,
            services,
        })
    }

    /// Whether the records must be read although no span failed.
    pub(super) fn may_fail(&self) -> bool {
        self.may_fail || self.hints.is_set()
    }

    /// When the run began: by its owner, else by its first span, else by any record.
    pub fn started_at(&self) -> u64 {
        let range = self.spans_at.or(self.others_at);
        self.lifecycle.started_at.or(range.map(|s| s.0)).unwrap_or(0)
    }

    /// When it ended: by its owner, else by its last span once all have ended.
    pub fn ended_at(&self) -> Option<u64> {
        if self.lifecycle.is_owned() {
            return self.lifecycle.ended_at;
        }
        self.spans_at.filter(|_| self.unmatched == 0).map(|s| s.1)
    }

    /// The status, as far as the totals tell. It is the same as that of the graph.
    pub fn status(&self) -> StatusFromTotals {
        let l = &self.lifecycle;
        let [ok, error, cancelled] = l.ends;
        if self.suspect || l.starts > 1 || ok.saturating_add(error).saturating_add(cancelled) > 1 {
            return StatusFromTotals::NeedsRecords;
        }
        // It was resumed or suspended after its end, or a clock is wrong.
        if l.ended_at.is_some_and(|end| l.touched_at > Some(end)) {
            return StatusFromTotals::NeedsRecords;
        }
        StatusFromTotals::Known(if l.is_owned() {
            match l.ends {
                // The records say whether it settled messages of other runs, however it ends.
                _ if self.may_fail() => return StatusFromTotals::NeedsRecords,
                [_, 1, _] => RunStatus::Error,
                [_, _, 1] => RunStatus::Cancelled,
                // Whether what failed was mended is in the records.
                [1, _, _] if self.failed > 0 => return StatusFromTotals::NeedsRecords,
                [1, _, _] => RunStatus::Ok,
                _ if l.suspends > 0 && l.resumes > 0 => return StatusFromTotals::NeedsRecords,
                _ if l.suspends > 0 => RunStatus::Suspended,
                _ => RunStatus::Open,
            }
        } else if self.failed > 0 || self.cancelled > 0 || self.may_fail() {
            return StatusFromTotals::NeedsRecords;
        } else if self.unmatched == 0 {
            RunStatus::Ok
        } else if self.started > self.ended {
            RunStatus::Open
        } else {
            return StatusFromTotals::NeedsRecords;
        })
    }
}

/// What a start or an end without its counterpart adds to [`Aggregate::unmatched`].
fn span_mark(span_id: SpanId) -> u32 {
    mix(span_id.get(), 0) as u32
}

fn join(all: &mut Option<TimeRange>, more: Option<TimeRange>) {
    *all = match (*all, more) {
        (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
        (a, b) => a.or(b),
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::bytes::Reader;
    use proptest::prelude::*;

    fn aggregates() -> impl Strategy<Value = Aggregate<u32>> {
        let range = || proptest::option::of((any::<u64>(), any::<u64>()).prop_map(|(a, b)| (a.min(b), a.max(b))));
        let n = 0..3u64;
        let lifecycle = (n.clone(), n.clone(), n.clone(), [n.clone(), n.clone(), n.clone()], any::<[Option<u64>; 3]>())
            .prop_map(|(starts, suspends, resumes, ends, [started_at, ended_at, touched_at])| Lifecycle {
                starts,
                suspends,
                resumes,
                ends,
                started_at,
                ended_at,
                touched_at: touched_at.or((suspends + resumes > 0).then_some(1)),
            });
        let rank = prop_oneof![Just(NameRank::Owner), Just(NameRank::Root), Just(NameRank::Span)];
        let name =
            proptest::option::of((rank, any::<u64>(), 0..9u32).prop_map(|(rank, at, name)| Name { rank, at, name }));
        let counts = ([n.clone(), n.clone(), n.clone(), n], any::<u32>());
        (range(), range(), counts, lifecycle, any::<bool>(), name, 0..3u32).prop_map(
            |(spans_at, others_at, (counts, unmatched), lifecycle, suspect, name, services)| {
                let [started, ended, failed, cancelled] = counts;
                Aggregate {
                    spans_at,
                    others_at: others_at.filter(|_| spans_at.is_none()),
                    started,
                    ended,
                    failed,
                    cancelled,
                    unmatched,
                    lifecycle,
                    suspect,
                    may_fail: suspect,
                    hints: Hints::default(),
                    name,
                    services: (0..services).collect(),
                }
            },
        )
    }

    fn merged(all: &[&Aggregate<u32>]) -> Aggregate<u32> {
        let mut sum = Aggregate::default();
        all.iter().for_each(|a| sum.merge((*a).clone()));
        sum.services.sort_unstable();
        sum
    }

    /// Format 1 did not store when a run was last suspended or resumed, so only its records say whether that was after the
    /// end.
    #[test]
    fn totals_of_format_1_need_the_records() {
        let lifecycle = Lifecycle {
            starts: 1,
            suspends: 1,
            resumes: 2,
            ends: [1, 0, 0],
            ended_at: Some(5),
            ..Lifecycle::default()
        };
        let read = |lifecycle| {
            let mut out = Vec::new();
            Aggregate::<u32> { lifecycle, ..Aggregate::default() }.write(0, &[0], None, &mut out);
            Aggregate::read(0, &mut Reader(&out)).unwrap()
        };
        let mut old = read(lifecycle);
        assert_eq!(old.status(), StatusFromTotals::NeedsRecords);
        // Also together with what a later release adds to it.
        old.merge(read(Lifecycle { suspends: 1, touched_at: Some(3), ..Lifecycle::default() }));
        assert_eq!(old.status(), StatusFromTotals::NeedsRecords);
        let plain = Lifecycle { suspends: 0, resumes: 0, ..lifecycle };
        assert_eq!(read(plain).status(), StatusFromTotals::Known(RunStatus::Ok));
    }

    proptest! {
        #[test]
        fn come_back_as_written(a in aggregates(), base: u64) {
            let mut out = Vec::new();
            a.write(base, &a.services, a.name.map(|name| name.name), &mut out);
            let mut r = Reader(&out);
            prop_assert_eq!(Aggregate::read(base, &mut r), Some(a));
            prop_assert!(r.0.is_empty());
        }

        #[test]
        fn merge_in_any_order(a in aggregates(), b in aggregates(), c in aggregates()) {
            let all = merged(&[&a, &b, &c]);
            prop_assert_eq!(&all, &merged(&[&c, &a, &b]));
            prop_assert_eq!(&all, &merged(&[&merged(&[&b, &c]), &a]));
        }
    }
}
