//! Lower-case hexadecimal digits, eight at a time in one word.
//!
//! Both directions rest on [`digits`]: eight half-bytes have exactly one spelling, so text is valid when spelling out
//! what was read from it gives the text again. There is no table and no branch.

const ONES: u64 = 0x0101_0101_0101_0101;

/// Spells out eight half-bytes, one in each byte of `n`.
#[inline]
const fn digits(n: u64) -> u64 {
    // A half-byte over nine carries into bit 7; letters stand 0x27 behind where digits would go on.
    let over_nine = ((n + 0x76 * ONES) >> 7) & ONES;
    n + 0x30 * ONES + over_nine * 0x27
}

/// Reads eight digits. The second number is zero when they were lower-case hexadecimal.
#[inline]
const fn read8(text: [u8; 8]) -> (u32, u64) {
    let text = u64::from_be_bytes(text);
    let letter = (text >> 6) & ONES;
    let n = ((text & (0x0f * ONES)) + letter * 9) & (0x0f * ONES);
    let wrong = text ^ digits(n);
    let n = (n | n >> 4) & 0x00ff_00ff_00ff_00ff;
    let n = (n | n >> 8) & 0x0000_ffff_0000_ffff;
    ((n | n >> 16) as u32, wrong)
}

/// Spells out four bytes.
#[inline]
const fn write8(n: u32) -> [u8; 8] {
    let n = n as u64;
    let n = (n | n << 16) & 0x0000_ffff_0000_ffff;
    let n = (n | n << 8) & 0x00ff_00ff_00ff_00ff;
    let n = (n | n << 4) & (0x0f * ONES);
    digits(n).to_be_bytes()
}

/// Sixteen digits; the second number is zero when they were lower-case hexadecimal.
#[inline]
pub(super) fn read_u64(text: &[u8; 16]) -> (u64, u64) {
    let (mut high, mut low) = ([0; 8], [0; 8]);
    high.copy_from_slice(&text[..8]);
    low.copy_from_slice(&text[8..]);
    let ((high, wrong_high), (low, wrong_low)) = (read8(high), read8(low));
    ((high as u64) << 32 | low as u64, wrong_high | wrong_low)
}

/// Thirty-two digits; the second number is zero when they were lower-case hexadecimal.
#[inline]
pub(super) fn read_u128(text: &[u8; 32]) -> (u128, u64) {
    let (mut high, mut low) = ([0; 16], [0; 16]);
    high.copy_from_slice(&text[..16]);
    low.copy_from_slice(&text[16..]);
    let ((high, wrong_high), (low, wrong_low)) = (read_u64(&high), read_u64(&low));
    ((high as u128) << 64 | low as u128, wrong_high | wrong_low)
}

/// One byte from two digits; `None` when they are not lower-case hexadecimal.
#[inline]
pub(super) fn read_u8(text: [u8; 2]) -> Option<u8> {
    let (byte, wrong) = read8([b'0', b'0', b'0', b'0', b'0', b'0', text[0], text[1]]);
    (wrong == 0).then_some(byte as u8)
}

/// Sixteen digits.
#[inline]
pub(super) fn write_u64(n: u64) -> [u8; 16] {
    let mut out = [0; 16];
    out[..8].copy_from_slice(&write8((n >> 32) as u32));
    out[8..].copy_from_slice(&write8(n as u32));
    out
}

/// Thirty-two digits.
#[inline]
pub(super) fn write_u128(n: u128) -> [u8; 32] {
    let mut out = [0; 32];
    out[..16].copy_from_slice(&write_u64((n >> 64) as u64));
    out[16..].copy_from_slice(&write_u64(n as u64));
    out
}

/// Two digits.
#[inline]
pub(super) fn write_u8(n: u8) -> [u8; 2] {
    let [.., a, b] = write8(n as u32);
    [a, b]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_in_every_place() {
        for place in 0..16 {
            for byte in 0..=255u8 {
                let mut text = *b"00a19f00ffffffff";
                text[place] = byte;
                let expected = std::str::from_utf8(&text)
                    .ok()
                    .filter(|t| t.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
                    .and_then(|t| u64::from_str_radix(t, 16).ok());
                let (n, wrong) = read_u64(&text);
                assert_eq!((wrong == 0).then_some(n), expected, "{text:?}");
                if wrong == 0 {
                    assert_eq!(write_u64(n), text);
                }
            }
        }
        for n in 0..=255u8 {
            assert_eq!(write_u8(n).as_slice(), format!("{n:02x}").as_bytes());
            assert_eq!(read_u8(write_u8(n)), Some(n));
        }
        assert_eq!(read_u8(*b"0A"), None);
    }
}
