//! Text that other code writes for us, mostly about errors. Its length is limited while it is written, whatever that code does.

use crate::cut::{MAX_TEXT, cut};
use crate::panics;
use std::error::Error;
use std::fmt::{self, Display, Write};

/// The maximum number of causes that are followed, because a chain may be a circle.
const MAX_CAUSES: usize = 32;

/// The bytes that are accepted. One character more than is recorded, so that it is known whether text was cut.
const MAX_SHOWN: usize = MAX_TEXT + 4;

/// Accepts only so much text: an error may have a hundred megabytes.
#[derive(Default)]
struct Bounded(String);

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let taken = cut(text, MAX_SHOWN - self.0.len());
        self.0.push_str(taken);
        if taken.len() < text.len() { Err(fmt::Error) } else { Ok(()) }
    }
}

/// A value as text, cut at 4 KiB while it is made. If making it fails or panics, it is what was made until then.
#[cold]
pub fn shown(value: &dyn Display) -> String {
    written(|text| write!(text, "{value}"))
}

/// The same in the alternate form. In that form, error reports (`anyhow` and the like) include their causes, and errors that wrap
/// another pass it on.
#[cold]
pub(crate) fn told(error: &dyn Display) -> String {
    written(|text| write!(text, "{error:#}"))
}

fn written(write: impl FnOnce(&mut Bounded) -> fmt::Result) -> String {
    let mut text = Bounded::default();
    let _ = panics::caught(|| write(&mut text));
    text.0
}

/// An error and its causes, down to the root: `outer: inner: root`. A cause that the text has already is not repeated.
#[cold]
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = told(&error);
    let mut cause = cause_of(error);
    for _ in 0..MAX_CAUSES {
        let Some(error) = cause.filter(|_| text.len() <= MAX_TEXT) else { break };
        let more = told(&error);
        if !says(&text, &more) {
            text = written(|t| write!(t, "{text}: {more}"))
        }
        cause = cause_of(error)
    }
    text
}

/// The cause of an error, unless asking for it panics.
fn cause_of<'a>(error: &'a (dyn Error + 'a)) -> Option<&'a (dyn Error + 'static)> {
    panics::caught(|| error.source()).ok().flatten()
}

/// Whether `text` contains these words, and not only as a part of other words.
fn says(text: &str, words: &str) -> bool {
    let is_part = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let stands_alone = |(at, _): (usize, &str)| {
        let cut_before = is_part(text[..at].chars().next_back()) && is_part(words.chars().next());
        let cut_behind = is_part(text[at + words.len()..].chars().next()) && is_part(words.chars().next_back());
        !cut_before && !cut_behind
    };
    words.is_empty() || text.match_indices(words).any(stands_alone)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// An error with a text and perhaps a cause.
    #[derive(Debug)]
    struct Because(String, Option<Box<dyn Error + Send + Sync>>);

    impl Display for Because {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(&self.0)
        }
    }

    impl Error for Because {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|cause| cause as &dyn Error)
        }
    }

    /// Errors with these texts, each the cause of the one before it.
    fn because(texts: &[&str]) -> Because {
        let (first, rest) = texts.split_first().unwrap();
        let cause = (!rest.is_empty()).then(|| because(rest).into());
        Because((*first).to_owned(), cause)
    }

    #[test]
    fn causes_are_told_once() {
        let cases: [(&[&str], &str); 7] = [
            (&["send", "connect", "refused"], "send: connect: refused"),
            (&["send: connect", "connect", "refused"], "send: connect: refused"),
            (&["send (refused)", "refused"], "send (refused)"),
            (&["unrefused", "refused"], "unrefused: refused"),
            (&["send", "", "refused"], "send: refused"),
            (&["", "refused"], ": refused"),
            (&["überlastet", "last"], "überlastet: last"),
        ];
        for (texts, told) in cases {
            assert_eq!(chain(&because(texts)), told)
        }
    }

    /// `anyhow` has told its causes in the alternate form, and has them as causes, too.
    #[test]
    fn a_report_tells_its_causes_once() {
        let report = anyhow::Error::from(because(&["connect", "refused"])).context("send");
        assert_eq!(told(&report), "send: connect: refused");
        let error: Box<dyn Error + Send + Sync> =
            anyhow::Error::msg("refused").context("send").context("place the order").into();
        assert_eq!(chain(&*error), "place the order: send: refused");
    }

    #[test]
    fn a_circle_of_causes_has_an_end() {
        #[derive(Debug)]
        struct Own;
        impl Display for Own {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("own cause")
            }
        }
        impl Error for Own {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                Some(&Own)
            }
        }
        assert_eq!(chain(&Own), "own cause");
    }

    /// Also of an error that does not mind that nobody listens any more.
    #[test]
    fn a_text_is_cut_while_it_is_written() {
        struct Endless;
        impl Display for Endless {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("x")?;
                (0..1 << 20).for_each(|_| f.write_str("äöü").unwrap_or_default());
                Ok(())
            }
        }
        let text = shown(&Endless);
        assert!(text.len() > MAX_TEXT && text.len() <= MAX_SHOWN && text.capacity() <= 2 * MAX_SHOWN);
        let long = "long ".repeat(MAX_TEXT);
        let text = chain(&because(&["first", &long, "never"]));
        assert!(text.len() > MAX_TEXT && text.len() <= MAX_SHOWN && text.starts_with("first: long long"));
    }

    #[test]
    fn an_error_may_panic_wherever_it_is_asked() {
        #[derive(Debug)]
        struct Broken(bool);
        impl Display for Broken {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("half")?;
                if self.0 { panic!("on purpose") } else { Ok(()) }
            }
        }
        impl Error for Broken {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                if self.0 { None } else { panic!("on purpose") }
            }
        }
        assert_eq!([chain(&Broken(false)), chain(&Broken(true))], ["half", "half"]);
        let outer = Because("outer".to_owned(), Some(Box::new(Broken(true))));
        assert_eq!(chain(&outer), "outer: half");
    }
}
