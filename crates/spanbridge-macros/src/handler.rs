//! The code that a handler of AWS Lambda becomes.

use crate::expand::{async_body, braced, local};
use crate::function::Function;
use crate::types::with_holes;
use proc_macro2::{Delimiter, Group, TokenStream};
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, FnArg, PatType, Path, Token, Type, parse_quote};

/// `crate = path`, or nothing.
struct Arguments {
    krate: Path,
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if input.is_empty() {
            return Ok(Arguments { krate: parse_quote!(::spanbridge_lambda) });
        }
        input.parse::<Token![crate]>()?;
        input.parse::<Token![=]>()?;
        let krate = input.call(Path::parse_mod_style)?;
        input.parse::<Option<Token![,]>>()?;
        if input.is_empty() { Ok(Arguments { krate }) } else { Err(input.error("expected nothing else")) }
    }
}

/// The handler observed; or, where that cannot be, the item as it was beside an error.
pub(crate) fn handler(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let expanded = syn::parse2(arguments).and_then(|Arguments { krate }| {
        let function = syn::parse2(item.clone());
        let in_our_words = |e: Error| Error::new(e.span(), e.to_string().replace("#[observe]", "#[handler]"));
        expand(&krate, function.map_err(in_our_words)?)
    });
    expanded.unwrap_or_else(|error| {
        let error = error.into_compile_error();
        quote!(#error #item)
    })
}

fn expand(krate: &Path, function: Function) -> syn::Result<TokenStream> {
    let return_type = function.return_type().cloned();
    let Function { attributes, visibility, mut signature, brace, body } = function;
    if signature.asyncness.is_none() {
        let why = "a handler is an `async fn`: `#[handler] async fn score(event: LambdaEvent<Order>) -> Result<Score, Error>`";
        return Err(Error::new(signature.fn_token.span, why));
    }
    let Some(argument) = event_of(&mut signature.inputs) else {
        let why = "a handler takes a `LambdaEvent<…>`, which says whose invocation it is";
        return Err(Error::new(signature.ident.span(), why));
    };
    let (event, handling, value) = (local("event"), local("handling"), local("value"));
    let pattern = std::mem::replace(&mut *argument.pat, parse_quote!(#event));
    let output = return_type.map_or_else(|| parse_quote!(()), |ty| with_holes(&ty, &parse_quote!(_)));
    let statements = quote!(let #pattern = #event; #body);
    let body = async_body(krate, Some(&output), &braced(statements, brace.span.join()));
    let mut whole = Group::new(
        Delimiter::Brace,
        quote! {
            let #handling = #krate::__private::handling(&#event);
            return #handling.run(async move #body, |#value| #krate::__private::Verdict::of(#value).failure()).await
        },
    );
    whole.set_span(brace.span.join());
    Ok(quote!(#(#attributes)* #visibility #signature #whole))
}

/// The argument that is a `LambdaEvent`, or the only one.
fn event_of(inputs: &mut Punctuated<FnArg, Token![,]>) -> Option<&mut PatType> {
    let alone = inputs.len() == 1;
    let mut typed = inputs.iter_mut().filter_map(|argument| match argument {
        FnArg::Typed(argument) => Some(argument),
        FnArg::Receiver(_) => None,
    });
    typed.find(|argument| alone || is_event(&argument.ty))
}

fn is_event(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "LambdaEvent"))
}
