//! `spanbridge state history` and `state blame`.

use insta::assert_snapshot;
use serde_json::{Value, json};
use std::fs;
use std::process::{Command, Output};

/// A store in a directory of its own.
struct Place(tempfile::TempDir);

fn at(ms: u32) -> String {
    format!("2026-11-20T09:25:46.{ms:03}000000Z")
}

/// Who recorded it, by number; 0 is of no run.
fn of(writer: u64, seq: u64, mut record: Value) -> Value {
    let services = ["reader", "orders", "billing"];
    let common = json!({"schemaVersion": 1, "recordId": format!("r{writer}-{seq}"),
        "segmentId": format!("{:016x}", writer + 1), "segmentSeq": seq, "service": services[writer as usize]});
    record.as_object_mut().unwrap().extend(common.as_object().unwrap().clone());
    if writer > 0 {
        let run = format!("{writer}bf92f3577b34da6a3ce929d0e0e4736");
        record["runId"] = run.clone().into();
        record["traceId"] = run.into();
        if record["type"] == "mutation" {
            record["spanId"] = format!("{:016x}", writer * 16 + 2).into();
        }
    }
    record
}

fn work(writer: u64, root: &str, step: &str) -> [Value; 2] {
    let span = |n: u64, parent: Option<u64>, name: &str| {
        let id = |n: u64| format!("{:016x}", writer * 16 + n);
        json!({"type": "span", "spanId": id(n), "parentSpanId": parent.map(id), "name": name, "primitive": "db.query",
            "kind": "client", "startedAt": at(0), "endedAt": at(90), "status": "ok"})
    };
    [of(writer, 1, span(1, None, root)), of(writer, 2, span(2, Some(1), step))]
}

fn row(id: &str, op: &str, key: Value, ms: u32, more: Value) -> Value {
    let mut row = json!({"type": "mutation", "mutationId": id, "database": "shop", "table": "public.orders", "key": key,
        "op": op, "columns": [], "committedAt": at(ms)});
    row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    row
}

impl Place {
    fn with(records: &[Value]) -> Self {
        let place = Place(tempfile::tempdir().unwrap());
        let file = place.0.path().join("records.jsonl");
        fs::write(&file, records.iter().map(|record| format!("{record}\n")).collect::<String>()).unwrap();
        place.run(&["import", file.to_str().unwrap()]);
        place
    }

    fn output(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_spanbridge"));
        command.args(args).arg("--db").arg(self.0.path().join("store"));
        command.env_remove("COLUMNS").env_remove("CLICOLOR_FORCE");
        command.output().unwrap()
    }

