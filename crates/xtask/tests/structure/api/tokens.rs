//! Prints code on one line, with the spaces that rustfmt would use.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;

pub(super) fn shown(code: &impl ToTokens) -> String {
    let mut line = Line::default();
    line.stream(code.to_token_stream());
    line.text
}

#[derive(Default)]
struct Line {
    text: String,
    /// No space comes before the next token.
    joined: bool,
}

impl Line {
    fn stream(&mut self, tokens: TokenStream) {
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Group(group) => {
                    let (open, close) = match group.delimiter() {
                        Delimiter::Parenthesis => ("(", ")"),
                        Delimiter::Bracket => ("[", "]"),
                        Delimiter::Brace => ("{ ", " }"),
                        Delimiter::None => ("", ""),
                    };
                    self.word(open);
                    self.stream(group.stream());
                    let text = self.text.trim_end_matches(", ").len();
                    self.text.truncate(text);
                    self.text.push_str(close);
                    self.joined = false;
                }
                TokenTree::Ident(ident) => self.word(&ident.to_string()),
                TokenTree::Literal(literal) => self.word(&literal.to_string()),
                TokenTree::Punct(first) => {
                    let mut mark = first.as_char().to_string();
                    // `->`, `::` and the like are one mark; `>>` are two.
                    while let (proc_macro2::Spacing::Joint, Some(TokenTree::Punct(next))) =
                        (first.spacing(), tokens.peek())
                    {
                        let longer = format!("{mark}{}", next.as_char());
                        if !["->", "::", "=>", "==", "..", "...", "..="].contains(&longer.as_str()) {
                            break;
                        }
                        mark = longer;
                        tokens.next();
                    }
                    self.mark(&mark);
                }
            }
        }
    }

    fn word(&mut self, word: &str) {
        let opens = word == "(" || word == "[";
        let last = self.text.chars().next_back();
        let after_word = last.is_some_and(|last| last.is_alphanumeric() || "_\"}".contains(last));
        let keyword = ["mut", "dyn", "impl", "for", "as", "where", "const", "in"].iter().any(|keyword| {
            self.text.ends_with(keyword) && self.text.rsplit([' ', '(', '<', '&']).next() == Some(keyword)
        });
        let after_close = last.is_some_and(|last| ")]>".contains(last));
        let after_lifetime = self.text.rsplit([' ', '&', '<', '(']).next().is_some_and(is_lifetime);
        let spaced = if opens { keyword || after_lifetime } else { after_word || after_close };
        if spaced && !self.joined {
            self.text.push(' ');
        }
        self.text.push_str(word);
        self.joined = false;
    }

    fn mark(&mut self, mark: &str) {
        match mark {
            "," | ";" | ":" => {
                self.text.push_str(mark);
                self.text.push(' ');
            }
            "->" | "=>" | "=" | "==" | "+" | "|" => {
                let text = self.text.trim_end().len();
                self.text.truncate(text);
                self.text.push(' ');
                self.text.push_str(mark);
                self.text.push(' ');
            }
            "::" | "<" => self.text.push_str(mark),
            ">" => {
                let text = self.text.trim_end_matches(", ").len();
                self.text.truncate(text);
                self.text.push('>');
            }
            // `&`, `*`, `?`, `!`, `'`: what follows sticks to them.
            _ => {
                let last = self.text.chars().next_back();
                if last.is_some_and(|last| last.is_alphanumeric() || last == '>') && mark != "!" {
                    self.text.push(' ');
                }
                self.text.push_str(mark);
                self.joined = true;
                return;
            }
        }
        self.joined = matches!(mark, "::" | "<");
    }
}

fn is_lifetime(word: &str) -> bool {
    word.strip_prefix('\'').is_some_and(|name| name.chars().all(|char| char.is_alphanumeric() || char == '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_shown_as_rustfmt_writes_it() {
        for code in [
            "fn f<'a, T: ?Sized + 'a>(&'a mut self, x: &[u8; 4], y: Option<Vec<(A, B)>>) -> Result<(), E>",
            "fn g(self: Arc<Self>, f: impl FnOnce(&str) -> bool + Send, p: *const u8) -> !",
            "fn h(b: Box<dyn for<'a> Fn(&'a T) -> [u8]>) -> <T as Iterator>::Item where T: Iterator<Item = u8>, U: Copy",
            "fn i<'a>(error: &'a (dyn Error + 'a), pair: (A, B), f: fn(u8) -> ())",
            "impl<const N: usize> From<[u8; N]> for crate::X<'_>",
        ] {
            let tokens: TokenStream = code.parse().unwrap();
            assert_eq!(shown(&tokens), code);
        }
        let tokens: TokenStream = "fn f(\n a: A,\n b: B<C,>,\n) where T: X,".parse().unwrap();
        assert_eq!(shown(&tokens), "fn f(a: A, b: B<C>) where T: X, ");
    }
}
