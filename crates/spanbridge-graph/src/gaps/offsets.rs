//! Settlements that cover several messages: ranges of offsets, and acks with `multiple`.

use std::collections::BTreeMap;

/// Group (for a transaction: the service), topic and partition.
pub(super) type Partition = [String; 3];

/// Topic, partition and last offset.
type Range<'a> = (&'a str, &'a str, i64);

/// Notes that a range was committed.
pub(super) fn cover(committed: &mut BTreeMap<Partition, i64>, group: &str, (topic, partition, last): Range<'_>) {
    let known = committed.entry([group, topic, partition].map(str::to_owned)).or_insert(last);
    *known = last.max(*known);
}

/// Reads `topic[partition] first..last`, separated by commas.
pub(super) fn ranges(text: &str) -> impl Iterator<Item = Range<'_>> {
    text.split(", ").filter_map(|range| {
        let (place, offsets) = range.rsplit_once(' ')?;
        let (topic, partition) = place.strip_suffix(']')?.rsplit_once('[')?;
        let last = offsets.rsplit("..").next()?.parse().ok()?;
        Some((topic, partition, last))
    })
}

/// Acks with `multiple`, by delivery tag. Each has the latest time of those with its tag or a higher one.
pub(super) struct MultipleAcks(Vec<(i64, u64)>);

impl MultipleAcks {
    pub(super) fn of(all: &[(i64, u64)]) -> Self {
        // Tag 0 stands for all messages that are not settled yet.
        let mut all: Vec<_> = all.iter().map(|(tag, at)| (if *tag == 0 { i64::MAX } else { *tag }, *at)).collect();
        all.sort_unstable();
        let mut latest = 0;
        for (_, at) in all.iter_mut().rev() {
            latest = latest.max(*at);
            *at = latest;
        }
        MultipleAcks(all)
    }

    /// Whether a message with this tag, whose work had begun by then, is covered.
    pub(super) fn cover(&self, tag: i64, began: u64) -> bool {
        let from = self.0.partition_point(|(t, _)| *t < tag);
        self.0.get(from).is_some_and(|(_, latest)| *latest >= began)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_they_are_written() {
        let read: Vec<_> = ranges("orders[0] 5..9, a[b][1] 3, late[2] ..7").collect();
        assert_eq!(read, [("orders", "0", 9), ("a[b]", "1", 3), ("late", "2", 7)]);
        for torn in ["", "orders", "orders[0]", "orders 3", "orders[0] x", "orders[0] 1..", "] 3", "[ 3"] {
            assert_eq!(ranges(torn).count(), 0, "{torn}");
        }
    }

    #[test]
    fn a_multiple_ack_covers_what_came_before() {
        let acks = MultipleAcks::of(&[(10, 100), (30, 50), (20, 200)]);
        assert!(acks.cover(10, 100) && acks.cover(20, 200) && acks.cover(15, 150));
        assert!(!acks.cover(21, 51), "its consumer had not even begun");
        assert!(!acks.cover(31, 1));
        assert!(MultipleAcks::of(&[(0, 100)]).cover(77, 100));
        assert!(!MultipleAcks::of(&[]).cover(1, 1));
    }
}
