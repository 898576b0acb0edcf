//! The public API of each library is committed as text, so a change is seen in review.
//!
//! It is read from the source, without type checking. Signatures show names as the source has them.

mod impls;
mod lines;
mod surface;
mod tokens;

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{Package, Target, Tree, packages, root};
use lines::Line;

/// The libraries. The command line is not one of them.
const LIBRARIES: [&str; 17] = [
    "spanbridge",
    "spanbridge-amqp",
    "spanbridge-clickhouse",
    "spanbridge-db",
    "spanbridge-graph",
    "spanbridge-http",
    "spanbridge-kafka",
    "spanbridge-lambda",
    "spanbridge-macros",
    "spanbridge-otel",
    "spanbridge-parquet",
    "spanbridge-postgres",
    "spanbridge-query",
    "spanbridge-relay",
    "spanbridge-replay",
    "spanbridge-store",
    "spanbridge-tracing",
];

/// The directory of the files, in the repository.
const DIRECTORY: &str = "docs/api";

/// If this variable is set, the test writes the files. `cargo xtask api` sets it.
const WRITE: &str = "SPANBRIDGE_WRITE_API";

#[test]
fn public_api_files_are_up_to_date() {
    let mut report = String::new();
    for package in packages().iter().filter(|package| LIBRARIES.contains(&package.name.as_str())) {
        let file = root().join(DIRECTORY).join(format!("{}.txt", package.name));
        let found = listing(package);
        if std::env::var_os(WRITE).is_some() {
            std::fs::create_dir_all(root().join(DIRECTORY)).unwrap();
            std::fs::write(&file, found).unwrap();
            continue;
        }
        let committed = std::fs::read_to_string(&file).unwrap_or_default();
        if committed != found {
            report += &format!("\n{DIRECTORY}/{}.txt:\n{}", package.name, difference(&committed, &found));
        }
    }
    assert!(
        report.is_empty(),
        "the public API differs from the committed files, which `cargo xtask api` writes\n{report}"
    );
}

/// So that you know a type by its name, wherever you read it.
#[test]
fn names_of_public_types_are_unique() {
    for package in packages().iter().filter(|package| LIBRARIES.contains(&package.name.as_str())) {
        let repeated = repeated_types(&package.trees().remove(0), &package.name.replace('-', "_"));
        assert!(repeated.is_empty(), "different public types of {} have the same name: {repeated:#?}", package.name);
    }
}

/// The paths of public types that have the same name.
fn repeated_types(tree: &Tree, name: &str) -> Vec<BTreeSet<String>> {
    let mut paths: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for (target, named) in surface::surface(tree, name).named {
        use syn::Item::{Enum, Struct, Trait, Type, Union};
        if let Target::Item(module, item) = target
            && let Enum(_) | Struct(_) | Trait(_) | Type(_) | Union(_) = &tree.modules[module].items[item].syntax
        {
            let name = named.path.rsplit("::").next().unwrap_or_default().to_owned();
            paths.entry(name).or_default().insert(named.path);
        }
    }
    paths.into_values().filter(|paths| paths.len() > 1).collect()
}

fn listing(package: &Package) -> String {
    let tree = package.trees().remove(0);
    let mut text = format!("# The public API of {}. `cargo xtask api` writes this file.\n\n", package.name);
    for feature in &package.features {
        text += &format!("feature {feature}\n");
    }
    text + &described(&tree, &package.name.replace('-', "_"))
}

