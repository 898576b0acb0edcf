//! Expands the crate's own `macro_rules!` where they are called between items, so that types defined by a macro are seen. Calls
//! in expressions stay as they are.

use std::collections::BTreeMap;

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::{ParseStream, Parser};

use super::attributes::is_test;
use super::tree::{Tree, attributes, line};

/// How deep macro calls may be nested.
const DEPTH: usize = 8;

/// Replaces each call by its expansion.
pub(super) fn expand(tree: &mut Tree) -> Result<(), String> {
    let mut macros = Vec::new();
    for (module, here) in tree.modules.iter().enumerate() {
        for item in &here.items {
            if let syn::Item::Macro(syn::ItemMacro { ident: Some(name), mac, .. }) = &item.syntax {
                macros.push((name.to_string(), module, mac.tokens.clone()));
            }
        }
    }
    for module in 0..tree.modules.len() {
        for _ in 0..DEPTH {
            if !expand_once(tree, module, &macros)? {
                break;
            }
        }
    }
    Ok(())
}

fn expand_once(tree: &mut Tree, at: usize, macros: &[(String, usize, TokenStream)]) -> Result<bool, String> {
    let items = std::mem::take(&mut tree.modules[at].items);
    tree.modules[at].imports.clear();
    let mut expanded = false;
    for item in items {
        let syn::Item::Macro(syn::ItemMacro { ident: None, mac, .. }) = &item.syntax else {
            tree.modules[at].add(item.syntax, item.call);
            continue;
        };
        let name = mac.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
        let made = if name == "pin_project" {
            // This macro keeps the struct as it is written.
            mac.tokens.clone()
        } else {
            // If several have this name, take the nearest: the module's own, else that of a module around it.
            let named = macros.iter().filter(|(known, ..)| *known == name);
            let depth = |module: &usize| {
                let path = &tree.modules[*module].path;
                if tree.modules[at].path.starts_with(path) { path.len() + 1 } else { 0 }
            };
            let Some((_, _, rules)) = named.max_by_key(|(_, module, _)| depth(module)) else {
                tree.modules[at].add(item.syntax, item.call);
                continue;
            };
            let called = || format!("{name}! in {}", tree.files[tree.modules[at].file]);
            call(rules, &mac.tokens).map_err(|error| format!("failed to expand {}: {error}", called()))?
        };
        let call = item.call.unwrap_or(line(&mac.path));
        let made: syn::File =
            syn::parse2(made).map_err(|error| format!("failed to read what {name}! makes: {error}"))?;
        expanded = true;
        for item in made.items.into_iter().filter(|item| !is_test(attributes(item))) {
            tree.modules[at].add(item, Some(call));
        }
    }
    Ok(expanded)
}

