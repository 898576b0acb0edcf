//! What a handler answers, as Lambda is told it.

use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A handler's answer. Where it was captured it is written already, so that it is not written twice.
#[derive(Debug)]
pub struct Answer<B>(State<B>);

#[derive(Debug)]
enum State<B> {
    Plain(B),
    Written(Box<RawValue>),
}

impl<B> Answer<B> {
    pub(crate) fn new(answer: B) -> Self {
        Answer(State::Plain(answer))
    }
}

impl<B: Serialize> Answer<B> {
    /// Writes it, and gives what was written. What cannot be written is left to who writes it otherwise, and says so.
    pub(crate) fn write(&mut self) -> Option<&[u8]> {
        if let State::Plain(answer) = &self.0 {
            let written = catch_unwind(AssertUnwindSafe(|| to_raw_value(answer)));
            self.0 = State::Written(written.ok()?.ok()?)
        }
        match &self.0 {
            State::Written(json) => Some(json.get().as_bytes()),
            State::Plain(_) => None,
        }
    }
}

impl<B: Serialize> Serialize for Answer<B> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            State::Plain(answer) => answer.serialize(serializer),
            State::Written(json) => json.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn it_is_the_same_to_the_byte() {
        fn check<B: Serialize>(answer: impl Fn() -> B) {
            let (plain, mut written) = (serde_json::to_vec(&answer()).unwrap(), Answer::new(answer()));
            assert_eq!(serde_json::to_vec(&Answer::new(answer())).unwrap(), plain);
            assert_eq!(written.write(), Some(&*plain));
            assert_eq!(serde_json::to_vec(&written).unwrap(), plain);
        }
        check(|| ());
        check(|| "\u{2028}\"\\ü\0");
        check(|| (1.0, f64::NAN, u64::MAX, -0.0));
        check(|| serde_json::json!({"a": [1, {"b": null}]}));
        check(|| RawValue::from_string(" { \"a\" : 1 } ".trim().to_owned()).unwrap());
    }

    #[test]
    fn what_cannot_be_written_says_so_as_ever() {
        let no_json = || BTreeMap::from([((1, 2), 3)]);
        let mut answer = Answer::new(no_json());
        assert!(answer.write().is_none());
        let error = serde_json::to_vec(&answer).unwrap_err().to_string();
        assert_eq!(error, serde_json::to_vec(&no_json()).unwrap_err().to_string());

        struct Panics;
        impl Serialize for Panics {
            fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
                panic!("on purpose")
            }
        }
        assert!(Answer::new(Panics).write().is_none());
    }
}
