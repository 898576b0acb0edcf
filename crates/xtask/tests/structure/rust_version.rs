//! A crate that promises to compile with an older Rust does not use a syntax that came later. Clippy knows when a function of
//! the standard library came, but not that `if let … && …` needs Rust 1.88.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::source::{files_below, packages, root};

/// Checks the source of every package that promises less than Rust 1.88.
#[test]
fn let_chains_need_a_newer_rust() {
    let mut problems = Vec::new();
    for package in packages() {
        let directory = root().join(package.directory);
        let manifest = std::fs::read_to_string(directory.join("Cargo.toml")).unwrap();
        if promised(&manifest).is_none_or(|version| version >= [1, 88]) {
            continue;
        }
        for path in files_below(&directory.join("src")) {
            let shown = path.strip_prefix(root()).unwrap().display().to_string();
            let tokens: TokenStream = std::fs::read_to_string(&path).unwrap().parse().unwrap();
            problems.extend(let_chains(tokens).into_iter().map(|line| format!("{shown}:{line}")));
        }
    }
    assert!(problems.is_empty(), "nest these conditions:\n{}", problems.join("\n"));
}

/// The first two numbers of a manifest's `rust-version`.
fn promised(manifest: &str) -> Option<[u32; 2]> {
    let version = manifest.lines().find_map(|line| line.strip_prefix("rust-version = \""))?.trim_end_matches('"');
    let mut numbers = version.split('.').map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => Some([major, minor]),
        _ => panic!("failed to read a rust-version: {version}"),
    }
}

/// The lines of conditions that have a `let` and a `&&` on one level.
fn let_chains(tokens: TokenStream) -> Vec<usize> {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => found.extend(let_chains(group.stream())),
            TokenTree::Ident(word) if word == "if" || word == "while" => {
                let rest = &tokens[at + 1..];
                let end = (0..rest.len()).find(|at| ends_condition(&rest[*at..])).unwrap_or(rest.len());
                let and = rest[..end].windows(2).any(|pair| pair.iter().all(|token| is_punct(token, '&')));
                let has_let = rest[..end].iter().any(|token| matches!(token, TokenTree::Ident(word) if word == "let"));
                if and && has_let {
                    found.push(word.span().start().line);
                }
            }
            _ => {}
        }
    }
    found
}

/// A block, or the arrow after a guard.
fn ends_condition(rest: &[TokenTree]) -> bool {
    match rest {
        [TokenTree::Group(group), ..] => group.delimiter() == Delimiter::Brace,
        [equals, arrow, ..] => is_punct(equals, '=') && is_punct(arrow, '>'),
        _ => false,
    }
}

fn is_punct(token: &TokenTree, which: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == which)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_are_told_from_other_conditions() {
        let source = "fn f() {
            if let Some(a) = b && c { }
            if a && b { }
            while a && let Some(b) = c.next() { }
            if let Some(a) = b.filter(|b| b.x && b.y) { if c && d { } }
            let e = matches!(a, b if c && d);
            match a { b if c == d && e => 1, c => if let Some(d) = e { 2 } else { 3 } }
            if a == b && let Some(c) = d { }
        }";
        assert_eq!(let_chains(source.parse().unwrap()), [2, 4, 8]);
        assert_eq!(promised("[package]\nrust-version = \"1.85\"\n"), Some([1, 85]));
        assert_eq!(promised("[package]\nrust-version = \"1.94.1\"\n"), Some([1, 94]));
        assert_eq!(promised("[package]\n"), None);
    }
}
