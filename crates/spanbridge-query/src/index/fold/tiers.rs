//! Which of many pieces become one, so that there are few and each part moves only a few times.

/// The pieces from here on become one: the last, and before it those that are no larger than all after them together, as long as
/// the sum stays within `most`. `sizes` are in the order in which the pieces came.
pub(super) fn first_moved(sizes: &[u64], most: u64) -> usize {
    let (mut first, mut sum) = (sizes.len(), 0u64);
    while let Some(size) = first.checked_sub(1).map(|at| sizes[at])
        && (first == sizes.len() || size <= sum && sum.saturating_add(size) <= most)
    {
        sum = sum.saturating_add(size);
        first -= 1;
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left after `count` pieces of one came, of which some become one whenever there are `limit`; and how many moved.
    fn grown(count: u64, limit: usize, most: u64) -> (Vec<u64>, u64) {
        let (mut sizes, mut moved) = (Vec::new(), 0);
        for _ in 0..count {
            let mut size = 1;
            if sizes.len() >= limit {
                let sum: u64 = sizes.drain(first_moved(&sizes, most)..).sum();
                (size, moved) = (size + sum, moved + sum);
            }
            sizes.push(size);
        }
        (sizes, moved)
    }

    #[test]
    fn pieces_stay_few_and_move_seldom() {
        for limit in [8, 16] {
            let (sizes, moved) = grown(10_000, limit, u64::MAX);
            assert_eq!(sizes.iter().sum::<u64>(), 10_000);
            assert!(sizes.len() <= limit, "{sizes:?}");
            assert!(moved < 10_000 * 12, "{moved}");
        }
    }
}
