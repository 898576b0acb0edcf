//! How many digits of ids to print.

use spanbridge::RunId;

/// How many digits tell these runs apart: at least eight, as in the other commands.
pub(super) fn digits(ids: impl Iterator<Item = RunId>) -> usize {
    let mut ids: Vec<u128> = ids.map(RunId::get).collect();
    ids.sort_unstable();
    ids.dedup();
    let common = |pair: &[u128]| (pair[0] ^ pair[1]).leading_zeros() as usize / 4;
    ids.windows(2).map(common).max().map_or(8, |common| (common + 1).clamp(8, 32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_digits_as_tell_runs_apart() {
        let ids = |ids: &[u128]| digits(ids.iter().filter_map(|id| RunId::new(*id)));
        assert_eq!(ids(&[]), 8);
        assert_eq!(ids(&[1 << 100, 2 << 100]), 8);
        assert_eq!(ids(&[0x1234_5678_9a00 << 80, 0x1234_5678_9b00 << 80]), 10);
        assert_eq!(ids(&[1, 2, 2]), 32);
    }
}
