//! What a delivery says of a run in sum: minima, maxima, sums and sets, which merge in any order.

use super::time_of;
use crate::codec::bytes::{Reader, at_distance, distance, put_varint};
use crate::graph::RunStatus;
use spanbridge::record::{Body, End, Record, Start};
use spanbridge::{RunId, Status};

/// A stretch of time.
pub(super) type Stretch = (u64, u64);

/// The sum of what is known of a run. `N` names a name or a service: a place in a table, or the text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Aggregate<N> {
    /// From the first start to the last end of a span.
    pub(crate) spans_at: Option<Stretch>,
    /// The same of everything else; only where there are no spans.
    pub(crate) others_at: Option<Stretch>,
    pub(crate) started: u64,
    pub(crate) ended: u64,
    pub(crate) failed: u64,
    pub(crate) cancelled: u64,
    pub(crate) lifecycle: Lifecycle,
    /// Records of this run contradict others that were there before: a look at all of them must tell.
    pub(crate) suspect: bool,
    pub(crate) name: Option<Name<N>>,
    pub(crate) services: Vec<N>,
}

/// What the run's owner said.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Lifecycle {
    pub(crate) starts: u64,
    pub(crate) suspends: u64,
    pub(crate) resumes: u64,
    /// How often it ended, by [`Status`]: ok, error, cancelled.
    pub(crate) ends: [u64; 3],
    pub(crate) started_at: Option<u64>,
    pub(crate) ended_at: Option<u64>,
}

/// What a run may be called. The first one counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name<N> {
    pub(crate) rank: Rank,
    pub(crate) at: u64,
    pub(crate) name: N,
}

/// Who gave a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    /// The run's owner.
    Owner,
    /// A span without a parent.
    Root,
    /// Any other span. The first of them has no parent among the others, or a clock is wrong.
    Span,
}

/// What an aggregate can tell of the status.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Verdict {
    /// That.
    Is(RunStatus),
    /// Only the records can tell: whether the span that failed is a root, whether there is a conflict.
    Look,
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
            lifecycle: Lifecycle::default(),
            suspect: false,
            name: None,
            services: Vec::new(),
        }
    }
}

impl<N: Ord> Aggregate<N> {
    /// Adds a record. `name` finds the place of a name.
    pub(crate) fn add(&mut self, record: &Record<'_>, key: Option<RunId>, mut name: impl FnMut(&str) -> N) {
        let service = name(&record.service);
        if !self.services.contains(&service) {
            self.services.push(service);
        }
        match &record.body {
            Body::SpanStart(start) => self.start(start, key, name),
            Body::SpanEnd { end, .. } => self.end(end),
            Body::Span(start, end) => {
                self.start(start, key, name);
                self.end(end);
            }
            other => {
                if let Some(at) = time_of(other) {
                    join(&mut self.others_at, Some((at, at)));
                }
                self.lifecycle.add(other);
                if let Body::RunStart { name: text, started_at, .. } = other {
                    self.name(Name { rank: Rank::Owner, at: *started_at, name: name(text) });
                }
            }
        }
    }

    fn start(&mut self, start: &Start<'_>, key: Option<RunId>, mut name: impl FnMut(&str) -> N) {
        self.started += 1;
        join(&mut self.spans_at, Some((start.started_at, start.started_at)));
        let root = start.parent_span_id.is_none_or(|p| key.map(RunId::as_parent) == Some(p));
        let (rank, at) = (if root { Rank::Root } else { Rank::Span }, start.started_at);
        if self.name.as_ref().is_none_or(|n| (rank, at) <= (n.rank, n.at)) {
            self.name(Name { rank, at, name: name(&start.name) });
        }
    }

