//! Functions that are not async.

use crate::{inner, tree};
use spanbridge::observe;
use std::borrow::Cow;
use std::fmt::Display;
use std::num::ParseIntError;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;

/// An error that cannot say what it is.
struct Mute;

/// An error that leaves its cause to who asks for it.
#[derive(Debug)]
struct Caused(ParseIntError);

impl Display for Caused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("read the port")
    }
}

impl std::error::Error for Caused {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

type Alias = std::io::Result<u8>;

#[observe]
fn parse(text: &str) -> Result<u8, ParseIntError> {
    if text == "seven" {
        return Ok(7);
    }
    let n: u8 = text.parse()?;
    inner();
    Ok(n)
}

#[test]
fn errors_and_early_returns_are_recorded() {
    assert_eq!(tree::of(|| parse("8")), "parse ok\n  inner ok\n");
    assert_eq!(tree::of(|| parse("seven")), "parse ok\n");
    assert_eq!(tree::of(|| parse("x")), "parse error (invalid digit found in string)\n");
}

#[test]
fn any_error_is_an_error() {
    #[observe]
    fn mute(fail: bool) -> Result<(), Mute> {
        if fail { Err(Mute) } else { Ok(()) }
    }
    #[observe]
    fn alias() -> Alias {
        Err(std::io::Error::other("io"))
    }
    #[observe]
    fn boxed() -> Result<(), Box<dyn std::error::Error>> {
        parse("")?;
        Ok(())
    }
    #[observe]
    fn caused() -> Result<(), Caused> {
        Err(Caused("x".parse::<u8>().unwrap_err()))
    }
    #[observe]
    fn report() -> anyhow::Result<()> {
        Err(anyhow::Error::from(Caused("x".parse::<u8>().unwrap_err())).context("start"))
    }
    #[observe]
    fn generic<T, E>(error: E) -> Result<T, E> {
        Err(error)
    }
    #[observe]
    fn shown<E: Display>(error: E) -> Result<(), E> {
        Err(error)
    }
    assert_eq!(tree::of(|| mute(true)), "mute error\n");
    assert_eq!(tree::of(|| mute(false)), "mute ok\n");
    assert_eq!(tree::of(alias), "alias error (io)\n");
    assert_eq!(
        tree::of(boxed),
        "boxed error (cannot parse integer from empty string)\n  parse error (cannot parse integer from empty string)\n"
    );
    assert_eq!(tree::of(caused), "caused error (read the port: invalid digit found in string)\n");
    assert_eq!(tree::of(report), "report error (start: read the port: invalid digit found in string)\n");
    assert_eq!(tree::of(|| generic::<u8, _>("not known to be shown")), "generic error\n");
    assert_eq!(tree::of(|| shown("shown")), "shown error (shown)\n");
}

#[test]
fn a_value_says_how_it_went_by_outcome() {
    struct Answer(Option<&'static str>);
    impl spanbridge::Outcome for Answer {
        fn failure(&self) -> Option<spanbridge::Failure<'_>> {
            self.0.as_ref().map(spanbridge::Failure::new)
        }
    }
    #[observe]
    fn answer(text: Option<&'static str>) -> Answer {
        Answer(text)
    }
    #[observe]
    fn number() -> u8 {
        1
    }
    #[observe]
    fn nothing() -> Option<u8> {
        None
    }
    assert_eq!(tree::of(|| answer(Some("no"))), "answer error (no)\n");
    assert_eq!(tree::of(|| answer(None)), "answer ok\n");
    assert_eq!(tree::of(number), "number ok\n");
    assert_eq!(tree::of(nothing), "nothing ok\n");
}

#[test]
fn a_panic_goes_on() {
    #[observe]
    fn outer() -> u8 {
        fails(&[])
    }
    #[observe]
    fn fails(of: &[u8]) -> u8 {
        assert!(!of.is_empty(), "nothing there");
        of[0]
    }
    assert_eq!(tree::panicked(outer), ("nothing there".to_owned(), "outer panicked\n  fails panicked\n".to_owned()));
}

#[test]
fn never() {
    #[observe]
    fn never(text: &str) -> ! {
        panic!("{text}")
    }
    assert_eq!(tree::panicked(|| never("gone")), ("gone".to_owned(), "never panicked\n".to_owned()));
}

struct Store {
    names: Vec<String>,
    label: Label,
}

/// Cannot be copied.
struct Label(String);

impl Store {
    fn new() -> Self {
        Store { names: vec!["a".to_owned(), "b".to_owned()], label: Label("l".to_owned()) }
    }

    #[observe]
    fn first(&mut self) -> Option<&mut String> {
        if self.names.is_empty() {
            return None;
        }
        self.names.first_mut()
    }

