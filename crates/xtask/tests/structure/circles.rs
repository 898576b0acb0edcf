//! No two files of a crate use each other, not even through a third.
//!
//! So you can read a file after the files that it uses, and change it without changing them.

use crate::graph::{Circle, circles};
use crate::imports::edges;
use crate::source::{Package, Tree, packages, root};

/// Checks the source of every crate of the workspace, without its tests.
#[test]
fn no_two_files_use_each_other() {
    let mut report = String::new();
    for package in packages() {
        for tree in package.trees() {
            for circle in circles(&edges(&tree)) {
                report += &listing(&package, &tree, &circle);
            }
        }
    }
    assert!(report.is_empty(), "{report}");
}

/// The files of a circle, and lines that lead around it.
fn listing(package: &Package, tree: &Tree, circle: &Circle) -> String {
    let count = circle.files.len();
    let mut listing = format!("\n{}: {count} files use each other:\n", package.directory);
    for &file in &circle.files {
        listing += &format!("  {}\n", tree.files[file]);
    }
    listing += "by these lines, of which the last closes the circle:\n";
    for edge in &circle.way {
        let text = line_of(&package.directory, &tree.files[edge.from], edge.line);
        listing += &format!("  {}:{} → {}   {text}\n", tree.files[edge.from], edge.line, tree.files[edge.to]);
    }
    listing
}

/// A line of a file of the workspace.
pub(crate) fn line_of(directory: &str, file: &str, line: usize) -> String {
    let text = std::fs::read_to_string(root().join(directory).join(file)).unwrap_or_default();
    text.lines().nth(line - 1).unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The circles of a small crate: for each, its files and the lines that lead around it.
    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let text = |path: &str| files.iter().find(|(name, _)| *name == path).map(|(_, text)| (*text).to_owned());
        let tree = Tree::read("src/lib.rs", &text).unwrap();
        let edges = edges(&tree);
        let name = |file: usize| tree.files[file].trim_start_matches("src/");
        let shown = |circle: Circle| {
            let steps = circle.way.iter().map(|edge| format!("{}:{}", name(edge.from), edge.line));
            let files: Vec<_> = circle.files.iter().map(|&file| name(file)).collect();
            format!("{} by {}", files.join(" "), steps.collect::<Vec<_>>().join(" "))
        };
        circles(&edges).into_iter().map(shown).collect()
    }

    #[test]
    fn two_that_import_each_other() {
        let found = found(&[
            ("src/lib.rs", "mod a;\nmod b;"),
            ("src/a.rs", "\nuse crate::b::B;\npub(crate) struct A(B);"),
            ("src/b.rs", "pub(crate) struct B;\nfn f(a: &super::a::A) {}"),
        ]);
        assert_eq!(found, ["a.rs b.rs by a.rs:2 b.rs:2"]);
    }

    #[test]
    fn three_of_which_one_names_a_module() {
        let found = found(&[
            ("src/lib.rs", "pub mod a; mod b; mod c;"),
            ("src/a.rs", "use crate::b;\npub fn a() { b::b() }"),
            ("src/b.rs", "pub(crate) fn b() { assert!(crate::c::c()); }"),
            ("src/c.rs", "use super::a::a as other;\npub(crate) fn c() -> bool { other(); true }"),
        ]);
        assert_eq!(found, ["a.rs b.rs c.rs by a.rs:2 b.rs:1 c.rs:1"]);
    }

    /// `a` uses what the root re-exports from `b`, under another name and by a glob.
    #[test]
    fn one_through_re_exports() {
        for line in ["pub use b::B as Renamed;", "pub use inner::*; mod inner { pub use crate::b::B as Renamed; }"] {
            let found = found(&[
                ("src/lib.rs", &format!("mod a; mod b;\n{line}")),
                ("src/a.rs", "pub struct A(crate::Renamed);"),
                ("src/b.rs", "pub struct B;\nimpl From<crate::a::A> for B { }"),
            ]);
            assert_eq!(found, ["a.rs b.rs by a.rs:1 b.rs:2"], "{line}");
        }
    }

    /// A parent that uses its child, and a child that uses its parent.
    #[test]
    fn a_module_and_its_child() {
        let (parent, child) = ("mod x;\npub use x::X;\npub const N: u8 = 1;", "pub struct X([u8; super::N as usize]);");
        let with = |parent: &str| found(&[("src/lib.rs", "mod p;"), ("src/p/mod.rs", parent), ("src/p/x.rs", child)]);
        // It re-exports it and does not use it.
        assert_eq!(with(parent), [""; 0]);
        assert_eq!(with(&format!("{parent}\nfn f(_: X) {{}}")), ["p/mod.rs p/x.rs by p/mod.rs:4 p/x.rs:1"]);
        assert_eq!(with(&format!("{parent}\nfn f() {{ g!(x::X) }}")), ["p/mod.rs p/x.rs by p/mod.rs:4 p/x.rs:1"]);
    }

    #[test]
    fn what_is_made_by_a_macro_counts() {
        let found = found(&[
            ("src/lib.rs", "macro_rules! make { ($name:ident) => { pub struct $name(crate::b::B); }; } mod a; mod b;"),
            ("src/a.rs", "\nmake!(A);"),
            ("src/b.rs", "use crate::a::A;\npub struct B(Option<Box<A>>);"),
        ]);
        assert_eq!(found, ["a.rs b.rs by a.rs:2 b.rs:1"]);
    }

    /// Tests, documentation, a variable with a function's name, a method and a visibility use nothing.
    #[test]
    fn what_is_no_use() {
        let found = found(&[
            ("src/lib.rs", "mod a; mod b; pub use a::a; fn f(a: u8) -> u8 { g(|x| x.a()); a }"),
            ("src/a.rs", "use crate::b::B;\npub fn a(_: B) {}"),
            (
                "src/b.rs",
                "/// See [`crate::a::a`].\npub struct B { pub(in crate::b) a: u8 }\n\
                 #[cfg(test)]\nmod tests { use crate::a::a; }\n\
                 #[cfg(test)]\nuse crate::a::a;\n#[test]\nfn t() { crate::a::a() }\n\
                 impl B { #[cfg(test)] fn x() { crate::a::a() } fn y(&self) { <u8>::a(); self.a.a() } }",
            ),
        ]);
        assert_eq!(found, [""; 0]);
    }
}
