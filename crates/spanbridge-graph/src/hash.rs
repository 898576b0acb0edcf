//! Two hashes: a keyed one for tables whose keys come from outside, and a fixed one that is the same in every process.
//!
//! Both fold the 128-bit product of two words, which mixes well and costs one multiplication. They do not resist an attacker
//! who can choose contents and see hashes. The key is random in each process, so nobody outside sees keyed hashes.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

// Odd constants without structure: the first digits of the fractional parts of the square roots of 2, 3 and 5.
const A: u64 = 0x6a09_e667_f3bc_c909;
const B: u64 = 0xbb67_ae85_84ca_a73b;
const C: u64 = 0x3c6e_f372_fe94_f82b;

#[inline]
const fn fold(a: u64, b: u64) -> u64 {
    let product = a as u128 * b as u128;
    product as u64 ^ (product >> 64) as u64
}

/// A hash of bytes that is the same in every process, on every machine, in every release.
pub fn stable(bytes: &[u8]) -> u64 {
    let word = |b: &[u8]| b.iter().rev().fold(0u64, |n, b| n << 8 | u64::from(*b));
    let mut hash = fold(bytes.len() as u64 ^ A, B);
    let (chunks, rest) = bytes.as_chunks::<16>();
    for chunk in chunks {
        let n = u128::from_le_bytes(*chunk);
        hash = fold(hash ^ n as u64 ^ B, (n >> 64) as u64 ^ C).wrapping_add(hash.rotate_left(23));
    }
    let (low, high) = rest.split_at(rest.len().min(8));
    fold(hash ^ word(low) ^ C, word(high) ^ A).wrapping_add(hash.rotate_left(23))
}

/// A hash of bytes for tables in memory: quicker than [`stable`] for short ones, such as names.
#[inline]
pub fn quick(bytes: &[u8]) -> u64 {
    let word = |at: usize| bytes[at..].first_chunk().map_or(0, |b| u64::from_le_bytes(*b));
    let half = |at: usize| bytes[at..].first_chunk().map_or(0, |b| u64::from(u32::from_le_bytes(*b)));
    // The words may overlap: every byte counts.
    match bytes.len() {
        n @ 17..=32 => fold(fold(word(0) ^ A ^ n as u64, word(8) ^ B) ^ word(n - 16), word(n - 8) ^ C),
        n @ 8..=16 => fold(word(0) ^ A ^ n as u64, word(n - 8) ^ B),
        n @ 4..=7 => fold(half(0) ^ A ^ n as u64, half(n - 4) ^ B),
        n @ 0..=3 => fold(bytes.iter().fold(n as u64, |all, byte| all << 8 | u64::from(*byte)) ^ A, B),
        _ => stable(bytes),
    }
}

/// Combines two hashes. The order matters.
pub const fn join(a: u64, b: u64) -> u64 {
    fold(a.rotate_left(23) ^ A, b ^ B)
}

/// For maps keyed by ids: the sender of a header can choose those.
#[derive(Clone, Copy, Debug)]
pub struct Keyed(u64);

/// A map keyed by ids or hashes.
pub type Map<K, V> = std::collections::HashMap<K, V, Keyed>;
/// A set of ids or hashes.
pub type Set<K> = std::collections::HashSet<K, Keyed>;

impl Default for Keyed {
    fn default() -> Self {
        /// 0 until it is chosen. Not a lock, because a fork could leave that locked.
        static KEY: AtomicU64 = AtomicU64::new(0);
        let known = KEY.load(Relaxed);
        if known != 0 {
            return Self(known);
        }
        let new = RandomState::new().hash_one(0u8) | 1;
        Self(KEY.compare_exchange(0, new, Relaxed, Relaxed).map_or_else(|first| first, |_| new))
    }
}

impl BuildHasher for Keyed {
    type Hasher = Folding;

    #[inline]
    fn build_hasher(&self) -> Folding {
        Folding(self.0)
    }
}

/// The state of a keyed hash.
pub struct Folding(u64);

impl Hasher for Folding {
    #[inline]
    fn write_u64(&mut self, n: u64) {
        self.0 = fold(self.0 ^ n, B);
    }

    #[inline]
    fn write_u128(&mut self, n: u128) {
        self.0 = fold(fold(self.0 ^ n as u64, B) ^ (n >> 64) as u64, C);
    }

    fn write(&mut self, bytes: &[u8]) {
        self.write_u64(stable(bytes));
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_counts() {
        for hash in [stable, quick] {
            let bytes: Vec<u8> = (0..100).collect();
            let mut seen = std::collections::HashSet::new();
            for len in 0..bytes.len() {
                assert!(seen.insert(hash(&bytes[..len])), "{len}");
                for at in 0..len {
                    let mut other = bytes[..len].to_vec();
                    other[at] ^= 0x40;
                    assert!(seen.insert(hash(&other)), "{len} {at}");
                }
            }
        }
    }

    #[test]
    fn the_stable_hash_stays() {
        assert_eq!(stable(b"spanbridge keeps what it wrote"), 9_099_500_310_919_873_534);
        assert_ne!(join(1, 2), join(2, 1));
    }
}
