//! Numbers and ids in bytes: the alphabet of every blob in the store.
//!
//! Reading answers `None` for whatever is not there or not possible. It never panics and never trusts a length.

/// Appends a number, seven bits a byte, the lowest first.
#[inline]
pub fn put_varint(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

/// Appends the bytes of a text with its length before it.
pub fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    put_varint(out, text.len() as u64);
    out.extend_from_slice(text);
}

/// Small numbers of either sign become small numbers.
#[inline]
pub const fn zigzag(n: i64) -> u64 {
    (n << 1 ^ n >> 63) as u64
}

/// What [`zigzag`] was given.
#[inline]
pub const fn unzigzag(n: u64) -> i64 {
    (n >> 1) as i64 ^ -((n & 1) as i64)
}

/// The distance of two times, small when they are near in either direction. Wraps, so that any two times will do.
#[inline]
pub const fn distance(from: u64, to: u64) -> u64 {
    zigzag(to.wrapping_sub(from) as i64)
}

/// The time at a distance.
#[inline]
pub const fn at_distance(from: u64, distance: u64) -> u64 {
    from.wrapping_add(unzigzag(distance) as u64)
}

/// Bytes that are read from the front.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    #[inline]
    pub fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    #[inline]
    pub fn varint(&mut self) -> Option<u64> {
        // Most numbers here are below 128.
        let (&first, rest) = self.0.split_first()?;
        if first < 0x80 {
            self.0 = rest;
            return Some(u64::from(first));
        }
        let mut n = u64::from(first & 0x7f);
        for (i, byte) in rest.iter().take(9).enumerate() {
            n |= u64::from(byte & 0x7f) << (7 * (i + 1));
            if *byte < 0x80 {
                self.0 = &rest[i + 1..];
                return Some(n);
            }
        }
        None
    }

    /// A number that counts things of at least one byte each in `bytes`: more cannot be there, so room for as many
    /// may be reserved.
    pub fn count_within(&mut self, bytes: usize) -> Option<usize> {
        let n = usize::try_from(self.varint()?).ok()?;
        (n <= bytes).then_some(n)
    }

    #[inline]
    pub fn half(&mut self) -> Option<u32> {
        let (half, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        Some(u32::from_le_bytes(*half))
    }

    #[inline]
    pub fn word(&mut self) -> Option<u64> {
        let (word, rest) = self.0.split_first_chunk::<8>()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*word))
    }

    #[inline]
    pub fn take(&mut self, n: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(n).ok()?)?;
        self.0 = rest;
        Some(taken)
    }

    pub fn text(&mut self) -> Option<&'a str> {
        let n = self.varint()?;
        std::str::from_utf8(self.take(n)?).ok()
    }

    #[inline]
    pub fn skip_varints(&mut self, n: u32) -> Option<()> {
        let (mut left, mut len) = (n, 0);
        while left > 0 {
            left -= u32::from(*self.0.get(len)? < 0x80);
            len += 1;
        }
        self.0 = &self.0[len..];
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_come_back(n: u64, m: i64, from: u64, to: u64) {
            let mut out = Vec::new();
            put_varint(&mut out, n);
            prop_assert_eq!(Reader(&out).varint(), Some(n));
            prop_assert_eq!(Reader(&out[..out.len() - 1]).varint(), None);
            prop_assert_eq!(unzigzag(zigzag(m)), m);
            prop_assert_eq!(at_distance(from, distance(from, to)), to);
        }
    }

    #[test]
    fn an_endless_number_is_none() {
        assert_eq!(Reader(&[0xff; 40]).varint(), None);
        assert_eq!(Reader(&[1, 2]).take(u64::MAX).map(<[u8]>::len), None);
    }
}