    #[observe]
    fn at(&mut self, index: usize) -> Result<&mut String, Cow<'_, str>> {
        let size = self.names.len();
        self.names.get_mut(index).ok_or_else(|| Cow::Owned(format!("{index} of {size}")))
    }

    #[observe]
    fn iter(&self) -> impl Iterator<Item = &str> + '_ {
        self.names.iter().map(String::as_str)
    }

    #[observe]
    fn reversed<'s>(&'s self, prefix: &str) -> Result<impl Iterator<Item = &'s str>, ParseIntError> {
        let skip: usize = prefix.parse()?;
        Ok(self.names.iter().rev().skip(skip).map(String::as_str))
    }

    #[observe]
    fn dynamic(&self) -> Box<dyn Iterator<Item = impl Display + '_> + '_> {
        Box::new(self.names.iter())
    }

    #[observe]
    fn push(&mut self, mut name: String, (before, after): (char, char)) -> &mut Self {
        name.insert(0, before);
        name.push(after);
        self.names.push(name);
        self
    }

    #[observe]
    fn into_label(self) -> Label {
        self.label
    }

    #[observe]
    fn boxed(self: Box<Self>) -> Vec<String> {
        self.names
    }

    #[observe]
    fn shared(self: &Rc<Self>) -> Rc<Self> {
        Rc::clone(self)
    }

    #[observe]
    fn pinned(mut self: Pin<&mut Self>) -> Pin<&mut Label> {
        self.as_mut().get_mut().names.clear();
        Pin::new(&mut self.get_mut().label)
    }

    #[observe]
    fn renamed(mut self, label: &str) -> Self {
        self.label.0 = label.to_owned();
        self
    }
}

#[test]
fn methods_borrow_and_consume_as_before() {
    let text = tree::of(|| {
        let mut store = Store::new();
        store.first().expect("one").push('!');
        assert_eq!(store.at(0).map(|s| s.clone()), Ok("a!".to_owned()));
        assert_eq!(store.at(7).map(|s| s.clone()), Err("7 of 2".into()));
        assert_eq!(store.iter().collect::<Vec<_>>(), ["a!", "b"]);
        assert_eq!(store.reversed("1").map(Iterator::collect::<Vec<_>>), Ok(vec!["a!"]));
        assert!(store.reversed("-").is_err());
        assert_eq!(store.dynamic().count(), 2);
        assert_eq!(store.push("c".to_owned(), ('<', '>')).names[2], "<c>");
        assert_eq!(Pin::new(&mut store).pinned().0, "l");
        assert!(store.first().is_none());
        assert_eq!(store.renamed("m").into_label().0, "m");
        assert_eq!(Box::new(Store::new()).boxed().len(), 2);
        assert_eq!(Rc::new(Store::new()).shared().names.len(), 2);
    });
    let expected = [
        "first ok",
        "at ok",
        "at error (7 of 2)",
        "iter ok",
        "reversed ok",
        "reversed error (invalid digit found in string)",
        "dynamic ok",
        "push ok",
        "pinned ok",
        "first ok",
        "renamed ok",
        "into_label ok",
        "boxed ok",
        "shared ok",
        "",
    ];
    assert_eq!(text, expected.join("\n"));
}

#[observe]
fn longer<'a>(a: &'a str, b: &'a str, _: &str) -> &'a str {
    if a.len() < b.len() { b } else { a }
}

#[observe]
fn same(text: &str) -> &str {
    text
}

#[observe]
fn sum<const N: usize, T>(numbers: [T; N]) -> T
where
    T: Copy + std::iter::Sum<T>,
{
    numbers.iter().copied().sum()
}

#[observe]
fn adder<'a>(n: &'a u32, unused: &str) -> impl Fn(u32) -> u32 + use<'a> {
    let _ = unused;
    move |m| n + m
}

#[observe]
fn cutter(from: usize) -> impl Fn(&str) -> &str {
    move |text| &text[from..]
}

#[observe]
fn sizes() -> impl Fn(&str) -> usize {
    inner();
    |text| text.trim().len()
}

#[observe]
fn apply(f: impl FnOnce(&str) -> usize, text: &str) -> usize {
    f(text)
}

#[observe]
fn count_down(mut n: u32) -> u32 {
    let mut steps = 0;
    while n > 0 {
        n /= 2;
        steps += 1;
    }
    steps
}

#[observe]
fn choose(up: bool) -> Box<dyn Fn(&str) -> String> {
    if up { Box::new(str::to_uppercase) } else { Box::new(str::to_lowercase) }
}

struct Bytes<'a>(&'a mut [u8]);