/// One line for everything that other crates can use.
fn described(tree: &Tree, name: &str) -> String {
    let surface = surface::surface(tree, name);
    let mut lines = impls::lines(tree, &surface);
    for (target, named) in &surface.named {
        match *target {
            Target::Module(0) => {}
            Target::Module(_) => lines.push(Line::new(&named.path, format!("pub mod {}", named.path), &named.cfgs)),
            Target::Item(module, item) => {
                lines.extend(lines::lines(&tree.modules[module].items[item].syntax, &named.path, &named.cfgs));
            }
        }
    }
    for alias in &surface.aliases {
        let text = format!("pub use {} = {}", alias.path, alias.to);
        lines.push(Line { rank: 2, ..Line::new(&alias.path, text, &alias.cfgs) });
    }
    let mut grouped: BTreeMap<(Vec<String>, u8, String), BTreeSet<BTreeSet<String>>> = BTreeMap::new();
    for line in lines {
        let path = line.path.split("::").map(str::to_owned).collect();
        grouped.entry((path, line.rank, line.text)).or_default().insert(line.cfgs.into_iter().collect());
    }
    let mut text = String::new();
    for ((.., line), conditions) in grouped {
        for conditions in merged(conditions) {
            let conditions: Vec<_> = conditions.into_iter().collect();
            text += &line;
            if !conditions.is_empty() {
                text += &format!("  [{}]", conditions.join(", "));
            }
            text.push('\n');
        }
    }
    text
}

/// Simplifies the conditions of one line: what is there both with a feature and without it is always there.
fn merged(mut all: BTreeSet<BTreeSet<String>>) -> BTreeSet<BTreeSet<String>> {
    let opposite = |a: &BTreeSet<String>, b: &BTreeSet<String>| {
        let differing: Vec<_> = a.symmetric_difference(b).collect();
        matches!(&differing[..], [one, other] if **one == format!("not {other}") || **other == format!("not {one}"))
    };
    while let Some((a, b)) =
        all.iter().find_map(|a| all.iter().find(|b| opposite(a, b)).map(|b| (a.clone(), b.clone())))
    {
        all.remove(&a);
        all.remove(&b);
        all.insert(a.intersection(&b).cloned().collect());
    }
    // A weaker condition makes the stronger ones superfluous.
    let weaker = |set: &BTreeSet<String>| all.iter().any(|other| other != set && other.is_subset(set));
    all.iter().filter(|set| !weaker(set)).cloned().collect()
}

