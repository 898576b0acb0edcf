//! The function that the attribute is on, and how its work can be wrapped.

use crate::types::{self, as_future, is_closure};
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::parse::{Parse, ParseStream, Result};
use syn::token::Brace;
use syn::{AttrStyle, Attribute, Error, ReturnType, Signature, Token, Type, Visibility, braced};

/// A function whose body was not looked into: what is in there is the compiler's business.
pub(crate) struct Function {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    pub(crate) brace: Brace,
    pub(crate) body: TokenStream,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        for keyword in ["impl", "trait", "mod", "struct", "enum", "static", "type", "use"] {
            if input.cursor().ident().is_some_and(|(ident, _)| ident == keyword) {
                return Err(input.error("`#[observe]` goes on functions: put it on each one that is to be recorded"));
            }
        }
        let signature: Signature = input.parse()?;
        if let Some(keyword) = signature.constness {
            let why = "a `const fn` cannot be recorded: remove `const`, or move `#[observe]` to what calls it";
            return Err(Error::new(keyword.span, why));
        }
        if input.peek(Token![;]) {
            return Err(
                input.error("there is nothing to record without a body: put `#[observe]` on the implementation")
            );
        }
        let content;
        let brace = braced!(content in input);
        for mut attribute in content.call(Attribute::parse_inner)? {
            attribute.style = AttrStyle::Outer;
            attributes.push(attribute);
        }
        Ok(Function { attributes, visibility, signature, brace, body: content.parse()? })
    }
}

/// How the work of a function can be wrapped.
pub(crate) enum Shape {
    /// Its body is a closure's.
    Sync,
    /// Its body is an async block's.
    Async,
    /// The future that it returns is wrapped.
    Future(types::Future),
    /// The async block that it returns, and nothing else, is wrapped, where it stands.
    Block(types::Future, Tail),
    /// Its body stays: so that `Location::caller()` is its caller, or that the compiler knows what a closure takes.
    Guarded,
}

impl Function {
    pub(crate) fn shape(&self) -> Shape {
        if self.signature.asyncness.is_some() {
            return Shape::Async;
        }
        let future = self.return_type().and_then(as_future);
        match (future, boxed_block(&self.body).or_else(|| block(&self.body))) {
            (Some(future), Some(tail)) if tail.alone && future.boxed == tail.boxed && future.output.is_some() => {
                Shape::Block(future, tail)
            }
            (Some(future), _) => Shape::Future(future),
            // the return type is an alias
            (None, Some(tail)) if tail.boxed && self.return_type().is_some() => {
                Shape::Future(types::Future { output: None, boxed: true })
            }
            _ if self.has("track_caller") || self.return_type().is_some_and(is_closure) => Shape::Guarded,
            _ => Shape::Sync,
        }
    }

    /// The return type, where one is written.
    pub(crate) fn return_type(&self) -> Option<&Type> {
        match &self.signature.output {
            ReturnType::Default => None,
            ReturnType::Type(_, ty) => Some(ty),
        }
    }

    pub(crate) fn has(&self, attribute: &str) -> bool {
        self.attributes.iter().any(|a| a.path().is_ident(attribute))
    }
}

/// An async block at the end of a body.
pub(crate) struct Tail {
    /// `Box::pin(async …)`, rather than `async …`.
    boxed: bool,
    /// Nothing stands before it.
    alone: bool,
    /// `async`, or `async move`.
    pub(crate) keywords: TokenStream,
    pub(crate) block: Group,
}

/// `… async move { … }`
fn block(tokens: &TokenStream) -> Option<Tail> {
    let mut tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let Some(TokenTree::Group(block)) = tokens.pop() else { return None };
    let mut keywords = tokens.len().checked_sub(1)?;
    if is(&tokens[keywords], "move") {
        keywords = keywords.checked_sub(1)?;
    }
    if block.delimiter() != Delimiter::Brace || !is(&tokens[keywords], "async") {
        return None;
    }
    let keywords = tokens.split_off(keywords).into_iter().collect();
    Some(Tail { boxed: false, alone: tokens.is_empty(), keywords, block })
}

/// `… Box::pin(async move { … })`, as `async_trait` and others write it.
fn boxed_block(tokens: &TokenStream) -> Option<Tail> {
    let mut tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let Some(TokenTree::Group(argument)) = tokens.pop() else { return None };
    if argument.delimiter() != Delimiter::Parenthesis {
        return None;
    }
    let mut path = tokens.iter().rev();
    for expected in ["pin", ":", ":", "Box"] {
        if !is(path.next()?, expected) {
            return None;
        }
    }
    // what is left of `::std::boxed::Box`
    let alone = path.all(|token| ["std", "alloc", "boxed", ":"].iter().any(|part| is(token, part)));
    let tail = block(&argument.stream()).filter(|tail| tail.alone)?;
    Some(Tail { boxed: true, alone, ..tail })
}

fn is(token: &TokenTree, text: &str) -> bool {
    match token {
        TokenTree::Ident(ident) => ident == text,
        TokenTree::Punct(punct) => text.len() == 1 && text.starts_with(punct.as_char()),
        _ => false,
    }
}

/// Whether a body ends with a value, as far as one sees: not with a statement, nor with what never comes back.
pub(crate) fn has_value(body: &TokenStream) -> bool {
    let tokens: Vec<TokenTree> = body.clone().into_iter().collect();
    let last = tokens.iter().rposition(|token| is(token, ";")).map_or(0, |at| at + 1);
    match &tokens[last..] {
        [] => false,
        [keyword, ..] if is(keyword, "return") => false,
        [.., name, bang, TokenTree::Group(_)] if is(bang, "!") => {
            !["panic", "todo", "unimplemented", "unreachable", "bail"].iter().any(|word| is(name, word))
        }
        _ => true,
    }
}
