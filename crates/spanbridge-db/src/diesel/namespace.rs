//! The name of a database, out of the URL of a connection. Nothing else of the URL is looked at: it may have a password.

/// `None`: there is none, or it is not sure that it is one.
pub(super) fn of_url(url: &str, is_file: bool) -> Option<&str> {
    let name = match url.split_once("://") {
        _ if is_file => return file(url),
        // The host, and who logs in, end at the first slash.
        Some((_, rest)) => rest.split_once('/')?.1,
        None => url.split_ascii_whitespace().find_map(|pair| pair.strip_prefix("dbname="))?,
    };
    // A password with signs that should have been escaped.
    if name.contains('@') {
        return None;
    }
    let name = name.split(['?', '#']).next()?;
    (!name.is_empty() && !name.contains(['\'', '/', ':'])).then_some(name)
}

/// As SQLite calls it: `main` if it is in memory; else the file's name, without directory.
fn file(url: &str) -> Option<&str> {
    let path = url.split('?').next()?.trim_start_matches("file:");
    let name = path.rsplit(['/', '\\']).next()?;
    Some(if name.is_empty() || name == ":memory:" { "main" } else { name })
}

#[cfg(test)]
mod tests {
    use super::of_url;

    #[test]
    fn databases_by_url() {
        for (url, name) in [
            ("postgres://u:secret@db.example.com:5432/shop?sslmode=require", Some("shop")),
            ("postgres://db/", None),
            ("postgres://db", None),
            ("host=db password=secret dbname=shop", Some("shop")),
            ("dbname='my shop' password=secret", None),
            ("mysql://u:secret@127.0.0.1/shop#x", Some("shop")),
            ("postgres://u:sec/ret@db/shop", None),
            ("postgres://u:a/secret?b@db/shop", None),
        ] {
            assert_eq!(of_url(url, false), name, "{url}");
        }
        for (url, name) in [
            (":memory:", "main"),
            ("", "main"),
            ("orders.db", "orders.db"),
            ("/var/lib/orders.db", "orders.db"),
            ("file:data/orders.db?mode=ro", "orders.db"),
            ("file::memory:?cache=shared", "main"),
        ] {
            assert_eq!(of_url(url, true), Some(name), "{url}");
        }
    }
}
