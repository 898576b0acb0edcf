//! Describes an item: a line for its signature, and one for each public part.

use proc_macro2::Span;
use quote::ToTokens;
use syn::{Fields, Generics, Ident, Signature, Visibility};

use super::tokens::shown;
use crate::source::{Reach, cfgs, is_hidden, reach};

/// One line of the listing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Line {
    /// The path by which lines are sorted: `spanbridge::Context::trace_id`.
    pub(super) path: String,
    /// The order of lines with the same path: the definition, then what it implements, then re-exports.
    pub(super) rank: u8,
    pub(super) text: String,
    pub(super) cfgs: Vec<String>,
}

impl Line {
    pub(super) fn new(path: &str, text: String, cfgs: &[String]) -> Self {
        Self { path: path.to_owned(), rank: 0, text: text.trim_end().to_owned(), cfgs: cfgs.to_vec() }
    }
}

/// The lines of an item with this path.
pub(super) fn lines(item: &syn::Item, path: &str, conditions: &[String]) -> Vec<Line> {
    let line = |text: String| vec![Line::new(path, text, conditions)];
    match item {
        syn::Item::Fn(item) => match attribute(&item.attrs, |name| name.starts_with("proc_macro")) {
            Some(kind) => line(format!("#[{kind}] {path}")),
            None => line(format!("pub {}", signature(&item.sig, path))),
        },
        syn::Item::Const(item) => line(format!("pub const {path}: {}{}", shown(&item.ty), value(&item.expr))),
        syn::Item::Static(item) => line(format!("pub static {path}: {}", shown(&item.ty))),
        syn::Item::Type(item) => {
            let (generics, bounds) = generics(&item.generics);
            line(format!("pub type {path}{generics} = {}{bounds}", shown(&item.ty)))
        }
        syn::Item::Macro(_) => line(format!("macro {path}!")),
        syn::Item::Struct(item) => structure(item, path, conditions),
        syn::Item::Enum(item) => enumeration(item, path, conditions),
        syn::Item::Trait(item) => trait_(item, path, conditions),
        _ => Vec::new(),
    }
}

/// The signature, with the path in place of the name and without a body.
pub(super) fn signature(signature: &Signature, path: &str) -> String {
    let mut signature = signature.clone();
    for argument in &mut signature.inputs {
        match argument {
            syn::FnArg::Receiver(receiver) => {
                receiver.attrs.clear();
                if receiver.reference.is_none() {
                    receiver.mutability = None;
                }
            }
            syn::FnArg::Typed(argument) => {
                argument.attrs.clear();
                if let syn::Pat::Ident(name) = &mut *argument.pat {
                    name.mutability = None;
                }
            }
        }
    }
    signature.ident = stand_in();
    with_path(&signature, path)
}

const STAND_IN: &str = "__stand_in__";

/// A placeholder for a name, which [`with_path`] replaces.
pub(super) fn stand_in() -> Ident {
    Ident::new(STAND_IN, Span::call_site())
}

/// The code as text, with a path in place of the [`stand_in`].
pub(super) fn with_path(code: &impl ToTokens, path: &str) -> String {
    shown(code).replacen(STAND_IN, path, 1).trim_end().trim_end_matches(',').to_owned()
}

/// The parameters, and the `where` clause with a space before it.
pub(super) fn generics(generics: &Generics) -> (String, String) {
    let (parameters, bounds) = (shown(generics), shown(&generics.where_clause));
    let bounds = bounds.trim_end().trim_end_matches(',');
    (parameters, if bounds.is_empty() { String::new() } else { format!(" {bounds}") })
}

fn structure(item: &syn::ItemStruct, path: &str, conditions: &[String]) -> Vec<Line> {
    let (parameters, bounds) = generics(&item.generics);
    let public = |field: &syn::Field| reach(&field.vis) == Reach::Everybody && !is_hidden(&field.attrs);
    let all_public = item.fields.iter().all(public);
    let body = match &item.fields {
        Fields::Named(_) if all_public => " {}".to_owned(),
        Fields::Named(_) => " { .. }".to_owned(),
        Fields::Unnamed(fields) if !fields.unnamed.iter().any(public) => " { .. }".to_owned(),
        Fields::Unnamed(fields) => {
            let shown = |field: &syn::Field| if public(field) { shown(&field.ty) } else { "_".to_owned() };
            format!("({})", fields.unnamed.iter().map(shown).collect::<Vec<_>>().join(", "))
        }
        Fields::Unit => String::new(),
    };
    let text = format!("{}pub struct {path}{parameters}{body}{bounds}", exhaustive(&item.attrs));
    let mut lines = vec![Line::new(path, text, conditions)];
    for field in item.fields.iter().filter(|field| public(field)) {
        if let Some(name) = &field.ident {
            let path = format!("{path}::{name}");
            let text = format!("pub {path}: {}", shown(&field.ty));
            lines.push(Line::new(&path, text, &[conditions, &cfgs(&field.attrs)].concat()));
        }
    }
    lines
}

