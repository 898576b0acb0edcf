//! The errors of a client, without the URL: reqwest and others print it, with whatever secrets it has.

use super::again::Again;
use super::full_url::without_urls;
use reqwest::Url;
use spanbridge::Failure;
use std::error::Error;
use std::fmt::{self, Display, Write};

/// Maximum number of causes that are followed.
const MAX_CAUSES: usize = 32;

/// Maximum number of bytes of each text.
const MAX_TEXT: usize = 4096;

/// An error of a request to a URL, as it may be recorded: the error and its causes, `outer: inner: root`, without URLs and
/// their parts.
pub(crate) struct TransportError<'a> {
    error: &'a (dyn Error + 'static),
    url: &'a Url,
}

impl<'a> TransportError<'a> {
    pub(crate) fn new(error: &'a (dyn Error + 'static), url: &'a Url) -> Self {
        TransportError { error, url }
    }

    /// As the failure of a span.
    pub(crate) fn failure(&self) -> Failure<'_> {
        Failure::new(self).class(class(self.error))
    }
}

impl Display for TransportError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(again) = Again::among(chain(self.error)) {
            return f.write_str(again.error.message()); // without URLs already, and as it was
        }
        let mut before = String::new();
        for error in chain(self.error) {
            let text = without_urls(&own_text(error), self.url);
            // What wraps another error often says the same.
            if text.is_empty() || before.contains(&text) {
                continue;
            }
            if !before.is_empty() {
                f.write_str(": ")?
            }
            f.write_str(&text)?;
            before = text
        }
        Ok(())
    }
}

/// The class of an error, out of a small set; of a recorded one, that which was recorded.
fn class<'a>(error: &'a (dyn Error + 'static)) -> &'a str {
    if let Some(again) = Again::among(chain(error)) {
        return again.error.class().unwrap_or("_OTHER");
    }
    let Some(error) = chain(error).find_map(of_reqwest) else { return "_OTHER" };
    // Those that say more come first: a connection may time out, and what does not resolve does not connect.
    match error {
        error if error.is_timeout() => "timeout",
        error if error.is_dns() => "dns",
        error if error.is_connect() => "connect",
        error if error.is_redirect() => "redirect",
        error if error.is_builder() => "builder",
        error if error.is_body() => "body",
        error if error.is_decode() => "decode",
        error if error.is_upgrade() => "upgrade",
        error if error.is_request() => "request",
        _ => "_OTHER",
    }
}

/// An error and its causes.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| <dyn Error>::source(*error)).take(MAX_CAUSES)
}

fn of_reqwest<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a reqwest::Error> {
    match error.downcast_ref() {
        Some(reqwest_middleware::Error::Reqwest(error)) => Some(error),
        _ => error.downcast_ref(),
    }
}

/// What an error says itself. reqwest's say at the end for which URL.
fn own_text(error: &(dyn Error + 'static)) -> String {
    let mut text = Bounded { text: String::new(), is_cut: false };
    let _ = write!(text, "{error}");
    let Bounded { mut text, is_cut } = text;
    if is_cut {
        // A part of a secret would not be found.
        text.truncate(text.rfind(char::is_whitespace).unwrap_or_default())
    }
    let url = of_reqwest(error).and_then(reqwest::Error::url);
    match url.and_then(|url| text.strip_suffix(&format!(" for url ({url})"))) {
        Some(rest) => rest.to_owned(),
        None => text,
    }
}

/// Text up to its maximum length.
struct Bounded {
    text: String,
    is_cut: bool,
}

impl Write for Bounded {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let end = (0..=more.len().min(MAX_TEXT - self.text.len())).rev().find(|end| more.is_char_boundary(*end));
        let taken = &more[..end.unwrap_or_default()];
        self.text.push_str(taken);
        self.is_cut |= taken.len() < more.len();
        if self.is_cut { Err(fmt::Error) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An error with this text, and another one as its source.
    #[derive(Debug)]
    struct Says(String, Option<Box<Says>>);

    impl Display for Says {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(&self.0)
        }
    }

    impl Error for Says {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|source| source as _)
        }
    }

    fn shown(error: &Says) -> String {
        TransportError::new(error, &Url::parse("https://h/5ecret-of-the-path").unwrap()).to_string()
    }

    /// Where a text is cut, there may be a part of a secret that nobody would know.
    #[test]
    fn no_text_is_cut_inside_of_a_word() {
        for before in (MAX_TEXT - 20)..(MAX_TEXT + 5) {
            let text = format!("{} 5ecret-of-the-path ä", "x".repeat(before));
            let shown = shown(&Says(text, None));
            assert!(!shown.contains("5ecret") && shown.len() <= MAX_TEXT, "{before}: {}", &shown[shown.len() - 30..]);
        }
        assert_eq!(shown(&Says("x".repeat(2 * MAX_TEXT), None)), "");
    }

    #[test]
    fn causes_are_told_once() {
        let root = Says("refused".to_owned(), None);
        let same = Says("connect: refused".to_owned(), Some(Box::new(root)));
        assert_eq!(shown(&Says("connect: refused".to_owned(), Some(Box::new(same)))), "connect: refused");
    }

    /// However long a chain is, it has an end.
    #[test]
    fn a_long_chain_is_cut() {
        let chain = (0..100).fold(None, |source, n| Some(Box::new(Says(format!("e{n}."), source))));
        assert_eq!(shown(&chain.unwrap()).split(": ").count(), MAX_CAUSES);
    }
}
