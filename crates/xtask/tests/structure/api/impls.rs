//! Lists the methods and traits of public types, and the types that implement public traits.

use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::{GenericParam, Token};

use super::lines::{Line, generics, inherent, stand_in, with_path};
use super::surface::Surface;
use super::tokens::shown;
use crate::source::{Target, Tree, cfgs, is_hidden};

/// The lines of every `impl` and `derive`.
pub(super) fn lines(tree: &Tree, surface: &Surface) -> Vec<Line> {
    let mut lines = Vec::new();
    for (at, module) in tree.modules.iter().enumerate() {
        for (number, item) in module.items.iter().enumerate() {
            match &item.syntax {
                syn::Item::Impl(item) if !is_hidden(&item.attrs) => {
                    lines.extend(implementation(tree, surface, at, item))
                }
                syn::Item::Struct(item) => lines.extend(derived(surface, Target::Item(at, number), &item.attrs)),
                syn::Item::Enum(item) => lines.extend(derived(surface, Target::Item(at, number), &item.attrs)),
                _ => {}
            }
        }
    }
    lines
}

fn implementation(tree: &Tree, surface: &Surface, module: usize, item: &syn::ItemImpl) -> Vec<Line> {
    let named = |path: &syn::Path| {
        let path: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        let targets = tree.resolve(module, &path);
        (!targets.is_empty(), targets.iter().find_map(|target| surface.named.get(target)))
    };
    let of = match &*item.self_ty {
        syn::Type::Path(of) => named(&of.path).1,
        syn::Type::Reference(of) => match &*of.elem {
            syn::Type::Path(of) => named(&of.path).1,
            _ => None,
        },
        _ => None,
    };
    let mut conditions = cfgs(&item.attrs);
    let mut around = Some(module);
    while let Some(module) = around {
        conditions.extend(tree.modules[module].cfgs.iter().cloned());
        around = tree.modules[module].parent;
    }
    conditions.extend(of.iter().flat_map(|of| of.cfgs.iter().cloned()));
    let (parameters, bounds) = generics(&item.generics);
    let this = |path: &str| named_in_full(&item.self_ty, path);
    let Some((negative, name, _)) = &item.trait_ else {
        let Some(of) = of else { return Vec::new() };
        let header = match is_general(item) {
            true => String::new(),
            false => format!(" in impl{parameters} {}{bounds}", this(&of.path)),
        };
        return inherent(item, &of.path, &header, &conditions);
    };
    let (is_ours, known) = named(name);
    // Nobody outside can name this trait.
    let (place, subject) = match (of, known) {
        (_, None) if is_ours => return Vec::new(),
        (Some(of), _) => (of.path.clone(), this(&of.path)),
        (None, Some(known)) => (known.path.clone(), shown(&item.self_ty)),
        (None, None) => return Vec::new(),
    };
    conditions.extend(known.iter().flat_map(|known| known.cfgs.iter().cloned()));
    let implemented = match known {
        Some(known) => named_in_full(&syn::Type::Path(syn::TypePath { qself: None, path: name.clone() }), &known.path),
        None => short(name),
    };
    let types = item.items.iter().filter_map(|part| match part {
        syn::ImplItem::Type(part) => Some(format!("type {} = {}", part.ident, shown(&part.ty))),
        _ => None,
    });
    let types = types.collect::<Vec<_>>().join("; ");
    let types = if types.is_empty() { types } else { format!(" {{ {types} }}") };
    let negative = if negative.is_some() { "!" } else { "" };
    let text = format!("impl{parameters} {negative}{implemented} for {subject}{bounds}{types}");
    vec![Line { rank: 1, ..Line::new(&place, text, &conditions) }]
}

fn derived(surface: &Surface, of: Target, attributes: &[syn::Attribute]) -> Vec<Line> {
    let Some(of) = surface.named.get(&of) else { return Vec::new() };
    let mut lines = Vec::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("derive")) {
        let traits = attribute.parse_args_with(Punctuated::<syn::Path, Token![,]>::parse_terminated);
        for name in traits.into_iter().flatten() {
            let text = format!("impl {} for {}", short(&name), of.path);
            lines.push(Line { rank: 1, ..Line::new(&of.path, text, &of.cfgs) });
        }
    }
    lines
}

/// Does this `impl` cover the type with any parameters?
fn is_general(item: &syn::ItemImpl) -> bool {
    let bounded = item.generics.params.iter().any(|parameter| match parameter {
        GenericParam::Type(parameter) => !parameter.bounds.is_empty(),
        GenericParam::Lifetime(parameter) => !parameter.bounds.is_empty(),
        GenericParam::Const(_) => false,
    });
    let syn::Type::Path(of) = &*item.self_ty else { return false };
    let arguments = of.path.segments.last().map(|last| last.arguments.to_token_stream().to_string());
    let names = item.generics.params.iter().map(|parameter| match parameter {
        GenericParam::Type(parameter) => parameter.ident.to_string(),
        GenericParam::Lifetime(parameter) => parameter.lifetime.to_string(),
        GenericParam::Const(parameter) => parameter.ident.to_string(),
    });
    let names: Vec<_> = names.collect();
    let plain = |text: String| text.replace([' ', '<', '>', ','], "").replace("'_", "");
    let general = plain(arguments.unwrap_or_default()) == names.concat();
    !bounded && item.generics.where_clause.is_none() && general
}

/// The last segment of a foreign trait's path: `Debug` for `std::fmt::Debug`.
fn short(path: &syn::Path) -> String {
    path.segments.last().map(shown).unwrap_or_default()
}

/// The type, with its full path in place of the one in the source.
fn named_in_full(of: &syn::Type, path: &str) -> String {
    let mut of = of.clone();
    let inner = match &mut of {
        syn::Type::Reference(of) => &mut *of.elem,
        other => other,
    };
    if let syn::Type::Path(inner) = inner
        && let Some(mut last) = inner.path.segments.last().cloned()
    {
        last.ident = stand_in();
        inner.path = last.into();
    }
    with_path(&of, path)
}
