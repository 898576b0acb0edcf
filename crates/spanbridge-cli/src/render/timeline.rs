//! The waterfall: when in the run each span ran.
//!
//! Long idle times (a suspended workflow, a message that waited overnight) would reduce everything else to a dot. So they are
//! left out of the time that the bars show.

use spanbridge_graph::Graph;

/// The time that the bars show.
#[derive(Clone)]
pub(crate) struct Timeline {
    start: u64,
    /// How much of the time is before what is shown. Not 0 if only a part is shown.
    skipped: u64,
    /// The idle times that are left out, in order.
    cuts: Vec<Cut>,
    shown: u64,
}

#[derive(Clone)]
struct Cut {
    from: u64,
    to: u64,
    /// How much of it is shown nevertheless.
    kept: u64,
    /// How much is left out before this one.
    cut_before: u64,
}

impl Timeline {
    pub(crate) fn of(graph: &Graph) -> Self {
        let mut work: Vec<(u64, u64)> =
            graph.spans.iter().map(|s| (s.started_at, s.ended_at.unwrap_or(s.started_at).max(s.started_at))).collect();
        work.sort_unstable();
        let start = work.first().map_or(graph.run.started_at, |w| w.0);
        let end = work.iter().map(|w| w.1).max().unwrap_or(start);
        // Of a very large run nobody knows here when nothing ran.
        if let Some(left_out) = &graph.left_out {
            return Self { start, skipped: 0, cuts: Vec::new(), shown: left_out.last_at.max(end) - start };
        }
        let mut idle = Vec::new();
        let mut busy_until = start;
        for (from, to) in work {
            if from > busy_until {
                idle.push((busy_until, from));
            }
            busy_until = busy_until.max(to);
        }
        // Only idle time longer than twice the work is left out. A pause between two attempts is worth seeing.
        let work = end - start - idle.iter().map(|(from, to)| to - from).sum::<u64>();
        let threshold = work.saturating_mul(2).max(1);
        let (mut cuts, mut total) = (Vec::new(), 0);
        for (from, to) in idle {
            if to - from >= threshold {
                cuts.push(Cut { from, to, kept: 0, cut_before: total });
                total += to - from;
            }
        }
        Self { start, skipped: 0, cuts, shown: end - start - total }
    }

    /// The same with a little of each idle time, so that what waited meanwhile can be seen.
    #[cfg(feature = "tui")]
    pub(crate) fn with_waits(&self) -> Self {
        let mut all = self.clone();
        let each = (self.shown / 4).min(self.shown / (1 + self.cuts.len() as u64));
        let mut kept = 0;
        for cut in &mut all.cuts {
            cut.kept = each.min(cut.to - cut.from);
            cut.cut_before -= kept;
            kept += cut.kept;
        }
        all.shown += kept;
        all
    }

    /// The same for this time alone.
    #[cfg(feature = "tui")]
    pub(crate) fn zoom(&self, from: u64, to: u64) -> Self {
        let (from, to) = (self.offset(from), self.offset(to));
        Self { skipped: self.skipped + from, shown: to.saturating_sub(from).max(1), ..self.clone() }
    }

    /// Whether something is left out between these times.
    #[cfg(feature = "tui")]
    pub(crate) fn cuts(&self, from: u64, to: u64) -> bool {
        self.cuts.iter().any(|cut| cut.from < to && cut.to > from)
    }

    /// Whether something of this time is shown.
    #[cfg(feature = "tui")]
    pub(crate) fn shows(&self, from: u64, to: u64) -> bool {
        self.after_start(to) >= self.skipped && self.after_start(from) <= self.skipped + self.shown
    }

    /// How much time the bars show.
    pub(crate) fn shown(&self) -> u64 {
        self.shown
    }

    /// How much time is left out.
    pub(crate) fn cut(&self) -> u64 {
        self.cuts.last().map_or(0, |c| c.cut_before + (c.to - c.from) - c.kept)
    }

    fn offset(&self, t: u64) -> u64 {
        self.after_start(t).saturating_sub(self.skipped).min(self.shown)
    }

