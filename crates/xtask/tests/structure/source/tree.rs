//! The modules of a crate, found from its root by `mod x;`, and what each defines.

use std::collections::BTreeMap;

use syn::spanned::Spanned;

use super::attributes::{cfgs, is_hidden, is_test};
use super::import::{Import, Reach, imports, reach};
use super::macros;

/// The source of one library or program.
pub(crate) struct Tree {
    /// The root comes first.
    pub(crate) modules: Vec<Module>,
    /// Paths in the package: `src/lib.rs`.
    pub(crate) files: Vec<String>,
}

pub(crate) struct Module {
    /// The path from the root. The root's own is empty.
    pub(crate) path: Vec<String>,
    pub(crate) file: usize,
    pub(crate) parent: Option<usize>,
    pub(crate) items: Vec<Item>,
    pub(crate) imports: Vec<Import>,
    pub(crate) names: BTreeMap<String, Vec<Name>>,
    pub(crate) reach: Reach,
    pub(crate) cfgs: Vec<String>,
    pub(crate) hidden: bool,
}

/// What a name means in a module. It may mean several things: a function and a module, or definitions under different
/// conditions.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Name {
    Module(usize),
    /// The index among the module's items.
    Item(usize),
    /// The index among the module's imports.
    Import(usize),
}

pub(crate) struct Item {
    pub(crate) syntax: syn::Item,
    /// The line of the macro call, if a macro has generated it.
    pub(crate) call: Option<usize>,
}

impl Tree {
    /// Reads the crate with this root. `text` reads a file by its path.
    pub(crate) fn read(root: &str, text: &dyn Fn(&str) -> Option<String>) -> Result<Self, String> {
        let mut reader = Reader { tree: Self { modules: Vec::new(), files: Vec::new() }, text, pending: Vec::new() };
        let file = reader.file(root)?;
        let directory = parent(root).to_owned();
        let module = Module::new(Vec::new(), file, None, Reach::Everybody, &[]);
        reader.pending.push((module, reader.parse(file)?, directory));
        while let Some((module, items, directory)) = reader.pending.pop() {
            reader.module(module, items, &directory)?;
        }
        let mut tree = reader.tree;
        macros::expand(&mut tree)?;
        for module in 0..tree.modules.len() {
            tree.name(module);
        }
        Ok(tree)
    }

    /// Enters the names that a module's items and imports define.
    fn name(&mut self, module: usize) {
        let path = self.modules[module].path.clone();
        let children = self.modules.iter().enumerate().filter(|(_, child)| child.parent == Some(module));
        let children: Vec<_> = children.map(|(at, child)| (child.path[path.len()].clone(), at)).collect();
        let module = &mut self.modules[module];
        for (name, at) in children {
            module.names.entry(name).or_default().push(Name::Module(at));
        }
        for (at, item) in module.items.iter().enumerate() {
            if let Some(name) = defined(&item.syntax) {
                module.names.entry(name).or_default().push(Name::Item(at));
            }
        }
        for (at, import) in module.imports.iter().enumerate() {
            if !import.is_glob() && import.name != "_" {
                module.names.entry(import.name.clone()).or_default().push(Name::Import(at));
            }
        }
    }
}

impl Module {
    fn new(path: Vec<String>, file: usize, parent: Option<usize>, reach: Reach, attributes: &[syn::Attribute]) -> Self {
        let (cfgs, hidden) = (cfgs(attributes), is_hidden(attributes));
        let (items, imports, names) = Default::default();
        Self { path, file, parent, items, imports, names, reach, cfgs, hidden }
    }

    /// Adds an item of a file or of a macro.
    pub(super) fn add(&mut self, syntax: syn::Item, call: Option<usize>) {
        if let syn::Item::Use(item) = &syntax {
            let line = |import: Import| Import { line: call.unwrap_or(import.line), ..import };
            self.imports.extend(imports(item).into_iter().map(line));
        }
        self.items.push(Item { syntax, call });
    }
}

struct Reader<'t> {
    tree: Tree,
    text: &'t dyn Fn(&str) -> Option<String>,
    /// Modules that are not in the tree yet, with their items and the directory of their children's files.
    pending: Vec<(Module, Vec<syn::Item>, String)>,
}

impl Reader<'_> {
    fn file(&mut self, path: &str) -> Result<usize, String> {
        self.tree.files.push(path.to_owned());
        Ok(self.tree.files.len() - 1)
    }

    fn parse(&self, file: usize) -> Result<Vec<syn::Item>, String> {
        let path = &self.tree.files[file];
        let text = (self.text)(path).ok_or_else(|| format!("failed to read {path}"))?;
        let parsed = syn::parse_file(&text);
        parsed.map(|file| file.items).map_err(|error| format!("failed to parse {path}: {error}"))
    }

    fn module(&mut self, mut module: Module, items: Vec<syn::Item>, directory: &str) -> Result<(), String> {
        let at = self.tree.modules.len();
        for item in items {
            if is_test(attributes(&item)) {
                continue;
            }
            let syn::Item::Mod(child) = item else {
                module.add(item, None);
                continue;
            };
            let name = child.ident.to_string();
            let path = [module.path.as_slice(), std::slice::from_ref(&name)].concat();
            let below = join(directory, &name);
            let (file, items, below) = match child.content {
                Some((_, items)) => (module.file, items, below),
                None => {
                    let candidates = [format!("{below}.rs"), join(&below, "mod.rs")];
                    let found = candidates.into_iter().find(|path| (self.text)(path).is_some());
                    let found = found.ok_or_else(|| {
                        format!("failed to find the file of `mod {name}` in {}", self.tree.files[module.file])
                    })?;
                    let file = self.file(&found)?;
                    (file, self.parse(file)?, below)
                }
            };
            let child = Module::new(path, file, Some(at), reach(&child.vis), &child.attrs);
            self.pending.push((child, items, below));
        }
        self.tree.modules.push(module);
        Ok(())
    }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(directory, _)| directory)
}

fn join(directory: &str, name: &str) -> String {
    if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") }
}

pub(crate) fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Enum(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Macro(item) => &item.attrs,
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Static(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Trait(item) => &item.attrs,
        syn::Item::Type(item) => &item.attrs,
        syn::Item::Union(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        syn::Item::ExternCrate(item) => &item.attrs,
        _ => &[],
    }
}

fn defined(item: &syn::Item) -> Option<String> {
    Some(match item {
        syn::Item::Const(item) => item.ident.to_string(),
        syn::Item::Enum(item) => item.ident.to_string(),
        syn::Item::Fn(item) => item.sig.ident.to_string(),
        syn::Item::Macro(item) => item.ident.as_ref()?.to_string(),
        syn::Item::Static(item) => item.ident.to_string(),
        syn::Item::Struct(item) => item.ident.to_string(),
        syn::Item::Trait(item) => item.ident.to_string(),
        syn::Item::Type(item) => item.ident.to_string(),
        syn::Item::Union(item) => item.ident.to_string(),
        _ => return None,
    })
}

/// The line where something begins.
pub(super) fn line(spanned: &impl Spanned) -> usize {
    spanned.span().start().line
}