    fn end(&mut self, end: &End<'_>) {
        self.ended += 1;
        join(&mut self.spans_at, Some((end.ended_at, end.ended_at)));
        match end.status {
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
    pub(crate) fn merge(&mut self, other: Self) {
        join(&mut self.spans_at, other.spans_at);
        join(&mut self.others_at, other.others_at);
        self.started = self.started.saturating_add(other.started);
        self.ended = self.ended.saturating_add(other.ended);
        self.failed = self.failed.saturating_add(other.failed);
        self.cancelled = self.cancelled.saturating_add(other.cancelled);
        self.lifecycle.merge(&other.lifecycle);
        self.suspect |= other.suspect;
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
    /// When the run began: its owner's word, else the first span, else whatever there is.
    pub(crate) fn started_at(&self) -> u64 {
        let stretch = self.spans_at.or(self.others_at);
        self.lifecycle.started_at.or(stretch.map(|s| s.0)).unwrap_or(0)
    }

    /// When it ended, if it has: as above, once every span has ended.
    pub(crate) fn ended_at(&self) -> Option<u64> {
        if self.lifecycle.is_owned() {
            return self.lifecycle.ended_at;
        }
        self.spans_at.filter(|_| self.started <= self.ended).map(|s| s.1)
    }

    /// The status, as far as sums can tell it. Must say the same as the graph does, or nothing.
    pub(crate) fn verdict(&self) -> Verdict {
        let l = &self.lifecycle;
        let [ok, error, cancelled] = l.ends;
        if self.suspect || l.starts > 1 || ok.saturating_add(error).saturating_add(cancelled) > 1 {
            return Verdict::Look;
        }
        Verdict::Is(if l.is_owned() {
            match l.ends {
                [_, 1, _] => RunStatus::Error,
                [_, _, 1] => RunStatus::Cancelled,
                [1, _, _] => RunStatus::Ok,
                _ if l.suspends > 0 && l.resumes > 0 => return Verdict::Look,
                _ if l.suspends > 0 => RunStatus::Suspended,
                _ => RunStatus::Open,
            }
        } else if self.failed > 0 || self.cancelled > 0 || self.ended > self.started {
            return Verdict::Look;
        } else if self.started > self.ended {
            RunStatus::Open
        } else {
            RunStatus::Ok
        })
    }
}

impl Lifecycle {
    fn add(&mut self, body: &Body<'_>) {
        match body {
            Body::RunStart { started_at, .. } => {
                self.starts += 1;
                self.started_at = earlier(self.started_at, Some(*started_at));
            }
            Body::RunSuspend { .. } => self.suspends += 1,
            Body::RunResume { .. } => self.resumes += 1,
            Body::RunEnd { ended_at, status, .. } => {
                let place = match status {
                    Status::Ok => 0,
                    Status::Error | Status::Panicked => 1,
                    Status::Cancelled => 2,
                };
                self.ends[place] += 1;
                self.ended_at = earlier(self.ended_at, Some(*ended_at));
            }
            _ => {}
        }
    }

    fn merge(&mut self, other: &Self) {
        self.starts = self.starts.saturating_add(other.starts);
        self.suspends = self.suspends.saturating_add(other.suspends);
        self.resumes = self.resumes.saturating_add(other.resumes);
        for (mine, other) in self.ends.iter_mut().zip(other.ends) {
            *mine = mine.saturating_add(other);
        }
        self.started_at = earlier(self.started_at, other.started_at);
        self.ended_at = earlier(self.ended_at, other.ended_at);
    }

    /// Somebody declared the run, rather than it being its trace's own.
    pub(crate) fn is_owned(&self) -> bool {
        *self != Self::default()
    }
}

fn earlier(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    a.into_iter().chain(b).min()
}

fn join(all: &mut Option<Stretch>, more: Option<Stretch>) {
    *all = match (*all, more) {
        (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
        (a, b) => a.or(b),
    };
}

/// Which fields an aggregate has, in bits; the two lowest are the rank of the name. The usual ones fit into a byte.
mod has {
    pub(super) const SPANS: u64 = 1 << 2;
    pub(super) const OPEN: u64 = 1 << 3;
    pub(super) const FAILED: u64 = 1 << 4;
    pub(super) const LIFECYCLE: u64 = 1 << 5;
    /// Other services than just the first in the table.
    pub(super) const SERVICES: u64 = 1 << 6;
    pub(super) const CANCELLED: u64 = 1 << 7;
    pub(super) const OTHERS: u64 = 1 << 8;
    pub(super) const SUSPECT: u64 = 1 << 9;
    pub(super) const STARTED_AT: u64 = 1 << 10;
    pub(super) const ENDED_AT: u64 = 1 << 11;
}

impl Aggregate<u32> {
    /// The same with names in place of their numbers.
    pub(crate) fn named<N>(self, name_at: impl Fn(u32) -> Option<N>) -> Option<Aggregate<N>> {
        let name = match self.name {
            Some(Name { rank, at, name }) => Some(Name { rank, at, name: name_at(name)? }),
            None => None,
        };
        Some(Aggregate {
            spans_at: self.spans_at,
            others_at: self.others_at,
            started: self.started,
            ended: self.ended,
            failed: self.failed,
            cancelled: self.cancelled,
            lifecycle: self.lifecycle,
            suspect: self.suspect,
            name,
            services: self.services.into_iter().map(name_at).collect::<Option<_>>()?,
        })
    }
}

/// How an aggregate stands in the directory. Times are distances from `base`.
impl Aggregate<u32> {
    pub(super) fn write(&self, base: u64, out: &mut Vec<u8>) {
        let l = &self.lifecycle;
        let others = self.others_at.filter(|_| self.spans_at.is_none());
        let flags = [
            (has::SPANS, self.spans_at.is_some()),
            (has::OPEN, self.started != self.ended),
            (has::FAILED, self.failed > 0),
            (has::LIFECYCLE, l.is_owned()),
            (has::SERVICES, self.services != [0]),
            (has::CANCELLED, self.cancelled > 0),
            (has::OTHERS, others.is_some()),
            (has::SUSPECT, self.suspect),
            (has::STARTED_AT, l.started_at.is_some()),
            (has::ENDED_AT, l.ended_at.is_some()),
        ];
        let rank = self.name.as_ref().map_or(0, |n| 1 + n.rank as u64);
        put_varint(out, flags.iter().filter(|(_, has)| *has).fold(rank, |bits, (bit, _)| bits | bit));
        for (from, to) in self.spans_at.iter().chain(&others) {
            put_varint(out, distance(base, *from));
            put_varint(out, to - from);
        }
        put_varint(out, self.started);
        if self.started != self.ended {
            put_varint(out, self.ended);
        }
        for n in [self.failed, self.cancelled].into_iter().filter(|n| *n > 0) {
            put_varint(out, n);
        }
        if l.is_owned() {
            let [ok, error, cancelled] = l.ends;
            [l.starts, l.suspends, l.resumes, ok, error, cancelled].iter().for_each(|n| put_varint(out, *n));
        }
        for at in l.started_at.iter().chain(&l.ended_at) {
            put_varint(out, distance(base, *at));
        }
        if self.services != [0] {
            put_varint(out, self.services.len() as u64);
            self.services.iter().for_each(|s| put_varint(out, u64::from(*s)));
        }
        if let Some(name) = &self.name {
            put_varint(out, distance(base, name.at));
            put_varint(out, u64::from(name.name));
        }
    }

    pub(super) fn read(base: u64, r: &mut Reader<'_>) -> Option<Self> {
        let bits = r.varint()?;
        let has = |bit: u64| bits & bit != 0;
        let mut a = Self::default();
        for (bit, stretch) in [(has::SPANS, &mut a.spans_at), (has::OTHERS, &mut a.others_at)] {
            if has(bit) {
                let from = at_distance(base, r.varint()?);
                *stretch = Some((from, from.saturating_add(r.varint()?)));
            }
        }
        a.started = r.varint()?;
        a.ended = if has(has::OPEN) { r.varint()? } else { a.started };
        a.failed = if has(has::FAILED) { r.varint()? } else { 0 };
        a.cancelled = if has(has::CANCELLED) { r.varint()? } else { 0 };
        a.suspect = has(has::SUSPECT);
        let l = &mut a.lifecycle;
        if has(has::LIFECYCLE) {
            let [ok, error, cancelled] = &mut l.ends;
            for n in [&mut l.starts, &mut l.suspends, &mut l.resumes, ok, error, cancelled] {
                *n = r.varint()?;
            }
        }
        for (bit, at) in [(has::STARTED_AT, &mut l.started_at), (has::ENDED_AT, &mut l.ended_at)] {
            if has(bit) {
                *at = Some(at_distance(base, r.varint()?));
            }
        }
        if has(has::SERVICES) {
            for _ in 0..r.count_within(r.0.len())? {
                a.services.push(u32::try_from(r.varint()?).ok()?);
            }
        } else {
            a.services.push(0);
        }
        let rank = match bits & 3 {
            0 => return Some(a),
            1 => Rank::Owner,
            2 => Rank::Root,
            _ => Rank::Span,
        };
        let at = at_distance(base, r.varint()?);
        a.name = Some(Name { rank, at, name: u32::try_from(r.varint()?).ok()? });
        Some(a)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn aggregates() -> impl Strategy<Value = Aggregate<u32>> {
        let stretch = || proptest::option::of((any::<u64>(), any::<u64>()).prop_map(|(a, b)| (a.min(b), a.max(b))));
        let n = 0..3u64;
        let lifecycle = (n.clone(), n.clone(), n.clone(), [n.clone(), n.clone(), n.clone()], any::<[Option<u64>; 2]>())
            .prop_map(|(starts, suspends, resumes, ends, [started_at, ended_at])| Lifecycle {
                starts,
                suspends,
                resumes,
                ends,
                started_at,
                ended_at,
            });
        let rank = prop_oneof![Just(Rank::Owner), Just(Rank::Root), Just(Rank::Span)];
        let name =
            proptest::option::of((rank, any::<u64>(), 0..9u32).prop_map(|(rank, at, name)| Name { rank, at, name }));
        (stretch(), stretch(), [n.clone(), n.clone(), n.clone(), n], lifecycle, any::<bool>(), name, 0..3u32).prop_map(
            |(spans_at, others_at, [started, ended, failed, cancelled], lifecycle, suspect, name, services)| {
                Aggregate {
                    spans_at,
                    others_at: others_at.filter(|_| spans_at.is_none()),
                    started,
                    ended,
                    failed,
                    cancelled,
                    lifecycle,
                    suspect,
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

    proptest! {
        #[test]
        fn come_back_as_written(a in aggregates(), base: u64) {
            let mut out = Vec::new();
            a.write(base, &mut out);
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
