//! Reads `use` lines: one import for each name.

use syn::spanned::Spanned;
use syn::{ItemUse, UseTree, Visibility};

use super::attributes::{cfgs, is_hidden};

/// Who may use something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reach {
    Module,
    /// Other modules of the crate: `pub(crate)`, `pub(super)` or the like.
    Crate,
    Everybody,
}

pub(crate) fn reach(visibility: &Visibility) -> Reach {
    match visibility {
        Visibility::Public(_) => Reach::Everybody,
        Visibility::Restricted(_) => Reach::Crate,
        Visibility::Inherited => Reach::Module,
    }
}

/// One name that is imported into a module.
#[derive(Debug, Clone)]
pub(crate) struct Import {
    /// The path to it. A leading `::` is an empty first segment.
    pub(crate) path: Vec<String>,
    /// The name that it has here; `*` for everything in `path`.
    pub(crate) name: String,
    pub(crate) reach: Reach,
    pub(crate) line: usize,
    pub(crate) cfgs: Vec<String>,
    pub(crate) hidden: bool,
}

impl Import {
    pub(crate) fn is_glob(&self) -> bool {
        self.name == "*"
    }
}

/// The imports of a `use`.
pub(crate) fn imports(item: &ItemUse) -> Vec<Import> {
    let mut path = Vec::new();
    if item.leading_colon.is_some() {
        path.push(String::new());
    }
    let mut found = Vec::new();
    leaves(&item.tree, &mut path, &mut |path, name, line| {
        found.push(Import {
            path: path.to_vec(),
            name,
            reach: reach(&item.vis),
            line,
            cfgs: cfgs(&item.attrs),
            hidden: is_hidden(&item.attrs),
        })
    });
    found
}

fn leaves(tree: &UseTree, path: &mut Vec<String>, each: &mut impl FnMut(&[String], String, usize)) {
    let line = tree.span().start().line;
    match tree {
        UseTree::Path(step) => {
            path.push(step.ident.to_string());
            leaves(&step.tree, path, each);
            path.pop();
        }
        UseTree::Group(group) => group.items.iter().for_each(|tree| leaves(tree, path, each)),
        UseTree::Glob(_) => each(path, "*".to_owned(), line),
        UseTree::Name(leaf) if leaf.ident == "self" => {
            each(path, path.last().cloned().unwrap_or_default(), line);
        }
        UseTree::Name(leaf) => named(&leaf.ident, leaf.ident.to_string(), path, line, each),
        UseTree::Rename(leaf) if leaf.ident == "self" => each(path, leaf.rename.to_string(), line),
        UseTree::Rename(leaf) => named(&leaf.ident, leaf.rename.to_string(), path, line, each),
    }
}

fn named(
    ident: &syn::Ident,
    name: String,
    path: &mut Vec<String>,
    line: usize,
    each: &mut impl FnMut(&[String], String, usize),
) {
    path.push(ident.to_string());
    each(path, name, line);
    path.pop();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_of_a_use_is_an_import() {
        let item = syn::parse_str("pub(crate) use a::{self, b::{C as D, *}, e::self as f, _x as _};").unwrap();
        let found: Vec<_> =
            imports(&item).iter().map(|import| format!("{} as {}", import.path.join("::"), import.name)).collect();
        assert_eq!(found, ["a as a", "a::b::C as D", "a::b as *", "a::e as f", "a::_x as _"]);
        assert!(imports(&item).iter().all(|import| import.reach == Reach::Crate));
        assert_eq!(imports(&syn::parse_str("use ::serde::Serialize;").unwrap())[0].path, ["", "serde", "Serialize"]);
    }
}
