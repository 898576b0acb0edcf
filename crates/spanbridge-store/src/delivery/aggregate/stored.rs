//! How an aggregate is stored in the directory: flags, then only the fields that it has.

use super::{Aggregate, Name, NameRank};
use crate::codec::bytes::{Reader, at_distance, distance, put_varint};

/// Which fields an aggregate has, as bits. The two lowest are the rank of the name. The common ones fit into a byte.
mod has {
    pub(super) const SPANS: u64 = 1 << 2;
    /// Not the same spans end as start.
    pub(super) const APART: u64 = 1 << 3;
    pub(super) const FAILED: u64 = 1 << 4;
    pub(super) const LIFECYCLE: u64 = 1 << 5;
    /// Other services than just the first in the table.
    pub(super) const SERVICES: u64 = 1 << 6;
    pub(super) const CANCELLED: u64 = 1 << 7;
    pub(super) const OTHERS: u64 = 1 << 8;
    pub(super) const SUSPECT: u64 = 1 << 9;
    pub(super) const STARTED_AT: u64 = 1 << 10;
    pub(super) const ENDED_AT: u64 = 1 << 11;
    pub(super) const TOUCHED_AT: u64 = 1 << 12;
    pub(super) const MAY_FAIL: u64 = 1 << 13;
}

/// Times are stored as distances from `base`.
impl<N> Aggregate<N> {
    /// Appends it. `services` and `name` are the places of its own in a table.
    pub fn write(&self, base: u64, services: &[u32], name: Option<u32>, out: &mut Vec<u8>) {
        let l = &self.lifecycle;
        let others = self.others_at.filter(|_| self.spans_at.is_none());
        let apart = self.started != self.ended || self.unmatched != 0;
        let flags = [
            (has::SPANS, self.spans_at.is_some()),
            (has::APART, apart),
            (has::FAILED, self.failed > 0),
            (has::LIFECYCLE, l.is_owned()),
            (has::SERVICES, services != [0]),
            (has::CANCELLED, self.cancelled > 0),
            (has::OTHERS, others.is_some()),
            (has::SUSPECT, self.suspect),
            (has::STARTED_AT, l.started_at.is_some()),
            (has::ENDED_AT, l.ended_at.is_some()),
            (has::TOUCHED_AT, l.touched_at.is_some()),
            (has::MAY_FAIL, self.may_fail()),
        ];
        let rank = self.name.as_ref().map_or(0, |n| 1 + n.rank as u64);
        put_varint(out, flags.iter().filter(|(_, has)| *has).fold(rank, |bits, (bit, _)| bits | bit));
        for (from, to) in self.spans_at.iter().chain(&others) {
            put_varint(out, distance(base, *from));
            put_varint(out, to - from);
        }
        put_varint(out, self.started);
        if apart {
            put_varint(out, self.ended);
            out.extend_from_slice(&self.unmatched.to_le_bytes());
        }
        for n in [self.failed, self.cancelled].into_iter().filter(|n| *n > 0) {
            put_varint(out, n);
        }
        if l.is_owned() {
            let [ok, error, cancelled] = l.ends;
            [l.starts, l.suspends, l.resumes, ok, error, cancelled].iter().for_each(|n| put_varint(out, *n));
        }
        for at in l.started_at.iter().chain(&l.ended_at).chain(&l.touched_at) {
            put_varint(out, distance(base, *at));
        }
        if services != [0] {
            put_varint(out, services.len() as u64);
            services.iter().for_each(|s| put_varint(out, u64::from(*s)));
        }
        if let (Some(Name { at, .. }), Some(place)) = (&self.name, name) {
            put_varint(out, distance(base, *at));
            put_varint(out, u64::from(place));
        }
    }
}

impl Aggregate<u32> {
    /// The aggregate that [`write`](Aggregate::write) has written with this base.
    pub fn read(base: u64, r: &mut Reader<'_>) -> Option<Self> {
        let bits = r.varint()?;
        let has = |bit: u64| bits & bit != 0;
        let mut a = Self::default();
        for (bit, range) in [(has::SPANS, &mut a.spans_at), (has::OTHERS, &mut a.others_at)] {
            if has(bit) {
                let from = at_distance(base, r.varint()?);
                *range = Some((from, from.saturating_add(r.varint()?)));
            }
        }
        a.started = r.varint()?;
        a.ended = a.started;
        if has(has::APART) {
            a.ended = r.varint()?;
            a.unmatched = u32::from_le_bytes(*r.take(4)?.first_chunk()?);
        }
        a.failed = if has(has::FAILED) { r.varint()? } else { 0 };
        a.cancelled = if has(has::CANCELLED) { r.varint()? } else { 0 };
        (a.suspect, a.may_fail) = (has(has::SUSPECT), has(has::MAY_FAIL));
        let l = &mut a.lifecycle;
        if has(has::LIFECYCLE) {
            let [ok, error, cancelled] = &mut l.ends;
            for n in [&mut l.starts, &mut l.suspends, &mut l.resumes, ok, error, cancelled] {
                *n = r.varint()?;
            }
        }
        let times = [
            (has::STARTED_AT, &mut l.started_at),
            (has::ENDED_AT, &mut l.ended_at),
            (has::TOUCHED_AT, &mut l.touched_at),
        ];
        for (bit, at) in times {
            if has(bit) {
                *at = Some(at_distance(base, r.varint()?));
            }
        }
        // Format 1 did not store when. It may have been after the end; the records tell.
        if l.touched_at.is_none() && (l.suspends > 0 || l.resumes > 0) {
            l.touched_at = Some(u64::MAX);
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
            1 => NameRank::Owner,
            2 => NameRank::Root,
            _ => NameRank::Span,
        };
        let at = at_distance(base, r.varint()?);
        a.name = Some(Name { rank, at, name: u32::try_from(r.varint()?).ok()? });
        Some(a)
    }
}