/// The lines that only one of the two texts has.
fn difference(committed: &str, found: &str) -> String {
    let (old, new): (BTreeSet<_>, BTreeSet<_>) = (committed.lines().collect(), found.lines().collect());
    let gone = committed.lines().filter(|line| !new.contains(line)).map(|line| format!("- {line}\n"));
    let come = found.lines().filter(|line| !old.contains(line)).map(|line| format!("+ {line}\n"));
    gone.chain(come).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> Tree {
        let text = |path: &str| files.iter().find(|(name, _)| *name == path).map(|(_, text)| (*text).to_owned());
        Tree::read("src/lib.rs", &text).unwrap()
    }

    fn api(files: &[(&str, &str)]) -> String {
        described(&tree(files), "demo")
    }

    /// A type under two conditions, a re-export, and a function of a type's name are fine.
    #[test]
    fn types_of_one_name_are_reported() {
        let source = "pub mod a { pub struct Same; pub struct Other; } pub mod b { pub enum Same {} pub fn Other() {} }
                      pub use a::Other; #[cfg(unix)] pub struct Here; #[cfg(not(unix))] pub struct Here(u8);";
        let repeated = repeated_types(&tree(&[("src/lib.rs", source)]), "demo");
        assert_eq!(repeated, [BTreeSet::from(["demo::a::Same".to_owned(), "demo::b::Same".to_owned()])]);
    }

    #[test]
    fn items_are_listed_by_their_public_paths() {
        let api = api(&[
            (
                "src/lib.rs",
                "mod inner; mod make; pub mod shown; #[doc(hidden)] pub mod hidden { pub fn f() {} } mod private { pub fn f() {} }
                 pub use inner::Thing; pub use make::make; #[cfg(feature = \"x\")] pub use std::sync::Arc as Shared;
                 #[macro_export] macro_rules! exported { () => {} } pub(crate) fn g() {}",
            ),
            (
                "src/inner.rs",
                "/// Docs.\n#[derive(Debug, Clone)] #[non_exhaustive] pub struct Thing<'a> { pub name: &'a str, count: u8 }
                 impl<'a> Thing<'a> { pub const MOST: usize = 3; pub fn count(mut self, more : u8,) -> u8 { 0 } fn own() {}
                   #[doc(hidden)] pub fn hidden(&self) {} #[cfg(feature = \"x\")] pub async fn later(&self) {} }
                 impl<'a> Thing<'a> where &'a str: Send { pub fn sent(&self) {} }
                 impl std::ops::Deref for Thing<'_> { type Target = str; fn deref(&self) -> &str { self.name } }
                 impl Sealed for Thing<'_> {} trait Sealed {}
                 pub fn not_re_exported() {}",
            ),
            (
                "src/make.rs",
                "pub fn make<T: Into<String>>(x: T) -> Result<(), Box<dyn std::error::Error + Send>> where T: Copy, { todo!() }",
            ),
            (
                "src/shown.rs",
                "pub use crate::inner::Thing; pub use crate::make; pub trait Ext: Sized { type Out; fn a(self) -> Self::Out; fn b(&self) {} }
                 impl<T> Ext for Vec<T> { type Out = T; fn a(self) -> T { todo!() } }
                 pub enum Kind { One, Two(u8, String), #[doc(hidden)] Three, Four { at: usize } }
                 #[cfg(feature = \"x\")] pub const N: &str = \"n\"; #[cfg(not(feature = \"x\"))] pub const N: &str = \"n\";
                 pub struct Pair(pub u8, u8);",
            ),
        ]);
        insta::assert_snapshot!(api, @r#"
        pub use demo::Shared = std::sync::Arc  [x]
        #[non_exhaustive] pub struct demo::Thing<'a> { .. }
        impl Clone for demo::Thing
        impl Debug for demo::Thing
        impl Deref for demo::Thing<'_> { type Target = str }
        pub const demo::Thing::MOST: usize = 3
        pub fn demo::Thing::count(self, more: u8) -> u8
        pub async fn demo::Thing::later(&self)  [x]
        pub demo::Thing::name: &'a str
        pub fn demo::Thing::sent(&self) in impl<'a> demo::Thing<'a> where &'a str: Send
        macro demo::exported!
        pub fn demo::make<T: Into<String>>(x: T) -> Result<(), Box<dyn std::error::Error + Send>> where T: Copy
        pub mod demo::shown
        pub trait demo::shown::Ext: Sized
        impl<T> demo::shown::Ext for Vec<T> { type Out = T }
        type demo::shown::Ext::Out
        fn demo::shown::Ext::a(self) -> Self::Out
        fn demo::shown::Ext::b(&self) { .. }
        pub enum demo::shown::Kind
        demo::shown::Kind::Four { at: usize }
        demo::shown::Kind::One
        demo::shown::Kind::Two(u8, String)
        pub const demo::shown::N: &str = "n"
        pub struct demo::shown::Pair(u8, _)
        pub use demo::shown::Thing = demo::Thing
        pub use demo::shown::make = demo::make
        "#);
    }

    #[test]
    fn types_that_a_macro_makes_are_listed() {
        let api = api(&[(
            "src/lib.rs",
            "macro_rules! id { ($name:ident) => { #[derive(Copy)] pub struct $name(u64); impl $name { pub fn get(self) -> u64 { 0 } } }; }
             id!(TraceId); id!(SpanId);",
        )]);
        insta::assert_snapshot!(api, @r#"
        pub struct demo::SpanId { .. }
        impl Copy for demo::SpanId
        pub fn demo::SpanId::get(self) -> u64
        pub struct demo::TraceId { .. }
        impl Copy for demo::TraceId
        pub fn demo::TraceId::get(self) -> u64
        "#);
    }

    #[test]
    fn a_change_is_shown_by_its_lines() {
        assert_eq!(difference("a\nb\nc\n", "a\nc\nd\n"), "- b\n+ d\n");
    }
}
