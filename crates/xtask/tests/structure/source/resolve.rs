//! Finds what a path in a module leads to, through any number of `use` and `pub use`.

use super::tree::{Name, Tree};

/// What a path leads to. The rest of a path, such as a method, is part of the item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Target {
    Module(usize),
    /// A module, and the index of one of its items.
    Item(usize, usize),
}

/// The imports that are being followed. An import that leads back to itself leads nowhere.
type Followed = Vec<(usize, usize)>;

impl Tree {
    /// Everything that a path may mean in a module. Nothing, if it leads out of the crate.
    pub(crate) fn resolve(&self, module: usize, path: &[String]) -> Vec<Target> {
        let mut targets = self.follow(module, path, &mut Vec::new());
        targets.sort();
        targets.dedup();
        targets
    }

    /// Everything that a name of this module may mean.
    pub(crate) fn lookup(&self, module: usize, name: &str) -> Vec<Target> {
        self.look(module, name, &mut Vec::new())
    }

    /// Everything that a glob imports from a module.
    pub(crate) fn everything(&self, module: usize) -> Vec<Target> {
        let names = self.modules[module].names.iter().filter(|(_, meanings)| {
            meanings.iter().any(|meaning| match meaning {
                Name::Import(import) => self.modules[module].imports[*import].reach > super::Reach::Module,
                Name::Item(_) | Name::Module(_) => true,
            })
        });
        names.flat_map(|(name, _)| self.lookup(module, name)).collect()
    }

    fn follow(&self, module: usize, path: &[String], followed: &mut Followed) -> Vec<Target> {
        let Some((first, mut rest)) = path.split_first() else { return Vec::new() };
        let mut targets = match first.as_str() {
            "crate" | "$crate" => vec![Target::Module(0)],
            "self" => vec![Target::Module(module)],
            "super" => {
                let mut at = self.modules[module].parent;
                while let (Some(module), Some(("super", after))) =
                    (at, rest.split_first().map(|(first, after)| (first.as_str(), after)))
                {
                    (at, rest) = (self.modules[module].parent, after);
                }
                at.map(Target::Module).into_iter().collect()
            }
            "" => Vec::new(),
            name => self.look(module, name, followed),
        };
        for name in rest {
            let step = |target| match target {
                Target::Module(module) => self.look(module, name, followed),
                Target::Item(module, item) if self.has_members(module, item) => vec![target],
                Target::Item(..) => Vec::new(),
            };
            targets = targets.into_iter().flat_map(step).collect();
        }
        targets
    }

    fn look(&self, module: usize, name: &str, followed: &mut Followed) -> Vec<Target> {
        let mut targets = Vec::new();
        let here = &self.modules[module];
        for meaning in here.names.get(name).into_iter().flatten() {
            match *meaning {
                Name::Module(module) => targets.push(Target::Module(module)),
                Name::Item(item) => targets.push(Target::Item(module, item)),
                Name::Import(import) => targets.extend(self.through(module, import, None, followed)),
            }
        }
        if targets.is_empty() {
            let globs = here.imports.iter().enumerate().filter(|(_, import)| import.is_glob());
            for (glob, _) in globs {
                targets.extend(self.through(module, glob, Some(name), followed));
            }
        }
        targets
    }

    /// What an import leads to, or what `name` leads to through a glob.
    fn through(&self, module: usize, import: usize, name: Option<&str>, followed: &mut Followed) -> Vec<Target> {
        if followed.contains(&(module, import)) {
            return Vec::new();
        }
        followed.push((module, import));
        let found = self.follow(module, &self.modules[module].imports[import].path, followed);
        let found = match name {
            None => found,
            Some(name) => {
                let step = |target| match target {
                    Target::Module(module) => self.look(module, name, followed),
                    Target::Item(of, item) => match &self.modules[of].items[item].syntax {
                        syn::Item::Enum(item) if item.variants.iter().any(|variant| variant.ident == name) => {
                            vec![target]
                        }
                        _ => Vec::new(),
                    },
                };
                found.into_iter().flat_map(step).collect()
            }
        };
        followed.pop();
        found
    }

    /// Can a path continue after this item?
    fn has_members(&self, module: usize, item: usize) -> bool {
        use syn::Item::{Enum, Struct, Trait, Type, Union};
        matches!(&self.modules[module].items[item].syntax, Enum(_) | Struct(_) | Trait(_) | Type(_) | Union(_))
    }
}
