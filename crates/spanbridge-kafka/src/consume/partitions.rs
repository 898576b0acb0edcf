//! The partitions that a consumer's messages came from.

use super::partition::Partition;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// At least this many partitions without a job are remembered, and at most twice as many. If a forgotten partition comes
/// again, it is unknown which of its messages were read before, and where a commit's range begins.
const MIN_REMEMBERED: usize = 4096;

/// A table of two generations, because a consumer may see any number of topics. When the recent generation is full, it
/// becomes the older one, and the older one keeps only partitions that have jobs.
#[derive(Default)]
pub(super) struct Partitions {
    recent: Generation,
    older: Generation,
    /// Where the last message came from; the next one probably comes from there too.
    last: Option<(Box<str>, i32, Arc<Partition>)>,
}

#[derive(Default)]
struct Generation {
    topics: HashMap<Box<str>, BTreeMap<i32, Arc<Partition>>>,
    count: usize,
}

impl Generation {
    fn get(&self, topic: &str, number: i32) -> Option<&Arc<Partition>> {
        self.topics.get(topic)?.get(&number)
    }

    fn take(&mut self, topic: &str, number: i32) -> Option<Arc<Partition>> {
        let partition = self.topics.get_mut(topic)?.remove(&number)?;
        self.count -= 1;
        Some(partition)
    }

    fn insert(&mut self, topic: &str, number: i32, partition: Arc<Partition>) {
        let partitions = match self.topics.get_mut(topic) {
            Some(partitions) => partitions,
            None => self.topics.entry(topic.into()).or_default(),
        };
        self.count += usize::from(partitions.insert(number, partition).is_none())
    }

    /// Forgets partitions that nobody else holds.
    fn retain_used(&mut self) {
        self.topics.retain(|_, partitions| {
            partitions.retain(|_, partition| Arc::strong_count(partition) > 1);
            !partitions.is_empty()
        });
        self.count = self.topics.values().map(BTreeMap::len).sum()
    }

    fn each(&self) -> impl Iterator<Item = (&str, i32, &Arc<Partition>)> {
        self.topics.iter().flat_map(|(topic, all)| all.iter().map(move |(number, p)| (&**topic, *number, p)))
    }
}

impl Partitions {
    /// A partition, if it is remembered.
    pub(super) fn known(&self, topic: &str, number: i32) -> Option<Arc<Partition>> {
        self.recent.get(topic, number).or_else(|| self.older.get(topic, number)).cloned()
    }

    /// A partition, remembered from now on.
    pub(super) fn of(&mut self, topic: &str, number: i32) -> Arc<Partition> {
        if let Some((_, _, last)) = self.last.as_ref().filter(|(t, n, _)| (&**t, *n) == (topic, number)) {
            return last.clone();
        }
        let partition = self.recent.get(topic, number).cloned().unwrap_or_else(|| {
            let partition = self.older.take(topic, number).unwrap_or_default();
            self.insert(topic, number, partition.clone());
            partition
        });
        match &mut self.last {
            Some((t, n, last)) if **t == *topic => (*n, *last) = (number, partition.clone()),
            last => *last = Some((topic.into(), number, partition.clone())),
        }
        partition
    }

    fn insert(&mut self, topic: &str, number: i32, partition: Arc<Partition>) {
        // With many jobs the older generation is large; the recent one then grows as large before the next scan.
        if self.recent.count >= MIN_REMEMBERED.max(self.older.count) {
            let mut kept = std::mem::replace(&mut self.older, std::mem::take(&mut self.recent));
            kept.retain_used();
            for (topic, number, partition) in kept.each() {
                self.older.insert(topic, number, partition.clone())
            }
        }
        self.recent.insert(topic, number, partition)
    }

    pub(super) fn each(&self) -> impl Iterator<Item = (&str, i32, &Arc<Partition>)> {
        self.recent.each().chain(self.older.each())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_without_jobs_are_forgotten() {
        let mut table = Partitions::default();
        let with_job = table.of("kept", 7);
        let often = Arc::downgrade(&table.of("often", 0));
        for i in 0..20 * MIN_REMEMBERED {
            table.of(&format!("topic {}", i / 2), (i % 2) as i32);
            if i % 1000 == 0 {
                table.of("often", 0);
            }
        }
        assert!(table.each().count() <= 2 * MIN_REMEMBERED + 1);
        assert!(Arc::ptr_eq(&table.of("kept", 7), &with_job), "it has a job");
        assert!(Arc::downgrade(&table.of("often", 0)).ptr_eq(&often), "it is in use");
        assert!(table.known("topic 0", 0).is_none());
        let (recent, older) = (&table.recent, &table.older);
        assert_eq!((recent.count, older.count), (recent.each().count(), older.each().count()));
    }

    #[test]
    fn no_partition_with_a_job_is_forgotten() {
        let mut table = Partitions::default();
        let all: Vec<_> = (0..4 * MIN_REMEMBERED as i32).map(|number| table.of("t", number)).collect();
        assert_eq!(table.each().count(), all.len());
        assert!(all.iter().zip(0..).all(|(partition, number)| Arc::ptr_eq(partition, &table.of("t", number))));
    }
}
