//! What becomes of transactions.

use super::captures::captured;
use spanbridge_db::StatePolicy;
use spanbridge_db::pgoutput::{Lsn, Message, ParseError, RowChange, Transactions};

/// A change in one line: what the contract of records names, and who wrote it.
fn shown(change: &RowChange<'_>) -> String {
    let mutation = &change.mutation;
    let writer = change.writer.and_then(|writer| Some(format!(" by {}", writer.span_id()?)));
    let values = |what: &str, values: &Option<_>| values.as_ref().map_or(String::new(), |v| format!(" {what} {v}"));
    format!(
        "{} {} {}{}{} [{}]{}{}",
        mutation.op.name(),
        mutation.table,
        mutation.key,
        values("before", &mutation.before),
        values("after", &mutation.after),
        mutation.columns.join(" "),
        writer.unwrap_or_default(),
        if change.is_key_unknown { " (key unknown)" } else { "" },
    )
}

fn transactions(policy: StatePolicy) -> Transactions {
    Transactions::new(0xabc, "shop", policy)
}

/// All changes in these messages.
fn read(transactions: &mut Transactions, messages: &[Vec<u8>]) -> Result<Vec<String>, ParseError> {
    let mut all = vec![];
    for (at, message) in messages.iter().enumerate() {
        transactions.read(Lsn::new(at as u64), message, |change| all.push(shown(&change)))?;
    }
    Ok(all)
}

fn of_captures(policy: StatePolicy) -> Vec<String> {
    let mut transactions = transactions(policy);
    // The object id of `full_t`. Its messages say that all columns are the key.
    transactions.primary_key(16_395, vec!["b".into(), "a".into()]);
    transactions.primary_key(16_402, vec!["id".into()]);
    read(&mut transactions, &captured().collect::<Vec<_>>()).expect("messages of the server")
}

/// What PostgreSQL 15 wrote, as mutations: replica identities, TOAST, types, a key that changes, TRUNCATE, quoted names.
#[test]
fn transactions_become_mutations() {
    let text = of_captures(StatePolicy::values()).join("\n") + "\n";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/pgoutput/mutations.txt");
    if std::env::var_os("UPDATE_CAPTURES").is_some() {
        std::fs::write(path, &text).expect("written");
    }
    assert_eq!(text, std::fs::read_to_string(path).expect("the expected text"));
}

/// With the policy `keys`, no value leaves that is not part of a key.
#[test]
fn keys_are_all_that_keys_records() {
    let all = of_captures(StatePolicy::keys());
    assert_eq!(all.len(), of_captures(StatePolicy::values()).len());
    let values = all
        .iter()
        .filter(|line| line.contains(" before {\"") || line.contains(" after {\"") || line.contains("paid\""));
    assert_eq!(values.count(), 0, "{all:#?}");
    assert!(
        all.contains(
            &r#"update public.orders {"id":1} after {} [status note amount paid at f j b extra extra2] by 00f067aa0ba902b7"#
                .to_owned()
        ),
        "{all:#?}"
    );
}

