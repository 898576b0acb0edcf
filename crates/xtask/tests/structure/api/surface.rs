//! Finds everything in a crate that other crates can use, and the paths to it.

use std::collections::{BTreeMap, VecDeque};

use crate::source::{Import, Name, Reach, Target, Tree, cfgs, is_hidden, reach};

/// Everything that other crates can use.
#[derive(Default)]
pub(super) struct Surface {
    /// Every item and module, with its shortest path.
    pub(super) named: BTreeMap<Target, Named>,
    /// The other paths.
    pub(super) aliases: Vec<Alias>,
}

pub(super) struct Named {
    pub(super) path: String,
    pub(super) cfgs: Vec<String>,
}

pub(super) struct Alias {
    pub(super) path: String,
    /// The path that it leads to, in this crate or in another one.
    pub(super) to: String,
    pub(super) cfgs: Vec<String>,
}

/// Finds the public names of a crate, beginning at its root.
pub(super) fn surface(tree: &Tree, name: &str) -> Surface {
    let mut walk = Walk { tree, surface: Surface::default(), next: VecDeque::new(), other: Vec::new() };
    walk.module(0, name.to_owned(), Vec::new());
    while let Some((module, path, cfgs)) = walk.next.pop_front() {
        walk.names(module, &path, &cfgs);
    }
    for (path, target, cfgs) in walk.other {
        let to = walk.surface.named[&target].path.clone();
        walk.surface.aliases.push(Alias { path, to, cfgs });
    }
    walk.surface
}

struct Walk<'t> {
    tree: &'t Tree,
    surface: Surface,
    /// The modules whose names are still to be visited. Shorter paths come first.
    next: VecDeque<(usize, String, Vec<String>)>,
    other: Vec<(String, Target, Vec<String>)>,
}

impl Walk<'_> {
    fn names(&mut self, module: usize, path: &str, conditions: &[String]) {
        let here = &self.tree.modules[module];
        for (name, meanings) in &here.names {
            let path = format!("{path}::{name}");
            for meaning in meanings {
                match *meaning {
                    Name::Item(item) if is_public(&here.items[item].syntax) => {
                        self.target(Target::Item(module, item), path.clone(), conditions);
                    }
                    Name::Import(import) => self.import(module, &here.imports[import], &path, conditions),
                    Name::Module(child) if self.tree.modules[child].reach == Reach::Everybody => {
                        self.target(Target::Module(child), path.clone(), conditions);
                    }
                    Name::Item(_) | Name::Module(_) => {}
                }
            }
        }
        for import in here.imports.iter().filter(|import| import.is_glob()) {
            self.import(module, import, path, conditions);
        }
        if module == 0 {
            self.exported_macros(path, conditions);
        }
    }

    /// Macros with `#[macro_export]` belong to the root, wherever they are defined.
    fn exported_macros(&mut self, path: &str, conditions: &[String]) {
        for (module, here) in self.tree.modules.iter().enumerate() {
            for (at, item) in here.items.iter().enumerate() {
                if let syn::Item::Macro(syn::ItemMacro { ident: Some(name), attrs, .. }) = &item.syntax
                    && attrs.iter().any(|attribute| attribute.path().is_ident("macro_export"))
                {
                    self.target(Target::Item(module, at), format!("{path}::{name}"), conditions);
                }
            }
        }
    }

    fn import(&mut self, module: usize, import: &Import, path: &str, conditions: &[String]) {
        if import.reach != Reach::Everybody || import.hidden {
            return;
        }
        let conditions = [conditions, &import.cfgs].concat();
        let targets = self.tree.resolve(module, &import.path);
        if targets.is_empty() {
            let to = import.path.join("::") + if import.is_glob() { "::*" } else { "" };
            self.surface.aliases.push(Alias { path: path.to_owned(), to, cfgs: conditions });
            return;
        }
        for target in targets {
            match target {
                Target::Module(module) if import.is_glob() => self.names(module, path, &conditions),
                // One name may mean a function and a private module. Only what is public is exported.
                Target::Module(module) if self.tree.modules[module].reach != Reach::Everybody => {}
                Target::Item(module, item) if !is_public(&self.tree.modules[module].items[item].syntax) => {}
                target => self.target(target, path.to_owned(), &conditions),
            }
        }
    }

    fn target(&mut self, target: Target, path: String, conditions: &[String]) {
        let (module, attributes) = match target {
            Target::Module(module) => (module, &[][..]),
            Target::Item(module, item) => {
                (module, crate::source::attributes(&self.tree.modules[module].items[item].syntax))
            }
        };
        let is_module = matches!(target, Target::Module(_));
        if is_hidden(attributes) || (is_module && self.tree.modules[module].hidden) {
            return;
        }
        let mut all = conditions.to_vec();
        let mut around = Some(module);
        while let Some(module) = around {
            all.extend(self.tree.modules[module].cfgs.iter().cloned());
            around = self.tree.modules[module].parent;
        }
        all.extend(cfgs(attributes));
        all.sort();
        all.dedup();
        match self.surface.named.get(&target) {
            Some(known) if known.path == path => {}
            Some(_) => self.other.push((path, target, all)),
            None if is_module => self.module(module, path, all),
            None => drop(self.surface.named.insert(target, Named { path, cfgs: all })),
        }
    }

    fn module(&mut self, module: usize, path: String, cfgs: Vec<String>) {
        self.next.push_back((module, path.clone(), cfgs.clone()));
        self.surface.named.insert(Target::Module(module), Named { path, cfgs });
    }
}

/// Is the item public in its module?
fn is_public(item: &syn::Item) -> bool {
    let visibility = match item {
        syn::Item::Const(item) => &item.vis,
        syn::Item::Enum(item) => &item.vis,
        syn::Item::Fn(item) => &item.vis,
        syn::Item::Static(item) => &item.vis,
        syn::Item::Struct(item) => &item.vis,
        syn::Item::Trait(item) => &item.vis,
        syn::Item::Type(item) => &item.vis,
        syn::Item::Union(item) => &item.vis,
        _ => return false,
    };
    reach(visibility) == Reach::Everybody
}
