//! Compressed input: concatenated, damaged, hostile.

use super::support::{Place, span};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

fn lines(from: u64, to: u64) -> Vec<u8> {
    (from..to).flat_map(|n| format!("{}\n", span(n)).into_bytes()).collect()
}

#[test]
fn gzip_and_zstd_members_are_read_in_turn() {
    for compress in [gzip, zstd] {
        let place = Place::new();
        let text = [compress(&lines(1, 900)), compress("\u{feff}\n".as_bytes()), compress(&lines(900, 1001))].concat();
        // The mark stands in the middle here, where it is no white space.
        let (code, out, _) = place.import(&["-"], &text);
        assert_eq!((code, &*out), (1, "1000 records read: 1000 new, 1 bad line\n"));
        let marked = [&b"\xef\xbb\xbf"[..], &lines(1, 3)].concat();
        assert_eq!(place.import(&[], compress(&marked)).1, "2 records read: 0 new, 2 already stored\n");
        assert_eq!(place.import(&[], compress(b"")).1, "0 records read\n");
    }
}

/// Zeros behind a stream are padding; anything else is not.
#[test]
fn zeros_behind_gzip_are_padding() {
    for padding in [1, 511, 200_000] {
        let padded = [gzip(&lines(1, 3)), vec![0; padding]].concat();
        assert_eq!(Place::new().import(&["-"], &padded), (0, "2 records read: 2 new\n".into(), String::new()));
        let again = [&padded[..], &gzip(&lines(3, 4))].concat();
        assert_eq!(Place::new().import(&["-"], again).1, "3 records read: 3 new\n");
    }
    let garbage = [gzip(&lines(1, 3)), b"more".to_vec()].concat();
    assert_eq!(Place::new().import(&["-"], garbage).0, 1);
}

/// What stands before the damage is imported, and the rest is said to be missing.
#[test]
fn a_damaged_stream_gives_what_is_whole() {
    for compress in [gzip, zstd] {
        let mut text = compress(&lines(1, 2001));
        text.truncate(text.len() / 2);
        let place = Place::new();
        let file = place.file("cut", text);
        let (code, out, err) = place.run(&["import", file.to_str().unwrap()]);
        assert_eq!(code, 1, "{err}");
        let read: u64 = out.split(' ').next().unwrap().parse().unwrap();
        assert!((1..2000).contains(&read), "{out}");
        assert!(err.contains(&format!("failed to read {}: ", file.display())), "{err}");
    }
}

/// A gigabyte of nothing in a few kilobytes is not read to its end.
#[test]
fn a_bomb_is_given_up() {
    let zeros = vec![b' '; 1 << 20];
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.write_all(&lines(1, 2)).unwrap();
    for _ in 0..1024 {
        encoder.write_all(&zeros).unwrap();
    }
    let place = Place::new();
    let (code, out, err) = place.import(&[], encoder.finish().unwrap());
    assert_eq!((code, &*out), (1, "1 record read: 1 new\n"));
    assert_eq!(err, "spanbridge: failed to read standard input: it expands more than 1000 times\n");
}