/// The expansion of a call with these arguments.
fn call(rules: &TokenStream, arguments: &TokenStream) -> syn::Result<TokenStream> {
    let mut rules = rules.clone().into_iter();
    let mut failure = syn::Error::new(Span::call_site(), "it has no rules");
    while let Some(TokenTree::Group(pattern)) = rules.next() {
        // `=>`, the body, and `;` unless it is the last.
        let body = rules.nth(2);
        rules.next();
        let Some(TokenTree::Group(body)) = body else { break };
        let pattern: Vec<_> = pattern.stream().into_iter().collect();
        let bound = Parser::parse2(
            |input: ParseStream<'_>| {
                let bound = bind(&pattern, input)?;
                if input.is_empty() { Ok(bound) } else { Err(input.error("no rule matches from here")) }
            },
            arguments.clone(),
        );
        match bound {
            Ok(bound) => return Ok(transcribe(body.stream(), &bound)),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// The values of a pattern's variables.
#[derive(Default, Clone)]
struct Bound {
    ones: BTreeMap<String, TokenStream>,
    /// Each repetition: the names of its variables, and their values in each round.
    many: Vec<(Vec<String>, Vec<Bound>)>,
}

fn bind(pattern: &[TokenTree], input: ParseStream<'_>) -> syn::Result<Bound> {
    let mut bound = Bound::default();
    let mut at = 0;
    while let Some(token) = pattern.get(at) {
        match (token, pattern.get(at + 1)) {
            (TokenTree::Punct(dollar), Some(TokenTree::Ident(name))) if dollar.as_char() == '$' => {
                let kind = pattern.get(at + 3).map(ToString::to_string).unwrap_or_default();
                bound.ones.insert(name.to_string(), fragment(&kind, input)?);
                at += 4;
            }
            (TokenTree::Punct(dollar), Some(TokenTree::Group(inner))) if dollar.as_char() == '$' => {
                let inner: Vec<_> = inner.stream().into_iter().collect();
                let (separator, after) = repetition(pattern, at + 2);
                bound.many.push((variables(&inner), repeat(&inner, separator, input)?));
                at = after;
            }
            (TokenTree::Group(group), _) => {
                let found: TokenTree = input.parse()?;
                let inner: Vec<_> = group.stream().into_iter().collect();
                let TokenTree::Group(found) = found else { return Err(input.error("expected a group")) };
                if found.delimiter() != group.delimiter() {
                    return Err(input.error("expected another group"));
                }
                let within = Parser::parse2(
                    |input: ParseStream<'_>| {
                        let bound = bind(&inner, input)?;
                        if input.is_empty() { Ok(bound) } else { Err(input.error("unexpected token")) }
                    },
                    found.stream(),
                )?;
                bound.ones.extend(within.ones);
                bound.many.extend(within.many);
                at += 1;
            }
            (token, _) => {
                let found: TokenTree = input.parse()?;
                if found.to_string() != token.to_string() {
                    return Err(input.error(format!("expected `{token}`")));
                }
                at += 1;
            }
        }
    }
    Ok(bound)
}

/// The separator of a repetition, if it has one, and the index after its `*`, `+` or `?`. `at` is the index after its group.
fn repetition(pattern: &[TokenTree], at: usize) -> (Option<&TokenTree>, usize) {
    let is_operator = |token: &TokenTree| matches!(token.to_string().as_str(), "*" | "+" | "?");
    match pattern.get(at) {
        Some(token) if is_operator(token) => (None, at + 1),
        separator => (separator, at + 2),
    }
}

fn repeat(inner: &[TokenTree], separator: Option<&TokenTree>, input: ParseStream<'_>) -> syn::Result<Vec<Bound>> {
    let mut all = Vec::new();
    while !input.is_empty() {
        let ahead = input.fork();
        if let (Some(separator), false) = (separator, all.is_empty()) {
            match ahead.parse::<TokenTree>() {
                Ok(found) if found.to_string() == separator.to_string() => {}
                _ => break,
            }
        }
        let Ok(bound) = bind(inner, &ahead) else { break };
        all.push(bound);
        syn::parse::discouraged::Speculative::advance_to(input, &ahead);
    }
    Ok(all)
}

fn variables(pattern: &[TokenTree]) -> Vec<String> {
    let mut names = Vec::new();
    for (at, token) in pattern.iter().enumerate() {
        match (token, pattern.get(at + 1)) {
            (TokenTree::Group(group), _) => names.extend(variables(&group.stream().into_iter().collect::<Vec<_>>())),
            (TokenTree::Punct(dollar), Some(TokenTree::Ident(name))) if dollar.as_char() == '$' => {
                names.push(name.to_string());
            }
            _ => {}
        }
    }
    names
}

fn fragment(kind: &str, input: ParseStream<'_>) -> syn::Result<TokenStream> {
    Ok(match kind {
        "ty" => input.parse::<syn::Type>()?.into_token_stream(),
        "expr" => input.parse::<syn::Expr>()?.into_token_stream(),
        "ident" => syn::ext::IdentExt::parse_any(input).map(Ident::into_token_stream)?,
        "path" => input.parse::<syn::Path>()?.into_token_stream(),
        "literal" => input.parse::<syn::Lit>()?.into_token_stream(),
        "lifetime" => input.parse::<syn::Lifetime>()?.into_token_stream(),
        "vis" => input.parse::<syn::Visibility>()?.into_token_stream(),
        "item" => input.parse::<syn::Item>()?.into_token_stream(),
        "block" => input.parse::<syn::Block>()?.into_token_stream(),
        "meta" => input.parse::<syn::Meta>()?.into_token_stream(),
        "tt" => input.parse::<TokenTree>()?.into_token_stream(),
        other => return Err(input.error(format!("`{other}` is an unknown kind of fragment"))),
    })
}

fn transcribe(body: TokenStream, bound: &Bound) -> TokenStream {
    let tokens: Vec<_> = body.into_iter().collect();
    let mut out = TokenStream::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        at += 1;
        match (token, tokens.get(at)) {
            (TokenTree::Punct(dollar), Some(TokenTree::Ident(name))) if dollar.as_char() == '$' => {
                at += 1;
                match bound.ones.get(&name.to_string()) {
                    Some(tokens) => out.extend(tokens.clone()),
                    // `$crate`.
                    None => out.extend([TokenTree::Ident(name.clone())]),
                }
            }
            (TokenTree::Punct(dollar), Some(TokenTree::Group(inner))) if dollar.as_char() == '$' => {
                let (separator, after) = repetition(&tokens, at + 1);
                at = after;
                let inner = inner.stream();
                let used = variables(&inner.clone().into_iter().collect::<Vec<_>>());
                let repeated = bound.many.iter().find(|(names, _)| names.iter().any(|name| used.contains(name)));
                for (number, one) in repeated.iter().flat_map(|(_, all)| all).enumerate() {
                    if let (Some(separator), 1..) = (separator, number) {
                        out.extend([separator.clone()]);
                    }
                    let mut seen = bound.clone();
                    seen.ones.extend(one.ones.clone());
                    seen.many.splice(0..0, one.many.clone());
                    out.extend(transcribe(inner.clone(), &seen));
                }
            }
            (TokenTree::Group(group), _) => {
                let inside = transcribe(group.stream(), bound);
                let delimiter = match group.delimiter() {
                    Delimiter::None => Delimiter::Parenthesis,
                    other => other,
                };
                out.extend([TokenTree::Group(Group::new(delimiter, inside))]);
            }
            (token, _) => out.extend([token.clone()]),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(rules: &str, arguments: &str) -> String {
        call(&rules.parse().unwrap(), &arguments.parse().unwrap()).unwrap().to_string()
    }

    #[test]
    fn a_type_and_its_methods_are_expanded() {
        let rules = "($(#[$doc:meta])* $name:ident, $int:ty) => { $(#[$doc])* pub struct $name($int); impl $name { \
                     pub fn get(self) -> $int { self.0 } } };";
        assert_eq!(
            expanded(rules, "#[doc = \"x\"] Id, Option<u8>"),
            "# [doc = \"x\"] pub struct Id (Option < u8 >) ; impl Id { pub fn get (self) -> Option < u8 > { self . 0 } }"
        );
    }

    #[test]
    fn repetitions_and_later_rules_are_followed() {
        let rules = "() => {}; ($($t:ty => [$($n:ident)*]),+ $(,)?) => { $($(impl $n for $t {})*)* use $crate::x; };";
        assert_eq!(
            expanded(rules, "u8 => [A B], &'a str => [],"),
            "impl A for u8 { } impl B for u8 { } use crate :: x ;"
        );
        assert_eq!(expanded(rules, ""), "");
        assert!(call(&rules.parse().unwrap(), &"1".parse().unwrap()).is_err());
    }
}
