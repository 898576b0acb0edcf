//! The name of a test says in a few words what the test shows. The story is in its doc comment.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::source::{files_below, root};

/// The maximum length of a test's name, in characters.
const LONGEST: usize = 45;

/// Checks every test in the repository, including those that a macro generates.
#[test]
fn names_of_tests_are_short() {
    let mut long = Vec::new();
    for path in files_below(&root()) {
        let shown = path.strip_prefix(root()).unwrap().display().to_string();
        let text = std::fs::read_to_string(&path).unwrap();
        let tokens: TokenStream = text.parse().unwrap_or_else(|error| panic!("{shown}: {error}"));
        for (name, line) in tests(tokens).into_iter().filter(|(name, _)| name.len() > LONGEST) {
            long.push(format!("{shown}:{line}: {name} has {} characters", name.len()));
        }
    }
    assert!(long.is_empty(), "a test's name has at most {LONGEST} characters:\n{}", long.join("\n"));
}

/// The names of the test functions, and their lines.
fn tests(tokens: TokenStream) -> Vec<(String, usize)> {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let mut found = Vec::new();
    // Is the next function marked as a test?
    let mut marked = false;
    for (at, token) in tokens.iter().enumerate() {
        match (token, tokens.get(at + 1)) {
            (TokenTree::Punct(hash), Some(TokenTree::Group(attribute))) if hash.as_char() == '#' => {
                marked |= attribute.delimiter() == Delimiter::Bracket && is_test(attribute.stream());
            }
            (TokenTree::Ident(word), Some(TokenTree::Ident(name))) if word == "fn" && marked => {
                found.push((name.to_string(), name.span().start().line));
                marked = false;
            }
            (TokenTree::Group(group), _) => found.extend(tests(group.stream())),
            _ => {}
        }
    }
    found
}

/// Is this the content of `#[test]`, `#[tokio::test]` or `#[tokio::test(flavor = …)]`?
fn is_test(attribute: TokenStream) -> bool {
    let path = attribute.into_iter().take_while(|token| !matches!(token, TokenTree::Group(_)));
    path.last().is_some_and(|last| last.to_string() == "test")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_found_wherever_they_stand() {
        let source = "fn helper() {} #[test] fn a() {} mod m { #[tokio::test(start_paused = true)] #[cfg(unix)] pub async fn b() {} } \
                      proptest! { #![proptest_config(x)] #[test] fn c(x in 0..9) { } } #[cfg(test)] fn d() {} \
                      #[test]\n#[should_panic = \"no\"]\nfn e() { fn inner() {} }";
        let found: Vec<_> =
            tests(source.parse().unwrap()).into_iter().map(|(name, line)| format!("{name}:{line}")).collect();
        assert_eq!(found, ["a:1", "b:1", "c:1", "e:3"]);
    }
}