    /// How long after the start, without what is left out.
    fn after_start(&self, t: u64) -> u64 {
        let before = self.cuts.partition_point(|c| c.from < t);
        let cut = match before.checked_sub(1).and_then(|i| self.cuts.get(i)) {
            Some(c) => {
                let passed = t.min(c.to) - c.from;
                let kept = u128::from(c.kept) * u128::from(passed) / u128::from((c.to - c.from).max(1));
                c.cut_before + passed - kept as u64
            }
            None => 0,
        };
        t.saturating_sub(self.start).saturating_sub(cut)
    }

    /// The bar of a span, at most `width` columns: the number of empty columns before it, and the bar.
    pub(crate) fn bar(&self, from: u64, to: Option<u64>, width: usize) -> (usize, String) {
        if width == 0 || self.shown == 0 {
            return (0, String::new());
        }
        // In half columns, which line characters can show at both ends.
        let halves = 2 * width as u64;
        let scale = |t| (u128::from(self.offset(t)) * u128::from(halves) / u128::from(self.shown)) as u64;
        let first = scale(from).min(halves - 1);
        let Some(to) = to else {
            // Open: dashed, up to the last time that is known of the run.
            let free = first as usize / 2;
            return (free, std::iter::once('╺').chain(std::iter::repeat('╌')).take(width - free).collect());
        };
        let last = scale(to.max(from)).clamp(first + 1, halves);
        let (mut text, mut at) = (String::new(), first);
        if at % 2 == 1 {
            text.push('╺');
            at += 1;
        }
        while at + 2 <= last {
            text.push('━');
            at += 2;
        }
        if at < last {
            text.push('╸');
        }
        (first as usize / 2, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(t: &Timeline, from: u64, to: Option<u64>) -> String {
        let (free, bar) = t.bar(from, to, 10);
        format!("{}{bar}", " ".repeat(free))
    }

    #[test]
    fn bars_have_half_columns_and_are_never_empty() {
        let t = Timeline { start: 100, skipped: 0, cuts: Vec::new(), shown: 100 };
        assert_eq!(line(&t, 100, Some(200)), "━━━━━━━━━━");
        assert_eq!(line(&t, 105, Some(115)), "╺╸");
        assert_eq!(line(&t, 150, Some(150)), "     ╸");
        assert_eq!(line(&t, 200, Some(200)), "         ╺");
        assert_eq!(line(&t, 120, None), "  ╺╌╌╌╌╌╌╌");
        assert_eq!(line(&t, 199, None), "         ╺");
        assert_eq!(line(&t, 0, Some(u64::MAX)), "━━━━━━━━━━", "clocks that disagree stay on the page");
    }

    #[test]
    fn idle_time_is_cut_out() {
        let cuts = vec![Cut { from: 50, to: 1050, kept: 0, cut_before: 0 }];
        let t = Timeline { start: 0, skipped: 0, cuts, shown: 100 };
        assert_eq!(line(&t, 0, Some(50)), "━━━━━");
        assert_eq!(line(&t, 1050, Some(1100)), "     ━━━━━");
        assert_eq!(line(&t, 300, Some(400)), "     ╸");
    }
    #[test]
    #[cfg(feature = "tui")]
    fn a_little_of_each_wait_can_be_kept() {
        let cuts = vec![
            Cut { from: 50, to: 1050, kept: 0, cut_before: 0 },
            Cut { from: 1075, to: 9075, kept: 0, cut_before: 1000 },
        ];
        let t = Timeline { start: 0, skipped: 0, cuts, shown: 80 }.with_waits();
        assert_eq!((t.shown(), t.cut()), (120, 8960));
        assert_eq!(line(&t, 0, Some(50)), "━━━━");
        assert_eq!(line(&t, 50, Some(1050)), "    ━╸");
        assert_eq!(line(&t, 1050, Some(1075)), "     ╺━╸");
        assert_eq!(line(&t, 9075, Some(9080)), "         ╺");
        assert!(t.cuts(0, 51) && t.cuts(1000, 2000) && !t.cuts(0, 50));
    }

    #[test]
    #[cfg(feature = "tui")]
    fn a_part_of_the_time_takes_the_whole_width() {
        let t = Timeline { start: 0, skipped: 0, cuts: Vec::new(), shown: 1000 }.zoom(100, 200);
        assert_eq!(line(&t, 100, Some(150)), "━━━━━");
        assert_eq!(line(&t, 0, Some(1000)), "━━━━━━━━━━");
        assert!(t.shows(0, 100) && t.shows(200, 300) && !t.shows(0, 99) && !t.shows(201, 300));
    }
}
