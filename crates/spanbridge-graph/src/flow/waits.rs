//! When a run was suspended.

use crate::hash::Map;
use crate::model::Run;
use spanbridge::SegmentId;

/// The suspensions of a run, as times that do not overlap.
#[derive(Default)]
pub(super) struct Waits {
    /// Of the run as a whole.
    run: Times,
    /// By the segment that suspended it: spans of other segments went on.
    segments: Map<SegmentId, Times>,
}

/// Times in order, without overlaps.
#[derive(Default)]
pub(super) struct Times {
    times: Vec<(u64, u64)>,
    /// How long those before each are together.
    before: Vec<u64>,
}

impl Waits {
    /// The suspensions of a run. One without an end lasts until `last`. One that ended before it began, by another clock, is left
    /// out.
    pub(super) fn of(run: &Run, last: u64) -> Self {
        if run.suspensions.is_empty() {
            return Self::default();
        }
        let (mut all, mut by_segment) = (Vec::new(), Map::<SegmentId, Vec<(u64, u64)>>::default());
        for suspension in &run.suspensions {
            let Some(from) = suspension.suspended_at else { continue };
            let wait = (from, suspension.resumed_at.unwrap_or(last));
            if wait.0 < wait.1 {
                all.push(wait);
                suspension.segment_id.into_iter().for_each(|by| by_segment.entry(by).or_default().push(wait));
            }
        }
        let segments = by_segment.into_iter().map(|(segment, waits)| (segment, Times::of(waits))).collect();
        Waits { run: Times::of(all), segments }
    }

    /// Those of the run.
    pub(super) fn of_run(&self) -> &Times {
        &self.run
    }

    /// Those that a segment began.
    pub(super) fn of_segment(&self, segment: SegmentId) -> Option<&Times> {
        self.segments.get(&segment)
    }
}

impl Times {
    fn of(mut times: Vec<(u64, u64)>) -> Self {
        times.sort_unstable();
        times.dedup_by(|next, last| {
            let touches = next.0 <= last.1;
            if touches {
                last.1 = last.1.max(next.1);
            }
            touches
        });
        let mut sum = 0;
        let mut add = |(from, to): &(u64, u64)| {
            let before = sum;
            sum += to - from;
            before
        };
        let before = times.iter().map(&mut add).collect();
        Times { times, before }
    }

    /// How much of the time from `from` to `to` they cover.
    pub(super) fn within(&self, from: u64, to: u64) -> u64 {
        self.until(to).saturating_sub(self.until(from))
    }

    /// How much they cover until a time.
    fn until(&self, at: u64) -> u64 {
        let begun = self.times.partition_point(|(from, _)| *from < at);
        begun.checked_sub(1).map_or(0, |i| self.before[i] + self.times[i].1.min(at) - self.times[i].0)
    }

    /// Those that overlap with the time from `from` to `to`, the last first, cut to it.
    pub(super) fn backwards(&self, from: u64, to: u64) -> impl Iterator<Item = (u64, u64)> + '_ {
        let begun = self.times.partition_point(|(start, _)| *start < to);
        let overlapping = self.times[..begun].iter().rev().take_while(move |(_, end)| *end > from);
        overlapping.map(move |(start, end)| ((*start).max(from), (*end).min(to)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlaps_count_once() {
        let times = Times::of(vec![(10, 20), (15, 30), (50, 60)]);
        assert_eq!((times.within(0, 100), times.within(12, 55), times.within(30, 50)), (30, 23, 0));
        assert_eq!(times.backwards(12, 55).collect::<Vec<_>>(), [(50, 55), (12, 30)]);
        assert_eq!(times.backwards(30, 50).count(), 0);
    }
}
