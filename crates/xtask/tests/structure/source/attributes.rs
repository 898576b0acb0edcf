//! Reads attributes: is an item there, and for whom?

use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, Token};

/// Is this compiled only for tests?
pub(crate) fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let path = attribute.path();
        path.segments.last().is_some_and(|segment| segment.ident == "test")
            || (path.is_ident("cfg") && attribute.parse_args().is_ok_and(|predicate| needs_test(&predicate)))
    })
}

fn needs_test(predicate: &Meta) -> bool {
    match predicate {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) if list.path.is_ident("all") => parts(list).iter().any(needs_test),
        Meta::List(list) if list.path.is_ident("any") => parts(list).iter().all(needs_test),
        _ => false,
    }
}

fn parts(list: &syn::MetaList) -> Vec<Meta> {
    let parts = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
    parts.into_iter().flatten().collect()
}

/// Is this hidden from the documentation?
pub(crate) fn is_hidden(attributes: &[Attribute]) -> bool {
    attributes.iter().filter(|attribute| attribute.path().is_ident("doc")).any(|attribute| {
        matches!(&attribute.meta, Meta::List(list) if parts(list).iter().any(|part| part.path().is_ident("hidden")))
    })
}

/// The conditions under which this is compiled. `feature = "record"` is shown as `record`, others as they are written.
pub(crate) fn cfgs(attributes: &[Attribute]) -> Vec<String> {
    let conditions = attributes.iter().filter(|attribute| attribute.path().is_ident("cfg"));
    conditions.filter_map(|condition| condition.parse_args().ok()).map(|predicate| shown(&predicate)).collect()
}

fn shown(predicate: &Meta) -> String {
    match predicate {
        Meta::NameValue(pair) if pair.path.is_ident("feature") => match &pair.value {
            syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(name), .. }) => name.value(),
            other => other.to_token_stream().to_string(),
        },
        Meta::List(list) => {
            let parts: Vec<_> = parts(list).iter().map(shown).collect();
            let word = list.path.to_token_stream().to_string();
            if word == "not" { format!("not {}", parts.concat()) } else { format!("{word}({})", parts.join(", ")) }
        }
        other => other.to_token_stream().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_that_needs_test_is_found() {
        for (attribute, expected) in [
            ("#[cfg(test)]", true),
            ("#[cfg(all(test, loom))]", true),
            ("#[cfg(any(test, feature = \"kit\"))]", false),
            ("#[cfg(not(test))]", false),
            ("#[tokio::test(start_paused = true)]", true),
            ("#[derive(Debug)]", false),
        ] {
            let item: syn::ItemFn = syn::parse_str(&format!("{attribute} fn f() {{}}")).unwrap();
            assert_eq!(is_test(&item.attrs), expected, "{attribute}");
        }
    }

    #[test]
    fn conditions_are_shown_in_short() {
        let item: syn::Result<syn::ItemFn> = syn::parse_str(
            "#[cfg(feature = \"record\")] #[cfg(not(feature = \"json\"))] #[cfg(all(unix, feature = \"a\"))] fn f() {}",
        );
        assert_eq!(cfgs(&item.unwrap().attrs), ["record", "not json", "all(unix, a)"]);
    }
}
