//! Messages as one line of text, and as bytes.

use spanbridge_db::pgoutput::{Message, OldTuple, ReplicaIdentity, Tuple, TupleValue};

/// A message in one line.
pub(crate) fn shown(message: &Message<'_>) -> String {
    match message {
        Message::Begin(b) => format!("begin {} {} {}", b.final_lsn, b.committed_at, b.xid),
        Message::Message(m) => {
            let content = String::from_utf8_lossy(m.content);
            format!("message transactional={} {} {:?} {content:?}", m.transactional, m.lsn, m.prefix)
        }
        Message::Origin(o) => format!("origin {} {:?}", o.commit_lsn, o.name),
        Message::Relation(r) => {
            let columns = r.columns.iter().map(|c| {
                format!(" {}{:?}:{}:{}", if c.is_key { "*" } else { "" }, c.name, c.type_oid, c.type_modifier)
            });
            let columns: String = columns.collect();
            format!("relation {} {:?}.{:?} {:?}{columns}", r.oid, r.namespace, r.name, r.replica_identity)
        }
        Message::Type(t) => format!("type {} {:?}.{:?}", t.oid, t.namespace, t.name),
        Message::Insert(i) => format!("insert {}{}", i.relation, row(&i.new)),
        Message::Update(u) => format!("update {}{} to{}", u.relation, u.old.map_or(String::new(), old), row(&u.new)),
        Message::Delete(d) => format!("delete {}{}", d.relation, old(d.old)),
        Message::Truncate(t) => {
            let relations: Vec<u32> = t.relations().collect();
            format!("truncate {relations:?} cascade={} restart_identity={}", t.cascade, t.restart_identity)
        }
        Message::Commit(c) => format!("commit {} {} {}", c.commit_lsn, c.end_lsn, c.committed_at),
        _ => format!("{message:?}"),
    }
}

fn old(old: OldTuple<'_>) -> String {
    match old {
        OldTuple::Key(key) => format!(" key{}", row(&key)),
        OldTuple::Full(full) => format!(" full{}", row(&full)),
    }
}

fn row(row: &Tuple<'_>) -> String {
    let value = |value| match value {
        TupleValue::Null => " null".to_owned(),
        TupleValue::Unchanged => " unchanged".to_owned(),
        TupleValue::Text(text) => format!(" {:?}", String::from_utf8_lossy(text)),
        TupleValue::Binary(bytes) => format!(" {bytes:?}"),
        other => format!(" {other:?}"),
    };
    assert_eq!(row.iter().len(), row.len());
    format!("({})", row.iter().map(value).collect::<String>().trim_start())
}

/// A message as the server would write it.
pub(crate) fn written(message: &Message<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    let time = |micros: i64| (micros - 946_684_800_000_000).to_be_bytes();
    match message {
        Message::Begin(b) => {
            out.push(b'B');
            out.extend(b.final_lsn.get().to_be_bytes());
            out.extend(time(b.committed_at));
            out.extend(b.xid.to_be_bytes());
        }
        Message::Message(m) => {
            out.extend([b'M', u8::from(m.transactional)]);
            out.extend(m.lsn.get().to_be_bytes());
            put_text(&mut out, &m.prefix);
            out.extend((m.content.len() as u32).to_be_bytes());
            out.extend(m.content);
        }
        Message::Origin(o) => {
            out.push(b'O');
            out.extend(o.commit_lsn.get().to_be_bytes());
            put_text(&mut out, &o.name);
        }
        Message::Relation(r) => {
            out.push(b'R');
            out.extend(r.oid.to_be_bytes());
            put_text(&mut out, if r.namespace == "pg_catalog" { "" } else { &r.namespace });
            put_text(&mut out, &r.name);
            out.push(match r.replica_identity {
                ReplicaIdentity::Default => b'd',
                ReplicaIdentity::Nothing => b'n',
                ReplicaIdentity::Full => b'f',
                ReplicaIdentity::Index => b'i',
            });
            out.extend((r.columns.len() as u16).to_be_bytes());
            for column in &r.columns {
                out.push(u8::from(column.is_key));
                put_text(&mut out, &column.name);
                out.extend(column.type_oid.to_be_bytes());
                out.extend(column.type_modifier.to_be_bytes());
            }
        }
        Message::Type(t) => {
            out.push(b'Y');
            out.extend(t.oid.to_be_bytes());
            put_text(&mut out, if t.namespace == "pg_catalog" { "" } else { &t.namespace });
            put_text(&mut out, &t.name);
        }
        Message::Insert(i) => {
            out.push(b'I');
            out.extend(i.relation.to_be_bytes());
            put_row(&mut out, b'N', &i.new);
        }
        Message::Update(u) => {
            out.push(b'U');
            out.extend(u.relation.to_be_bytes());
            if let Some(old) = u.old {
                put_old(&mut out, old);
            }
            put_row(&mut out, b'N', &u.new);
        }
        Message::Delete(d) => {
            out.push(b'D');
            out.extend(d.relation.to_be_bytes());
            put_old(&mut out, d.old);
        }
        Message::Truncate(t) => {
            out.push(b'T');
            out.extend((t.relations().len() as u32).to_be_bytes());
            out.push(u8::from(t.cascade) | u8::from(t.restart_identity) << 1);
            t.relations().for_each(|oid| out.extend(oid.to_be_bytes()));
        }
        Message::Commit(c) => {
            out.extend([b'C', 0]);
            out.extend(c.commit_lsn.get().to_be_bytes());
            out.extend(c.end_lsn.get().to_be_bytes());
            out.extend(time(c.committed_at));
        }
        other => panic!("{other:?} is not written"),
    }
    out
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    out.extend(text.as_bytes());
    out.push(0);
}

fn put_old(out: &mut Vec<u8>, old: OldTuple<'_>) {
    match old {
        OldTuple::Key(key) => put_row(out, b'K', &key),
        OldTuple::Full(full) => put_row(out, b'O', &full),
    }
}

fn put_row(out: &mut Vec<u8>, kind: u8, row: &Tuple<'_>) {
    out.push(kind);
    out.extend((row.len() as u16).to_be_bytes());
    for value in row {
        let (kind, bytes) = match value {
            TupleValue::Null => (b'n', None),
            TupleValue::Unchanged => (b'u', None),
            TupleValue::Text(bytes) => (b't', Some(bytes)),
            TupleValue::Binary(bytes) => (b'b', Some(bytes)),
            other => panic!("{other:?} is not written"),
        };
        out.push(kind);
        if let Some(bytes) = bytes {
            out.extend((bytes.len() as u32).to_be_bytes());
            out.extend(bytes);
        }
    }
}