    fn run(&self, args: &[&str]) -> String {
        let output = self.output(args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

/// Two services and somebody else write one row; another database has a table of the same name.
fn shop() -> Place {
    let one = || json!({"id": 1});
    let mut elsewhere = row("e1", "insert", one(), 5, json!({"after": {"status": "old"}, "columns": ["status"]}));
    elsewhere["database"] = "archive".into();
    let mut all = Vec::new();
    all.extend(work(1, "POST /orders", "INSERT orders"));
    all.extend(work(2, "process payment", "UPDATE orders"));
    all.extend([
        of(
            1,
            3,
            row(
                "m1",
                "insert",
                one(),
                10,
                json!({"after": {"status": "new", "total": 5, "note": null}, "columns": ["status", "total", "note"]}),
            ),
        ),
        of(
            2,
            3,
            row(
                "m2",
                "update",
                one(),
                20,
                json!({"before": {"status": "new"}, "after": {"status": "paid"}, "columns": ["status", "card"]}),
            ),
        ),
        of(
            0,
            1,
            row(
                "m3",
                "update",
                one(),
                30,
                json!({"before": {"total": 7}, "after": {"total": 8}, "columns": ["total"]}),
            ),
        ),
        of(
            1,
            4,
            row(
                "m4",
                "update",
                one(),
                40,
                json!({"after": {"status": "paid", "note": "\u{1b}[31mhi"}, "columns": ["status", "note"]}),
            ),
        ),
        of(2, 4, row("m5", "insert", json!({"id": 2}), 50, json!({"after": {"status": "new"}, "columns": ["status"]}))),
        of(0, 2, row("m6", "truncate", json!({}), 60, json!({}))),
        of(0, 3, elsewhere),
    ]);
    // The table was emptied before the first row was written again.
    all.push(of(1, 5, row("m7", "insert", one(), 70, json!({"after": {"status": "new"}, "columns": ["status"]}))));
    all.push(of(2, 5, row("m8", "update", one(), 70, json!({"after": {"status": "held"}, "columns": ["status"]}))));
    Place::with(&all)
}

#[test]
fn every_change_with_its_writer() {
    assert_snapshot!(shop().run(&["state", "history", "orders", "1"]), @r##"
public.orders id=1  in archive
2026-11-20 09:25:46.005 UTC  insert    status 'old'
                             unknown writer, recorded by reader

public.orders id=1  in shop
2026-11-20 09:25:46.010 UTC  insert    status 'new', total 5, note null
                             INSERT orders in POST /orders 1bf92f35, orders
2026-11-20 09:25:46.020 UTC  update    status 'new' → 'paid', card changed
                             UPDATE orders in process payment 2bf92f35, billing
2026-11-20 09:25:46.030 UTC  update    total 7 → 8
                             unknown writer, recorded by reader
                             before it, total was not what was recorded last: a change is missing,
                             or clocks differ
2026-11-20 09:25:46.040 UTC  update    note null → '\x1b[31mhi'
                             INSERT orders in POST /orders 1bf92f35, orders
2026-11-20 09:25:46.060 UTC  truncate  all rows of the table were removed
                             unknown writer, recorded by reader
2026-11-20 09:25:46.070 UTC  insert    status 'new'
                             INSERT orders in POST /orders 1bf92f35, orders
                             nothing says whether it or the one beside it was first
2026-11-20 09:25:46.070 UTC  update    status 'new' → 'held'
                             UPDATE orders in process payment 2bf92f35, billing
                             nothing says whether it or the one beside it was first
"##);
}

/// Nothing that was recorded of a change is hidden, however narrow the page is.
#[test]
fn long_changes_and_what_is_gone() {
    let one = || json!({"id": 1});
    let long = |c: &str| c.repeat(50);
    let place = Place::with(&[
        of(
            0,
            1,
            row(
                "m1",
                "update",
                one(),
                10,
                json!({"before": {"note": long("a")}, "after": {"note": long("b"), "total": 5}, "columns": ["note", "total"]}),
            ),
        ),
        of(0, 2, row("m2", "delete", one(), 20, json!({"before": {"note": "last", "total": 5}}))),
        of(0, 3, row("m3", "delete", one(), 30, json!({}))),
    ]);
    assert_snapshot!(place.run(&["state", "history", "orders", "1"]), @r##"
public.orders id=1  in shop
2026-11-20 09:25:46.010 UTC  update    note 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' →
                                       'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', total →
                                       5
                             unknown writer, recorded by reader
2026-11-20 09:25:46.020 UTC  delete    was note 'last', total 5
                             unknown writer, recorded by reader
                             before it, note was not what was recorded last: a change is missing, or
                             clocks differ
2026-11-20 09:25:46.030 UTC  delete    the values before are not known
                             unknown writer, recorded by reader
"##);
}

#[test]
fn the_last_writer_of_each_column() {
    assert_snapshot!(shop().run(&["state", "blame", "orders", "id=1"]), @r##"
public.orders id=1  in archive
column  value  written by                          when
status  'old'  unknown writer, recorded by reader  2026-11-20 09:25:46.005 UTC

public.orders id=1  in shop
column  value   written by                                          when
status  'held'  UPDATE orders in process payment 2bf92f35, billing  2026-11-20 09:25:46.070 UTC
not shown: total, note, card, which nothing has written since the row was inserted
"##);
    assert_snapshot!(shop().run(&["state", "blame", "public.orders", "2"]), @r##"
public.orders id=2  in shop
removed with all rows 2026-11-20 09:25:46.060 UTC
  unknown writer, recorded by reader
its columns were status: the row is gone, so none has a value
"##);
}

/// Where the table is too wide, who wrote is on a line of its own, whole.
#[test]
fn the_last_writer_on_a_narrow_page() {
    let place = shop();
    let mut command = Command::new(env!("CARGO_BIN_EXE_spanbridge"));
    command.args(["state", "blame", "orders", "1", "--database", "shop", "--db"]).arg(place.0.path().join("store"));
    let shown = command.env("COLUMNS", "60").output().unwrap();
    assert_snapshot!(String::from_utf8(shown.stdout).unwrap(), @r##"
public.orders id=1  in shop
column  value   when
status  'held'  2026-11-20 09:25:46.070 UTC
  UPDATE orders in process payment 2bf92f35, billing
not shown: total, note, card, which nothing has written
since the row was inserted
"##);
}

#[test]
fn changes_that_are_asked_for() {
    let place = shop();
    let args = [
        "state",
        "history",
        "orders",
        "1",
        "--database",
        "shop",
        "--column",
        "total",
        "--since",
        "2026-11-20T09:25:46.015Z",
    ];
    assert_snapshot!(place.run(&args), @r##"
public.orders id=1  in shop
2026-11-20 09:25:46.030 UTC  update    total 7 → 8
                             unknown writer, recorded by reader
                             before it, total was not what was recorded last: a change is missing,
                             or clocks differ
2026-11-20 09:25:46.060 UTC  truncate  all rows of the table were removed
                             unknown writer, recorded by reader
5 other changes not shown
"##);
    let json: Value = serde_json::from_str(&place.run(&[&args[..], &["--format", "json"]].concat())).unwrap();
    let ids: Vec<_> =
        json["rows"][0]["changes"].as_array().unwrap().iter().map(|c| &c["mutation"]["mutationId"]).collect();
    assert_eq!(ids, ["m3", "m6"]);
}

#[test]
fn what_programs_read() {
    let place = shop();
    let history: Value =
        serde_json::from_str(&place.run(&["state", "history", "orders", "1", "--format", "json"])).unwrap();
    let change = &history["rows"][1]["changes"][1];
    assert_eq!(
        change["writer"],
        json!({"runId": "2bf92f3577b34da6a3ce929d0e0e4736", "runName": "process payment",
        "traceId": "2bf92f3577b34da6a3ce929d0e0e4736", "spanId": "0000000000000022", "spanName": "UPDATE orders"})
    );
    assert_eq!(change["changed"], json!([{"column": "status", "before": "new", "after": "paid"}, {"column": "card"}]));
    assert_eq!(history["rows"][1]["changes"][2].get("writer"), None);
    let blame: Value =
        serde_json::from_str(&place.run(&["state", "blame", "orders", "2", "--format", "json"])).unwrap();
    assert_eq!(blame["rows"][0]["removedBy"]["mutation"]["op"], "truncate");
}

#[test]
fn what_is_not_known_or_no_key() {
    let place = shop();
    let failed = |args: &[&str]| {
        let output = place.output(args);
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(
        failed(&["state", "history", "orders", "3"]),
        (
            Some(1),
            "spanbridge: failed to find the row 3 of orders: no change of it is recorded; of public.orders, the key is id\n"
                .to_owned()
        )
    );
    let said = |args: &[&str], words: &str| {
        let (code, text) = failed(args);
        assert!(code == Some(1) && text.contains(words), "{code:?}: {text}");
    };
    said(&["state", "history", "oders", "1"], "; tables of which some are: public.orders (id)\n");
    said(&["state", "blame", "orders", "1", "--database", "x"], "; public.orders is known in archive\n");
    // A column that was never named is a mistake. One that did not change is none.
    said(
        &["state", "history", "orders", "1", "--column", "nope"],
        "failed to find the column nope: known are id, status, note, total, card\n",
    );
    assert!(place.run(&["state", "history", "orders", "1", "--column", "id"]).ends_with("not shown\n"));
    // Whether a change is missing, doctor does not know.
    let doctor = place.run(&["doctor"]);
    assert!(doctor.ends_with("changed rows are not compared here: spanbridge state history\n"), "{doctor}");
    assert_eq!(failed(&["state", "blame", "orders", "1", "--database", "x"]).0, Some(1));
    assert_eq!(failed(&["state", "blame", "orders", ""]).0, Some(2));
    assert_eq!(failed(&["state", "blame", "orders"]).0, Some(2));
}

/// An update of which neither the values before nor those after are recorded, as by `state follow --policy keys`.
#[test]
fn who_may_have_written_is_said() {
    let written = row("w", "update", json!({"id": 1}), 20, json!({"columns": ["status"]}));
    let mut records = work(2, "process payment", "UPDATE orders").to_vec();
    records.push(of(2, 9, written));
    let place = Place::with(&records);
    let blame = place.run(&["state", "blame", "orders", "1"]);
    assert!(blame.contains("not known, maybe UPDATE orders in process payment"), "{blame}");
    let history = place.run(&["state", "history", "orders", "1"]);
    assert!(history.contains("update    maybe status\n"), "{history}");
}
