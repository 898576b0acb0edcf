//! The files of the page.

use crate::server::{Running, options, store};
use ureq::http::Method;

#[test]
fn every_path_of_the_page_is_the_page() {
    let (_dir, path) = store();
    let server = Running::at(&path);
    let page = server.get("/");
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    for asked in ["/runs/4bf92f35?span=1&view=tree", "/diff/a/b", "/doctor", "/assets/index.html"] {
        assert_eq!(server.get(asked).text, page.text, "{asked}");
    }
    assert_eq!(server.ask(Method::HEAD, "/", &[]).status, 200);
}

/// Nothing is loaded from elsewhere, and nothing inline, which the content policy would not let in.
#[test]
fn the_page_refers_to_its_own_files() {
    let (_dir, path) = store();
    let server = Running::at(&path);
    let page = server.get("/").text;
    let files: Vec<&str> =
        page.split(['"', '\'']).filter(|part| part.starts_with('/') || part.starts_with("http")).collect();
    assert!(files.len() > 1, "{page}");
    for file in files {
        let reply = server.get(file);
        assert_eq!(reply.status, 200, "{file}");
        assert!(file.starts_with("/assets/") && !reply.header("content-type").starts_with("text/html"), "{file}");
    }
    assert!(!page.contains("<style") && !page.contains("style=") && !page.contains("onclick"), "{page}");
}

#[test]
fn a_file_that_is_known_is_not_sent_again() {
    let (_dir, path) = store();
    let server = Running::at(&path);
    let first = server.get("/assets/app.js");
    assert_eq!(
        (first.header("content-type"), first.header("cache-control")),
        ("text/javascript; charset=utf-8", "no-cache")
    );
    let tag = first.header("etag");
    let again = server.ask(Method::GET, "/assets/app.js", &[("if-none-match", tag)]);
    assert_eq!((again.status, again.text.as_str(), again.header("etag")), (304, "", tag));
    let changed = server.ask(Method::GET, "/assets/app.js", &[("if-none-match", "\"0\"")]);
    assert_eq!((changed.status, changed.text), (200, first.text));
}

#[test]
fn what_the_page_does_not_have_is_not_found() {
    let (dir, path) = store();
    std::fs::write(dir.path().join("secret.txt"), "secret").unwrap();
    let mut from_disk = options(&path);
    from_disk.page = Some(dir.path().join("store"));
    for server in [Running::at(&path), Running::with(from_disk)] {
        for asked in [
            "/assets/nothing.js",
            "/assets/",
            "/assets/../secret.txt",
            "/assets/%2e%2e/secret.txt",
            "/assets//etc/passwd",
        ] {
            let reply = server.get(asked);
            assert!(reply.status == 404 || !reply.text.contains("secret"), "{asked}: {}", reply.text);
        }
    }
}