#[test]
fn only_chosen_tables_and_columns() {
    let policy = StatePolicy::values().tables(["full_t"]).redact_column("full_t", "b");
    let all = of_captures(policy);
    assert_eq!(all[0], r#"insert public.full_t {"a":1} after {"a":1} [a b]"#);
    assert!(all.iter().all(|line| line.contains("public.full_t")), "{all:#?}");
    assert!(of_captures(StatePolicy::off()).is_empty());
}

/// If the hook fails, the value is left out, and the change says so.
#[test]
fn redaction_fails_closed() {
    let policy = StatePolicy::values().redact(|value| match value.column() {
        "v" => Err("no"),
        _ => Ok(()),
    });
    let mut transactions = transactions(policy);
    let mut failed = vec![];
    for message in captured() {
        let each = |change: RowChange<'_>| failed.extend(change.is_redaction_failed.then(|| shown(&change)));
        transactions.read(Lsn::default(), &message, each).expect("a message");
    }
    assert_eq!(failed[0], r#"insert public.nothing_t {} after {"id":1} [id v] (key unknown)"#);
    assert!(!failed.iter().any(|line| line.contains("\"v\"")), "{failed:#?}");
}

fn begin(lsn: u8) -> Vec<u8> {
    [&b"B\0\0\0\0\0\0\0"[..], &[lsn], &[0; 8], b"\0\0\0\x09"].concat()
}

fn commit(lsn: u8) -> Vec<u8> {
    [&b"C\0\0\0\0\0\0\0\0"[..], &[lsn], b"\0\0\0\0\0\0\0", &[lsn + 1], &[0; 8]].concat()
}

fn message(transactional: u8, prefix: &str, content: &str) -> Vec<u8> {
    let length = (content.len() as u32).to_be_bytes();
    [&[b'M', transactional][..], &[0; 8], prefix.as_bytes(), b"\0", &length, content.as_bytes()].concat()
}

const RELATION: &[u8] = b"R\0\0\0\x01public\0orders\0d\0\x01\x01id\0\0\0\0\x17\xff\xff\xff\xff";

fn insert(id: char) -> Vec<u8> {
    [&b"I\0\0\0\x01N\0\x01t\0\0\0\x01"[..], &[id as u8]].concat()
}

const ONE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const OTHER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b8-01 sb=r:000000000000000000000000000000ab";

/// The last message of ours before a change names its writer, in its transaction only. Others', unreadable ones and those of
/// writers that are not recorded do not.
#[test]
fn writers_are_named_by_messages() {
    let messages = [
        begin(1),
        RELATION.to_vec(),
        insert('1'),
        message(1, "spanbridge", ONE),
        message(1, "spanbridges", OTHER),
        message(0, "spanbridge", OTHER),
        insert('2'),
        message(1, "spanbridge", OTHER),
        insert('3'),
        message(1, "spanbridge", "nobody"),
        insert('4'),
        message(1, "spanbridge", &ONE.replace("-01", "-00")),
        insert('5'),
        message(1, "spanbridge", ONE),
        commit(1),
        begin(2),
        insert('6'),
        commit(2),
    ];
    let (mut all, mut runs) = (vec![], vec![]);
    let mut transactions = transactions(StatePolicy::keys());
    for message in messages {
        let each = |change: RowChange<'_>| {
            runs.extend(change.writer.and_then(|writer| writer.run_id()));
            all.push((change.mutation.key.to_string(), change.writer.and_then(|writer| writer.span_id())));
        };
        transactions.read(Lsn::new(7), &message, each).expect("a message");
    }
    let writers: Vec<_> = all.iter().map(|(key, span)| (&**key, span.map(|span| span.to_string()))).collect();
    let expected = [
        (r#"{"id":1}"#, None),
        (r#"{"id":2}"#, Some("00f067aa0ba902b7".to_owned())),
        (r#"{"id":3}"#, Some("00f067aa0ba902b8".to_owned())),
        (r#"{"id":4}"#, None),
        (r#"{"id":5}"#, None),
        (r#"{"id":6}"#, None),
    ];
    assert_eq!(writers, expected);
    let runs: Vec<String> = runs.iter().map(ToString::to_string).collect();
    assert_eq!(runs, ["4bf92f3577b34da6a3ce929d0e0e4736", "000000000000000000000000000000ab"]);
}

/// An id depends on where a change was logged, and not on what else is read. Positions have the order of commits.
#[test]
fn ids_are_the_same_again() {
    let read = |policy: StatePolicy| {
        let (mut ids, mut positions) = (vec![], vec![]);
        let mut transactions = transactions(policy);
        for (at, message) in captured().enumerate() {
            // Some are logged together, as by COPY.
            let each = |change: RowChange<'_>| {
                ids.push((change.mutation.table.to_string(), change.mutation.mutation_id.to_string()));
                positions.push(change.mutation.position.expect("a position").to_string());
            };
            transactions.read(Lsn::new(at as u64 / 3), &message, each).expect("a message");
        }
        (ids, positions)
    };
    let (all, positions) = read(StatePolicy::values());
    let mut unique: Vec<_> = all.iter().map(|(_, id)| id).collect();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), all.len());
    assert_eq!(all[0].1, "abc-15f40b0-830-1-0");
    assert!(positions.is_sorted(), "{positions:#?}");
    assert_eq!(positions[0], "00000000015F40B0/00000001");
    let some = read(StatePolicy::keys().tables(["idx_t"])).0;
    assert!(some.len() == 5 && some.iter().all(|id| all.contains(id)), "{some:#?}");
}

#[test]
fn ends_of_transactions_are_told() {
    let mut transactions = transactions(StatePolicy::values());
    let ends: Vec<_> = captured()
        .filter_map(|message| transactions.read(Lsn::default(), &message, |_| ()).expect("a message"))
        .collect();
    let commits = captured().filter(|message| matches!(Message::parse(message), Ok(Message::Commit(_)))).count();
    assert!(ends.len() == commits && ends.is_sorted_by_key(|commit| commit.end_lsn));
}

/// What cannot come is an error: whoever reads must not go on, and take what it has not understood for read.
#[test]
fn what_cannot_come_is_refused() {
    let cases = [
        (vec![insert('1')], "it is outside of a transaction at byte 0"),
        (vec![message(1, "spanbridge", ONE)], "it is outside of a transaction at byte 0"),
        (vec![begin(1), begin(2)], "a transaction begins inside of another at byte 0"),
        (vec![begin(1), insert('1')], "a table that was not described at byte 1"),
        (vec![commit(1)], "the end of another transaction at byte 0"),
        (vec![begin(1), commit(2)], "the end of another transaction at byte 0"),
    ];
    for (messages, why) in cases {
        let error = read(&mut transactions(StatePolicy::values()), &messages).expect_err(why);
        assert_eq!(error.to_string(), format!("read a message of pgoutput: {why}"));
    }
}