fn enumeration(item: &syn::ItemEnum, path: &str, conditions: &[String]) -> Vec<Line> {
    let (parameters, bounds) = generics(&item.generics);
    let text = format!("{}pub enum {path}{parameters}{bounds}", exhaustive(&item.attrs));
    let mut lines = vec![Line::new(path, text, conditions)];
    for variant in item.variants.iter().filter(|variant| !is_hidden(&variant.attrs)) {
        let path = format!("{path}::{}", variant.ident);
        let field = |field: &syn::Field| match &field.ident {
            Some(name) => format!("{name}: {}", shown(&field.ty)),
            None => shown(&field.ty),
        };
        let fields = variant.fields.iter().map(field).collect::<Vec<_>>().join(", ");
        let fields = match &variant.fields {
            Fields::Named(_) => format!(" {{ {fields} }}"),
            Fields::Unnamed(_) => format!("({fields})"),
            Fields::Unit => String::new(),
        };
        let text = format!("{}{path}{fields}", exhaustive(&variant.attrs));
        lines.push(Line::new(&path, text, &[conditions, &cfgs(&variant.attrs)].concat()));
    }
    lines
}

fn trait_(item: &syn::ItemTrait, path: &str, conditions: &[String]) -> Vec<Line> {
    let (parameters, bounds) = generics(&item.generics);
    let above = shown(&item.supertraits);
    let above = if above.is_empty() { above } else { format!(": {above}") };
    let unsafety = if item.unsafety.is_some() { "unsafe " } else { "" };
    let text = format!("pub {unsafety}trait {path}{parameters}{above}{bounds}");
    let mut lines = vec![Line::new(path, text, conditions)];
    for part in &item.items {
        let of = |name: &Ident| format!("{path}::{name}");
        let bounded = |bounds: String| if bounds.is_empty() { bounds } else { format!(": {bounds}") };
        let (path, attributes, text) = match part {
            syn::TraitItem::Fn(part) => {
                let path = of(&part.sig.ident);
                let provided = if part.default.is_some() { " { .. }" } else { "" };
                let text = signature(&part.sig, &path) + provided;
                (path, &part.attrs, text)
            }
            syn::TraitItem::Type(part) => {
                let path = of(&part.ident);
                let text = format!("type {path}{}{}", shown(&part.generics), bounded(shown(&part.bounds)));
                (path, &part.attrs, text)
            }
            syn::TraitItem::Const(part) => {
                let path = of(&part.ident);
                let text = format!("const {path}: {}", shown(&part.ty));
                (path, &part.attrs, text)
            }
            _ => continue,
        };
        if !is_hidden(attributes) {
            lines.push(Line::new(&path, text, &[conditions, &cfgs(attributes)].concat()));
        }
    }
    lines
}

/// The lines of an inherent `impl`. If it does not cover the type with any parameters, `header` shows its first line.
pub(super) fn inherent(item: &syn::ItemImpl, path: &str, header: &str, conditions: &[String]) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut add =
        |name: &Ident, visibility: &Visibility, attributes: &[syn::Attribute], text: &dyn Fn(&str) -> String| {
            if reach(visibility) == Reach::Everybody && !is_hidden(attributes) {
                let path = format!("{path}::{name}");
                let text = format!("pub {}{header}", text(&path));
                lines.push(Line::new(&path, text, &[conditions, &cfgs(attributes)].concat()));
            }
        };
    for part in &item.items {
        match part {
            syn::ImplItem::Fn(part) => {
                add(&part.sig.ident, &part.vis, &part.attrs, &|path| signature(&part.sig, path));
            }
            syn::ImplItem::Const(part) => add(&part.ident, &part.vis, &part.attrs, &|path| {
                format!("const {path}: {}{}", shown(&part.ty), value(&part.expr))
            }),
            _ => {}
        }
    }
    lines
}

/// ` = …`, if the value is a literal.
fn value(expression: &syn::Expr) -> String {
    match expression {
        syn::Expr::Lit(literal) => format!(" = {}", literal.to_token_stream()),
        _ => String::new(),
    }
}

fn exhaustive(attributes: &[syn::Attribute]) -> &'static str {
    if attribute(attributes, |name| name == "non_exhaustive").is_some() { "#[non_exhaustive] " } else { "" }
}

fn attribute(attributes: &[syn::Attribute], wanted: impl Fn(&str) -> bool) -> Option<String> {
    let mut names = attributes.iter().filter_map(|attribute| attribute.path().get_ident()).map(ToString::to_string);
    names.find(|name| wanted(name))
}
