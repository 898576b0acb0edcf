//! What has no meaning over a database says what to do instead; and no password is said.

use crate::program::said;
use crate::server::options;
use spanbridge_cli::serve::{ErrorKind, Server};

/// Nobody listens there, and none of these needs to know it.
const NOBODY: &str = "clickhouse://ada:secret@127.0.0.1:1/spans?cluster=main";

#[test]
fn a_database_has_means_of_its_own() {
    for (args, means) in [
        (&["compact"] as &[&str], "fold the store: ClickHouse merges by itself"),
        (&["check"], "check the store: ClickHouse checks its parts by itself"),
        (&["check", "--rebuild", "--yes"], "check the store: ClickHouse checks its parts by itself"),
        (&["backup", "copy"], "back up the store: use ClickHouse's backups"),
        (&["prune", "--max-size", "1GiB"], "prune the store: a database drops whole days and does not go by size"),
        (&["serve", "--keep", "1GiB", "--listen", "0"], "remove old runs: a database drops whole days"),
    ] {
        let (code, out, error) = said(NOBODY, args);
        assert_eq!((code, &*out), (Some(2), ""), "{args:?}: {error}");
        assert!(error.starts_with(&format!("spanbridge: failed to {means}")), "{args:?}: {error}");
        assert!(error.lines().count() == 1 && !error.contains("secret"), "{args:?}: {error}");
    }
}

/// Whatever is asked, and however it fails.
#[test]
fn a_password_is_in_no_message() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let file = file.path().to_str().unwrap();
    for args in [
        &["runs"] as &[&str],
        &["trace", "4bf92f35"],
        &["debug", "4bf92f35"],
        &["why", "4bf92f35"],
        &["diff", "4bf92f35", "4bf92f36"],
        &["doctor"],
        &["state", "history", "orders", "1"],
        &["state", "blame", "orders", "1"],
        &["replay", "4bf92f35"],
        &["export"],
        &["import", file],
        &["tail"],
        &["tui"],
        &["serve", "--listen", "0"],
        &["runs", "--format", "json"],
    ] {
        for db in [NOBODY, "clickhouse://ada:secret@127.0.0.1:no/spans", "clickhouse://ada:secret@db?secret=secret"] {
            let (code, out, error) = said(db, args);
            assert!(matches!(code, Some(2 | 3)), "{args:?}: {code:?} {error}");
            assert!(!out.contains("secret") && !error.contains("secret"), "{args:?}: {out}{error}");
        }
    }
}

/// It does not go by the size of a database; and what a server is told is shown without the password.
#[test]
fn a_server_removes_nothing_from_a_database() {
    let mut keeping = options(NOBODY.as_ref());
    keeping.keep_bytes = Some(1 << 30);
    assert!(!format!("{keeping:?}").contains("secret"));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let error = runtime.block_on(Server::bind(keeping)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Keep);
    let error = runtime.block_on(Server::bind(options(NOBODY.as_ref()))).unwrap_err();
    assert!(
        error.to_string().contains("127.0.0.1:1 did not answer") && !error.to_string().contains("secret"),
        "{error}"
    );
}
