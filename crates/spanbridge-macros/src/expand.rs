//! The code that an observed function becomes.

use crate::arguments::{Arguments, Form};
use crate::function::{Function, Shape, has_value};
use crate::types::{self, may_be_future, with_holes};
use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Error, Expr, ExprLit, Lit, LitStr, Type, parse_quote};

/// The item recorded; or, where that cannot be, the item as it was beside an error, so that nothing else is in error.
pub(crate) fn observe(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let expanded = syn::parse2(arguments).and_then(|arguments: Arguments| {
        let function: Function = syn::parse2(item.clone())?;
        Expansion { krate: &arguments.krate, arguments: &arguments, function: &function, span: local("span") }.item()
    });
    expanded.unwrap_or_else(|error| {
        let error = error.into_compile_error();
        quote!(#error #item)
    })
}

/// A name that the user's code cannot see.
pub(crate) fn local(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// Where errors point to something of the user's, in code that is ours and no concern of lints.
pub(crate) fn at(span: Span) -> Span {
    Span::mixed_site().located_at(span)
}

/// The user's statements in braces of ours: they may well be more than are needed.
pub(crate) fn braced(statements: TokenStream, span: Span) -> Group {
    let mut group = Group::new(Delimiter::Brace, statements);
    group.set_span(at(span));
    group
}

struct Expansion<'a> {
    krate: &'a syn::Path,
    arguments: &'a Arguments,
    function: &'a Function,
    /// The variable with the span.
    span: Ident,
}

impl Expansion<'_> {
    fn item(&self) -> syn::Result<TokenStream> {
        let Function { attributes, visibility, signature, brace, .. } = self.function;
        let begin = self.begin();
        let work = match self.function.shape() {
            Shape::Sync => self.in_closure(),
            Shape::Async => self.in_async_block(&begin),
            Shape::Future(future) => self.around_future(&future)?,
            Shape::Block(future, tail) => {
                let block = braced(tail.block.stream(), tail.block.span());
                let inner = self.async_body(future.output.as_ref(), &block);
                let (keywords, judge, span) = (tail.keywords, self.judge(), &self.span);
                let future = in_box(future.boxed, quote!(#span.run_by(move || #keywords #inner, #judge)));
                quote!(return #future)
            }
            Shape::Guarded => self.under_guard(),
        };
        let work = match self.function.shape() {
            Shape::Async => work,
            _ => quote!(#begin #work),
        };
        let mut body = Group::new(Delimiter::Brace, work);
        body.set_span(brace.span.join());
        Ok(quote!(#(#attributes)* #visibility #signature #body))
    }

    /// The span, with what is known on entry.
    fn begin(&self) -> TokenStream {
        let Expansion { krate, arguments, span, .. } = self;
        let name = match &arguments.name {
            Some(name) => name.to_token_stream(),
            None => {
                let ident = &self.function.signature.ident;
                LitStr::new(&ident.unraw().to_string(), ident.span()).into_token_stream()
            }
        };
        let primitive = arguments.primitive.as_ref().map(|primitive| match primitive {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => {
                let path = self.krate_at(text.span());
                let value = quote_spanned!(at(text.span())=> #path::Primitive::new(#text));
                // a constant item is evaluated even where nobody calls the function
                quote!(.primitive({ const PRIMITIVE: #krate::Primitive = #value; PRIMITIVE }))
            }
            other => quote!(.primitive(const { #other })),
        });
        let kind = arguments.kind.as_ref().map(|kind| quote!(.kind(#krate::Kind::#kind)));
        let begin = quote!(let #span = #krate::observe::span(#name) #primitive #kind;);
        if arguments.attributes.is_empty() {
            return begin;
        }
        let shown =
            |form: TokenStream, value: &Expr| quote!(#krate::__private::shown(::core::format_args!(#form, #value)));
        let attributes = arguments.attributes.iter().map(|attribute| {
            let (key, value) = (&attribute.key, &attribute.value);
            let value = match attribute.form {
                Form::Static => quote!(#krate::Value::Static(#value)),
                Form::Value => {
                    let krate = self.krate_at(value.span());
                    quote_spanned!(at(value.span())=> #krate::__private::Taken::new(&(#value)).value())
                }
                Form::Display => shown(quote!("{}"), value),
                Form::Debug => shown(quote!("{:?}"), value),
            };
            quote!(.attribute(#key, #value))
        });
        quote! {
            #begin
            let #span = if #span.id().is_some() { #span #(#attributes)* } else { #span };
        }
    }

    /// What tells from the returned value how it went.
    fn judge(&self) -> TokenStream {
        let (krate, value) = (self.krate, local("value"));
        quote!(|#value| #krate::__private::Verdict::of(#value).failure())
    }

    /// The crate's path, located elsewhere (and still resolved where it was: it may be a `$crate`).
    fn krate_at(&self, span: Span) -> TokenStream {
        let relocated = |mut token: TokenTree| {
            token.set_span(token.span().located_at(span));
            token
        };
        self.krate.to_token_stream().into_iter().map(relocated).collect()
    }

    fn body(&self) -> Group {
        braced(self.function.body.clone(), self.function.brace.span.join())
    }

    /// The return type as it can stand inside the function.
    fn inner_type(&self) -> Type {
        self.function.return_type().map_or_else(|| parse_quote!(()), |ty| with_holes(ty, &parse_quote!(_)))
    }

    fn closure(&self) -> TokenStream {
        let (ty, body) = (self.inner_type(), self.body());
        quote!(move || -> #ty #body)
    }

    fn in_closure(&self) -> TokenStream {
        let (span, closure, judge) = (&self.span, self.closure(), self.judge());
        self.returned(quote!(#span.in_scope_by(#closure, #judge)))
    }

    /// The builder stands between braces of its own, so that it is gone before the await: it is not `Send`.
    fn in_async_block(&self, begin: &TokenStream) -> TokenStream {
        let (span, judge) = (&self.span, self.judge());
        if matches!(self.function.return_type(), Some(Type::Never(_))) {
            let body = self.async_body(Some(&parse_quote!(::core::convert::Infallible)), &self.body());
            return quote!(match ({ #begin #span.run_by(move || async move #body, #judge) }).await {});
        }
        let body = self.async_body(Some(&self.inner_type()), &self.body());
        quote!(return ({ #begin #span.run_by(move || async move #body, #judge) }).await)
    }

    fn async_body(&self, output: Option<&Type>, block: &Group) -> TokenStream {
        async_body(self.krate, output, block)
    }

    fn around_future(&self, future: &types::Future) -> syn::Result<TokenStream> {
        if self.function.has("track_caller") {
            let why = "`#[observe]` moves the body to where `#[track_caller]` does not reach: remove one of the two";
            return Err(Error::new(self.function.signature.ident.span(), why));
        }
        let (span, closure, judge) = (&self.span, self.closure(), self.judge());
        let output = future.output.clone().unwrap_or_else(|| parse_quote!(_));
        let future = in_box(future.boxed, quote!(#span.run_by::<#output, _, _, _>(#closure, #judge)));
        Ok(quote!(return #future))
    }

    fn under_guard(&self) -> TokenStream {
        let (span, body) = (&self.span, self.body());
        let check = self.function.return_type().filter(|ty| !matches!(ty, Type::Never(_))).map(|ty| {
            let (krate, at) = (self.krate_at(ty.span()), at(ty.span()));
            let ty = with_holes(ty, &parse_quote!(()));
            quote_spanned! {at=>
                if false {
                    #krate::__private::Guarded::new(&#krate::__private::never::<#ty>()).check();
                }
            }
        });
        let guard = local("_entered");
        let has_value = has_value(&body.stream());
        let body = body.into_token_stream();
        let body = if has_value { self.returned(body) } else { body };
        quote!(let #guard = #span.enter(); #check #body)
    }

    /// The value of the function. It says `return`, for some want to see that everywhere; others want it nowhere, but they are
    /// asked of no code that a macro has written.
    fn returned(&self, value: TokenStream) -> TokenStream {
        match self.function.return_type() {
            Some(Type::Never(_)) => value,
            _ => quote!(return #value),
        }
    }
}

/// The block, with its type made known: an async block has no place to say it.
///
/// Where the value is a future itself, clippy takes an async block that ends with it for one that lacks an `await` (of an `async fn`
/// it knows better), so such a one ends otherwise.
pub(crate) fn async_body(krate: &syn::Path, output: Option<&Type>, block: &Group) -> TokenStream {
    let edge = output.filter(|ty| !matches!(ty, Type::Infer(_))).map(|ty| {
        quote! {
            #[allow(unreachable_code)]
            if false {
                return #krate::__private::never::<#ty>();
            }
        }
    });
    if !output.is_some_and(may_be_future) {
        return quote!({ #edge #block });
    }
    if !has_value(&block.stream()) {
        return quote!({ #edge #block; });
    }
    let value = local("value");
    quote! {{
        #edge
        let #value = #block;
        #[allow(unreachable_code)]
        return #value;
    }}
}

fn in_box(boxed: bool, future: TokenStream) -> TokenStream {
    if boxed { quote!(::std::boxed::Box::pin(#future)) } else { future }
}
