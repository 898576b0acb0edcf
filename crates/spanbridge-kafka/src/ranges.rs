//! The offsets that a commit covers, as text.

use rdkafka::Offset;
use rdkafka::topic_partition_list::TopicPartitionList;
use std::fmt;

/// A range of offsets for each partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ranges(Vec<Range>);

/// The messages from `first`, if known, up to but without `next`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) first: Option<i64>,
    pub(crate) next: i64,
}

impl Ranges {
    /// What a commit of these offsets covers. Partitions without an offset are left out.
    pub(crate) fn of(offsets: &TopicPartitionList) -> Self {
        Ranges::since(offsets, |_, _| None)
    }

    /// The same, with the known beginnings.
    pub(crate) fn since(offsets: &TopicPartitionList, first: impl Fn(&str, i32) -> Option<i64>) -> Self {
        let elements = offsets.elements();
        let ranges = elements.iter().filter_map(|e| match e.offset() {
            Offset::Offset(next) => Some(Range {
                topic: e.topic().to_owned(),
                partition: e.partition(),
                first: first(e.topic(), e.partition()),
                next,
            }),
            _ => None,
        });
        Ranges(ranges.collect())
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Range> {
        self.0.iter()
    }

    /// The topic; empty if there are several.
    pub(crate) fn topic(&self) -> &str {
        match self.0.split_first() {
            Some((one, rest)) if rest.iter().all(|r| r.topic == one.topic) => &one.topic,
            _ => "",
        }
    }

    /// The partition and the last message; `None` if there are several partitions.
    pub(crate) fn single(&self) -> Option<(i32, i64)> {
        match self.0.as_slice() {
            [one] => Some((one.partition, one.next.saturating_sub(1))),
            _ => None,
        }
    }
}

impl IntoIterator for Ranges {
    type Item = Range;
    type IntoIter = std::vec::IntoIter<Range>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl FromIterator<Range> for Ranges {
    fn from_iter<I: IntoIterator<Item = Range>>(ranges: I) -> Self {
        Ranges(ranges.into_iter().collect())
    }
}

impl fmt::Display for Ranges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, r) in self.0.iter().enumerate() {
            let last = r.next.saturating_sub(1);
            write!(f, "{}{}[{}] ", if i == 0 { "" } else { ", " }, r.topic, r.partition)?;
            match r.first {
                Some(first) if first < last => write!(f, "{first}..{last}")?,
                Some(_) => write!(f, "{last}")?,
                None => write!(f, "..{last}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_ranges() {
        let mut offsets = TopicPartitionList::new();
        offsets.add_partition_offset("orders", 0, Offset::Offset(10)).unwrap();
        offsets.add_partition_offset("orders", 1, Offset::Offset(4)).unwrap();
        offsets.add_partition("orders", 2);
        let ranges = Ranges::since(&offsets, |_, partition| Some(if partition == 0 { 5 } else { 3 }));
        assert_eq!(ranges.to_string(), "orders[0] 5..9, orders[1] 3");
        assert_eq!((ranges.topic(), ranges.single()), ("orders", None));
        assert_eq!(Ranges::of(&offsets).to_string(), "orders[0] ..9, orders[1] ..3");
    }
}
