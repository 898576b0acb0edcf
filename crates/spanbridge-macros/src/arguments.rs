//! What is written between the parentheses of the attribute.

use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Result};
use syn::{Error, Expr, ExprLit, Ident, Lit, LitStr, Path, Token, parenthesized, parse_quote};

const KEYS: &str = "`name`, `primitive`, `kind`, `attributes` or `crate`";
const KINDS: [(&str, &str); 5] = [
    ("internal", "Internal"),
    ("server", "Server"),
    ("client", "Client"),
    ("producer", "Producer"),
    ("consumer", "Consumer"),
];

pub(crate) struct Arguments {
    pub(crate) name: Option<Expr>,
    pub(crate) primitive: Option<Expr>,
    /// The variant of `Kind`.
    pub(crate) kind: Option<Ident>,
    pub(crate) attributes: Vec<Attribute>,
    /// Where spanbridge is.
    pub(crate) krate: Path,
}

pub(crate) struct Attribute {
    pub(crate) key: LitStr,
    pub(crate) form: Form,
    pub(crate) value: Expr,
}

/// How a value is recorded.
pub(crate) enum Form {
    /// As what it is.
    Value,
    /// As text known at compile time.
    Static,
    /// As text, by `Display`.
    Display,
    /// As text, by `Debug`.
    Debug,
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let (mut name, mut primitive, mut kind, mut attributes, mut krate) = (None, None, None, None, None);
        while !input.is_empty() {
            let key = input.call(Ident::parse_any)?;
            match key.to_string().as_str() {
                "name" => once(&mut name, &key, value(input)?)?,
                "primitive" => once(&mut primitive, &key, value(input)?)?,
                "kind" => once(&mut kind, &key, variant(&value(input)?)?)?,
                "crate" => once(&mut krate, &key, value(input)?)?,
                "attributes" => once(&mut attributes, &key, list(input)?)?,
                "skip" | "skip_all" => {
                    return Err(Error::new(
                        key.span(),
                        "there is nothing to skip: only what `attributes(…)` names is captured",
                    ));
                }
                "fields" => {
                    return Err(Error::new(key.span(), "attributes are given as `attributes(key = value, …)`"));
                }
                _ => return Err(Error::new(key.span(), format!("unknown key `{key}`, expected {KEYS}"))),
            }
            if input.is_empty() {
                break;
            }
            input.parse::<Token![,]>()?;
        }
        let krate = krate.unwrap_or_else(|| parse_quote!(::spanbridge));
        Ok(Arguments { name, primitive, kind, attributes: attributes.unwrap_or_default(), krate })
    }
}

fn value<T: Parse>(input: ParseStream<'_>) -> Result<T> {
    input.parse::<Token![=]>()?;
    input.parse()
}

fn once<T>(slot: &mut Option<T>, key: &Ident, value: T) -> Result<()> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(Error::new(key.span(), format!("`{key}` is given twice"))),
    }
}

fn variant(kind: &LitStr) -> Result<Ident> {
    let text = kind.value();
    match KINDS.iter().find(|(name, _)| *name == text) {
        Some((_, variant)) => Ok(Ident::new(variant, kind.span())),
        None => Err(Error::new(
            kind.span(),
            format!("unknown kind `{text}`, expected `internal`, `server`, `client`, `producer` or `consumer`"),
        )),
    }
}

fn list(input: ParseStream<'_>) -> Result<Vec<Attribute>> {
    let content;
    parenthesized!(content in input);
    Ok(content.parse_terminated(Attribute::parse, Token![,])?.into_iter().collect())
}

impl Parse for Attribute {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let key = key(input)?;
        input.parse::<Token![=]>()?;
        let form = if input.parse::<Option<Token![%]>>()?.is_some() {
            Form::Display
        } else if input.parse::<Option<Token![?]>>()?.is_some() {
            Form::Debug
        } else {
            Form::Value
        };
        let value = input.parse()?;
        let form = match (form, &value) {
            (Form::Value, Expr::Lit(ExprLit { lit: Lit::Str(_), .. })) => Form::Static,
            (form, _) => form,
        };
        Ok(Attribute { key, form, value })
    }
}

/// `order.id` or `"order-id"`. What is a word of the language may be a part of a key.
fn key(input: ParseStream<'_>) -> Result<LitStr> {
    if input.peek(LitStr) {
        return input.parse();
    }
    if !input.peek(Ident::peek_any) {
        return Err(input.error("expected the attribute's key: `order.id = …` or `\"order-id\" = …`"));
    }
    let first = input.call(Ident::parse_any)?;
    let (mut text, span): (String, Span) = (first.unraw().to_string(), first.span());
    while input.parse::<Option<Token![.]>>()?.is_some() {
        text.push('.');
        text.push_str(&input.call(Ident::parse_any)?.unraw().to_string());
    }
    Ok(LitStr::new(&text, span))
}