impl<'a> Iterator for Bytes<'a> {
    type Item = &'a mut u8;

    #[observe]
    fn next(&mut self) -> Option<Self::Item> {
        let (first, rest) = std::mem::take(&mut self.0).split_first_mut()?;
        self.0 = rest;
        Some(first)
    }
}

struct Dropped;

impl Drop for Dropped {
    fn drop(&mut self) {}
}

#[observe]
fn a_part_of(mut pair: (Dropped, String)) -> String {
    pair.1.push('!');
    pair.1
}

#[observe]
fn nested<'a, 'b: 'a, T>(text: &'a &'b T) -> &'a T
where
    T: std::fmt::Debug + ?Sized + 'b,
{
    text
}

#[observe]
fn r#loop() {}

#[test]
fn lifetimes_generics_and_arguments() {
    let text = tree::of(|| {
        assert_eq!(longer("a", "bc", ""), "bc");
        assert_eq!(same("a"), "a");
        assert_eq!(sum([1, 2, 3]), 6);
        assert_eq!(adder(&1, "")(3), 4);
        assert_eq!(cutter(1)("ab"), "b");
        assert_eq!(sizes()(" abc"), 3);
        assert_eq!(apply(str::len, "abc"), 3);
        assert_eq!(count_down(8), 4);
        assert_eq!(choose(true)("a"), "A");
        assert_eq!(Bytes(&mut [7]).next(), Some(&mut 7));
        assert_eq!(a_part_of((Dropped, "a".to_owned())), "a!");
        assert_eq!(nested(&"a"), "a");
        r#loop();
    });
    assert_eq!(
        text,
        "longer ok\nsame ok\nsum ok\nadder ok\ncutter ok\nsizes ok\n  inner ok\napply ok\ncount_down ok\nchoose ok\nnext ok\na_part_of ok\nnested ok\nloop ok\n"
    );
}

/// Documented, and kept.
#[observe]
#[must_use]
#[inline(never)]
pub(crate) unsafe extern "C" fn raw(pointer: *const u8) -> u8 {
    #![expect(unsafe_op_in_unsafe_fn, reason = "an attribute inside of the body")]
    *pointer
}

trait Named {
    const NAME: &'static str;

    #[observe(name = Self::NAME)]
    fn named(&self) -> &'static str {
        Self::NAME
    }

    fn other(&self) -> Option<&Self>;
}

impl Named for u8 {
    const NAME: &'static str = "of u8";

    #[observe]
    fn other(&self) -> Option<&Self> {
        Some(self)
    }
}

macro_rules! by_macro {
    ($name:ident, $ty:ty, $value:expr) => {
        #[observe]
        fn $name() -> $ty {
            $value
        }
    };
}
by_macro!(made, Result<u8, &'static str>, Err("made"));

#[test]
fn keywords_attributes_traits_and_macros() {
    let text = tree::of(|| {
        // SAFETY: it points to a byte.
        assert_eq!(unsafe { raw(&7) }, 7);
        assert_eq!(1u8.named(), "of u8");
        assert_eq!(1u8.other(), Some(&1));
        assert_eq!(made(), Err("made"));
    });
    assert_eq!(text, "raw ok\nof u8 ok\nother ok\nmade error (made)\n");
}

#[observe]
#[track_caller]
fn caller() -> &'static Location<'static> {
    inner();
    Location::caller()
}

#[observe]
#[track_caller]
fn check(yes: bool) {
    if yes {
        return;
    }
    panic!("no");
}

#[observe]
#[track_caller]
fn never_here() -> ! {
    panic!("never")
}

#[test]
fn track_caller_still_does() {
    let ((line, location), text) = tree::with(|| (line!(), caller()));
    assert_eq!((line, location.file()), (location.line(), file!()));
    assert_eq!(text, "caller ok\n  inner ok\n");
    assert_eq!(tree::of(|| check(true)), "check ok\n");
    assert_eq!(tree::panicked(|| check(false)), ("no".to_owned(), "check panicked\n".to_owned()));
    assert_eq!(tree::panicked(|| never_here()).1, "never_here panicked\n");
}

#[test]
fn a_destructor_that_a_panic_runs_may_go_well() {
    struct Tidy;
    impl Drop for Tidy {
        #[observe(name = "tidy")]
        fn drop(&mut self) {
            tracked();
        }
    }
    #[observe]
    #[track_caller]
    fn tracked() {}
    #[observe]
    fn fails() {
        let _tidy = Tidy;
        panic!("no");
    }
    assert_eq!(tree::panicked(fails).1, "fails panicked\n  tidy ok\n    tracked ok\n");
}
