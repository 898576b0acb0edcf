//! Files that are damaged, that lie, or that others wrote.

mod common;

use common::{file_of, read_all, story};
use parquet::column::writer::ColumnWriter;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use spanbridge_parquet::{ErrorKind, Reader};
use std::sync::Arc;

/// A file with this schema, this metadata and no rows.
fn empty(schema: &str, metadata: Option<(&str, &str)>) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(&format!("message m {{ {schema} }}")).unwrap());
    let pair = metadata.map(|(key, value)| vec![KeyValue::new(key.to_owned(), value.to_owned())]);
    let properties = WriterProperties::builder().set_key_value_metadata(pair).build();
    SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).unwrap().into_inner().unwrap()
}

fn refused(file: Vec<u8>) -> (ErrorKind, String) {
    let error = Reader::of_bytes(file).map(drop).unwrap_err();
    (error.kind(), error.to_string())
}

/// The declarations of our columns.
fn columns() -> Vec<String> {
    let mut out = Vec::new();
    let file = bytes::Bytes::from(file_of(&story()));
    let metadata = parquet::file::metadata::ParquetMetaDataReader::new().parse_and_finish(&file).unwrap();
    parquet::schema::printer::print_schema(&mut out, metadata.file_metadata().schema());
    let text = String::from_utf8(out).unwrap();
    // Fields of the root are indented by two.
    let mut columns: Vec<String> = Vec::new();
    for line in text.lines().filter(|line| line.starts_with("  ")) {
        match columns.last_mut().filter(|_| line.starts_with("   ") || line.trim() == "}") {
            Some(last) => last.push_str(line.trim()),
            None => columns.push(line.trim().to_owned()),
        }
    }
    columns
}

#[test]
fn files_of_others_say_what_is_missing() {
    let of_others = |file| {
        let (kind, why) = refused(file);
        assert_eq!(kind, ErrorKind::OtherColumns, "{why}");
        why
    };
    let none = of_others(empty("required int64 x;", None));
    assert_eq!(none, "it has none of the columns of `spanbridge export --to parquet`");
    let all = columns();
    let without = |names: &[&str]| {
        // `optional binary name (STRING);`
        let name_of = |column: &str| column.split_whitespace().nth(2).unwrap().trim_end_matches(';').to_owned();
        let left = all.iter().filter(|column| !names.contains(&&*name_of(column)));
        left.cloned().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(of_others(empty(&without(&["links", "seq"]), None)), "it has no column `links`, `seq`");
    for (name, wrong) in [
        ("started_at", "optional int64 started_at (TIMESTAMP(MICROS,true));"),
        ("started_at", "optional binary started_at (STRING);"),
        ("name", "optional int64 name;"),
        ("name", "repeated binary name (STRING);"),
        ("attributes", "optional binary attributes (STRING);"),
        ("changed_columns", "optional group changed_columns { optional int32 x; }"),
    ] {
        let why = of_others(empty(&format!("{} {wrong}", without(&[name])), None));
        assert_eq!(why, format!("its column `{name}` is not of the type that spanbridge writes"), "{wrong}");
    }
    // In another order, with more.
    let mut turned = all.clone();
    turned.reverse();
    assert!(Reader::of_bytes(empty(&format!("required double x; {}", turned.join(" ")), None)).is_ok());
}

#[test]
fn a_newer_format_is_refused() {
    let format = |version| refused(empty("required int64 x;", Some(("spanbridge.format", version))));
    let newer = "a newer spanbridge wrote it, in the format 2; this one reads up to 1";
    assert_eq!(format("2"), (ErrorKind::NewerFormat, newer.to_owned()));
    for version in ["", "0", "x", "-1"] {
        assert_eq!(format(version).0, ErrorKind::Corrupt, "{version}");
    }
}

#[test]
fn a_file_that_is_cut_off_is_refused() {
    let file = file_of(&story());
    for length in (0..file.len()).step_by(97).chain([0, 3, 4, 11, 12, file.len() - 1]) {
        assert_eq!(refused(file[..length].to_vec()).0, ErrorKind::Corrupt, "{length}");
    }
}

/// What is whole behind a damaged row group is read.
#[test]
fn other_row_groups_are_read() {
    let records = story();
    let file = common::file_in_groups(&records, 2_000);
    let whole = read_all(file.clone());
    assert!(whole.lost.is_empty() && whole.records.len() == records.len());
    let mut damaged = file;
    damaged[4..60].fill(0xff);
    let read = read_all(damaged);
    let [(group, rows, why)] = &read.lost[..] else { panic!("{:?}", read.lost) };
    assert!(*group == 1 && why.starts_with("read the column `run_id`: "), "{why}");
    assert_eq!(read.records.len() as u64 + rows, records.len() as u64);
    assert_eq!(whole.records[*rows as usize..], read.records);
}

/// A list whose one row has more values than memory should hold, in pages of a few bytes each.
#[test]
fn a_row_without_end_is_refused() {
    let schema: String = columns().join(" ");
    let schema = Arc::new(parse_message_type(&format!("message m {{ {schema} }}")).unwrap());
    let properties = WriterProperties::builder().set_dictionary_enabled(true).build();
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).unwrap();
    let mut group = writer.next_row_group().unwrap();
    while let Some(mut column) = group.next_column().unwrap() {
        let ColumnWriter::ByteArrayColumnWriter(to) = column.untyped() else {
            let ColumnWriter::Int64ColumnWriter(to) = column.untyped() else { panic!() };
            let level = to.get_descriptor().max_def_level();
            to.write_batch(&[1], Some(&[level]), None).unwrap();
            column.close().unwrap();
            continue;
        };
        let descriptor = to.get_descriptor();
        let (level, depth) = (descriptor.max_def_level(), descriptor.max_rep_level());
        let is_long = descriptor.path().string().starts_with("attributes.");
        let many = if is_long { 5 << 20 } else { 1 };
        let text = parquet::data_type::ByteArray::from("x");
        let repetitions: Vec<i16> = (0..many).map(|n| i16::from(depth > 0 && n > 0)).collect();
        to.write_batch(&vec![text; many], Some(&vec![level; many]), Some(&repetitions)).unwrap();
        column.close().unwrap();
    }
    group.close().unwrap();
    let read = read_all(writer.into_inner().unwrap());
    let [(1, 1, why)] = &read.lost[..] else { panic!("{:?}", read.lost) };
    assert!(why.contains("too many values") || why.contains("a page says that it has"), "{why}");
}
