//! Finds out which file of a crate uses which.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

use crate::source::{Reach, Target, Tree, imports, is_test};

/// A line of one file that uses another file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Edge {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) line: usize,
}

/// Every pair of files where one uses the other, with the first line that does.
///
/// A file uses another one if a `use` line or a path in its code leads there, through any number of re-exports. A re-export by
/// itself uses nothing, and neither does `mod x;`.
pub(crate) fn edges(tree: &Tree) -> Vec<Edge> {
    let mut first = BTreeMap::new();
    for (at, module) in tree.modules.iter().enumerate() {
        let mut uses = Uses::of(tree, at);
        for import in module.imports.iter().filter(|import| import.reach == Reach::Module) {
            uses.import(&import.path, import.is_glob(), import.line);
        }
        for item in &module.items {
            uses.call = item.call;
            uses.bound.clear();
            uses.brought.clear();
            Bindings(&mut uses.bound).visit_item(&item.syntax);
            // Those are the module's imports.
            if !matches!(item.syntax, syn::Item::Use(_)) {
                uses.visit_item(&item.syntax);
            }
        }
        for (to, line) in uses.found {
            let earliest = first.entry((module.file, to)).or_insert(line);
            *earliest = line.min(*earliest);
        }
    }
    let pairs = first.into_iter().filter(|((from, to), _)| from != to);
    pairs.map(|((from, to), line)| Edge { from, to, line }).collect()
}

/// The paths in the code of one module.
struct Uses<'t> {
    tree: &'t Tree,
    module: usize,
    /// The line of the macro call, if a macro has generated the code.
    call: Option<usize>,
    /// The variables of the item. They hide the module's names.
    bound: BTreeSet<String>,
    /// The names that a `use` inside the item imports.
    brought: BTreeMap<String, Vec<String>>,
    /// The files that are used, and the lines that use them.
    found: Vec<(usize, usize)>,
}

impl<'t> Uses<'t> {
    fn of(tree: &'t Tree, module: usize) -> Self {
        Self { tree, module, call: None, bound: BTreeSet::new(), brought: BTreeMap::new(), found: Vec::new() }
    }

    fn import(&mut self, path: &[String], glob: bool, line: usize) {
        for target in self.tree.resolve(self.module, path) {
            match target {
                Target::Module(module) if glob => {
                    for target in self.tree.everything(module) {
                        self.target(target, line);
                    }
                }
                target => self.target(target, line),
            }
        }
    }

    fn target(&mut self, target: Target, line: usize) {
        // Importing a module uses nothing yet. Where something in it is used, there is a path.
        if let Target::Item(module, _) = target {
            self.found.push((self.tree.modules[module].file, self.call.unwrap_or(line)));
        }
    }

    fn path(&mut self, path: &[String], line: usize) {
        if let [name] = path
            && (name == "Self" || self.bound.contains(name))
        {
            return;
        }
        let brought = path.first().and_then(|first| self.brought.get(first));
        let path = brought.map(|from| [from, &path[1..]].concat()).unwrap_or_else(|| path.to_vec());
        for target in self.tree.resolve(self.module, &path) {
            self.target(target, line);
        }
    }

    /// Looks for paths in the arguments of a macro. Their syntax is the macro's own.
    fn tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        let is = |at: usize, char| matches!(tokens.get(at), Some(TokenTree::Punct(p)) if p.as_char() == char);
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            at += 1;
            match token {
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Ident(first) => {
                    let of_a_value = at > 1 && is(at - 2, '.');
                    let mut path = vec![first.to_string()];
                    while let (true, true, Some(TokenTree::Ident(next))) =
                        (is(at, ':'), is(at + 1, ':'), tokens.get(at + 2))
                    {
                        path.push(next.to_string());
                        at += 3;
                    }
                    let is_call = matches!(tokens.get(at), Some(TokenTree::Group(_))) || is(at, '!');
                    let is_type = path[0].starts_with(char::is_uppercase);
                    if !of_a_value && (path.len() > 1 || is_call || is_type) {
                        self.path(&path, first.span().start().line);
                    }
                }
                _ => {}
            }
        }
    }
}

impl<'a> Visit<'a> for Uses<'_> {
    fn visit_path(&mut self, path: &'a syn::Path) {
        if path.leading_colon.is_none() {
            let names: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            self.path(&names, path.segments[0].ident.span().start().line);
        }
        visit::visit_path(self, path);
    }

    fn visit_expr_path(&mut self, expression: &'a syn::ExprPath) {
        // `<Type>::name` names nothing but the type.
        match &expression.qself {
            Some(of) if of.position == 0 => self.visit_qself(of),
            _ => visit::visit_expr_path(self, expression),
        }
    }

    fn visit_macro(&mut self, call: &'a syn::Macro) {
        visit::visit_macro(self, call);
        self.tokens(call.tokens.clone());
    }

    fn visit_item_use(&mut self, item: &'a syn::ItemUse) {
        for import in imports(item) {
            self.import(&import.path, import.is_glob(), import.line);
            self.brought.insert(import.name, import.path);
        }
    }

    fn visit_item(&mut self, item: &'a syn::Item) {
        let attributes = match item {
            syn::Item::Fn(item) => &item.attrs,
            syn::Item::Impl(item) => &item.attrs,
            syn::Item::Use(item) => &item.attrs,
            syn::Item::Mod(item) => &item.attrs,
            _ => return visit::visit_item(self, item),
        };
        if !is_test(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'a syn::ImplItemFn) {
        if !is_test(&function.attrs) {
            visit::visit_impl_item_fn(self, function);
        }
    }

    /// `pub(in crate::x)` uses nothing.
    fn visit_vis_restricted(&mut self, _: &'a syn::VisRestricted) {}

    fn visit_attribute(&mut self, _: &'a syn::Attribute) {}
}

/// The variables that an item binds.
struct Bindings<'b>(&'b mut BTreeSet<String>);

impl<'a> Visit<'a> for Bindings<'_> {
    fn visit_pat_ident(&mut self, pattern: &'a syn::PatIdent) {
        let name = pattern.ident.to_string();
        // A constant in a pattern looks the same.
        if name.starts_with(|first: char| first.is_lowercase() || first == '_') {
            self.0.insert(name);
        }
        visit::visit_pat_ident(self, pattern);
    }
}
