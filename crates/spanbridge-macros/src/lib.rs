//! The attributes of [spanbridge](https://docs.rs/spanbridge), which re-exports them and documents them.
//!
//! What they expand to names the crate `spanbridge` (or what `crate = …` says) and calls its hidden hooks.

mod arguments;
mod expand;
mod function;
mod handler;
#[cfg(test)]
mod tests;
mod types;

use proc_macro::TokenStream;

/// Records every call of a function as a span. See the re-export, `spanbridge::observe`, for all it takes.
#[proc_macro_attribute]
pub fn observe(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::observe(arguments.into(), item.into()).into()
}

/// Tells how a handler of AWS Lambda ends. See the re-export, `spanbridge_lambda::handler`.
#[proc_macro_attribute]
pub fn handler(arguments: TokenStream, item: TokenStream) -> TokenStream {
    handler::handler(arguments.into(), item.into()).into()
}
