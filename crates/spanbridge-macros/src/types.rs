//! What can be told from how a return type is written.

use syn::visit_mut::{VisitMut, visit_type_mut};
use syn::{
    AngleBracketedGenericArguments, GenericArgument, PathArguments, PathSegment, Type, TypeParamBound, parse_quote,
};

/// The type with a placeholder for every `impl Trait`: as it can stand inside the function.
pub(crate) fn with_holes(ty: &Type, hole: &Type) -> Type {
    struct Holes<'a>(&'a Type);
    impl VisitMut for Holes<'_> {
        fn visit_type_mut(&mut self, ty: &mut Type) {
            if let Type::ImplTrait(_) = ty { ty.clone_from(self.0) } else { visit_type_mut(self, ty) }
        }
    }
    let mut ty = ty.clone();
    Holes(hole).visit_type_mut(&mut ty);
    ty
}

/// A return type that is a future.
pub(crate) struct Future {
    /// What it resolves to, where that is written.
    pub(crate) output: Option<Type>,
    /// `Pin<Box<dyn Future>>`, rather than `impl Future`.
    pub(crate) boxed: bool,
}

/// Whether a type is written as a future: `impl Future`, `Pin<Box<dyn Future>>`, or `BoxFuture` of the crate `futures`.
pub(crate) fn as_future(ty: &Type) -> Option<Future> {
    match ty {
        Type::Group(g) => as_future(&g.elem),
        Type::Paren(p) => as_future(&p.elem),
        Type::ImplTrait(i) => future_bound(&i.bounds).map(|output| Future { output, boxed: false }),
        Type::Path(path) => {
            let last = path.path.segments.last()?;
            match last.ident.to_string().as_str() {
                "Pin" => pinned_box(last).map(|output| Future { output, boxed: true }),
                "BoxFuture" | "LocalBoxFuture" => {
                    let output = type_arguments(last).last().map(|ty| with_holes(ty, &parse_quote!(_)));
                    Some(Future { output, boxed: true })
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// Whether a value of a type may be a future, as far as its name tells.
pub(crate) fn may_be_future(ty: &Type) -> bool {
    const ARE_NONE: [&str; 20] = [
        "Result", "Option", "String", "Vec", "bool", "char", "str", "u8", "u16", "u32", "u64", "u128", "usize", "i8",
        "i16", "i32", "i64", "i128", "isize", "f64",
    ];
    match ty {
        Type::Group(g) => may_be_future(&g.elem),
        Type::Paren(p) => may_be_future(&p.elem),
        Type::Path(path) => {
            path.path.segments.last().is_none_or(|last| !ARE_NONE.iter().any(|none| last.ident == none))
        }
        Type::Never(_) | Type::Tuple(_) | Type::Array(_) | Type::Slice(_) | Type::BareFn(_) | Type::Ptr(_) => false,
        _ => true,
    }
}

/// Whether a type is written as `impl Fn(…)`. What the arguments of such a closure are is only known from there.
pub(crate) fn is_closure(ty: &Type) -> bool {
    let Type::ImplTrait(ty) = ty else { return false };
    ty.bounds.iter().any(|bound| match bound {
        TypeParamBound::Trait(bound) => {
            bound.path.segments.last().is_some_and(|s| matches!(s.arguments, PathArguments::Parenthesized(_)))
        }
        _ => false,
    })
}

/// Of `Pin<Box<dyn Future<Output = T>>>`: `T`.
fn pinned_box(pin: &PathSegment) -> Option<Option<Type>> {
    let Type::Path(inner) = type_arguments(pin).next()? else { return None };
    let inner = inner.path.segments.last().filter(|s| s.ident == "Box")?;
    match type_arguments(inner).next()? {
        Type::TraitObject(object) => future_bound(&object.bounds),
        Type::ImplTrait(object) => future_bound(&object.bounds),
        _ => None,
    }
}

/// Of `Future<Output = T> + …`: `T`, where it is written.
fn future_bound<'a>(bounds: impl IntoIterator<Item = &'a TypeParamBound>) -> Option<Option<Type>> {
    let future = bounds.into_iter().find_map(|bound| match bound {
        TypeParamBound::Trait(t) => t.path.segments.last().filter(|s| s.ident == "Future"),
        _ => None,
    })?;
    let output = arguments(future).into_iter().flat_map(|a| &a.args).find_map(|argument| match argument {
        GenericArgument::AssocType(a) if a.ident == "Output" => Some(with_holes(&a.ty, &parse_quote!(_))),
        _ => None,
    });
    Some(output)
}

fn arguments(segment: &PathSegment) -> Option<&AngleBracketedGenericArguments> {
    match &segment.arguments {
        PathArguments::AngleBracketed(a) => Some(a),
        _ => None,
    }
}

fn type_arguments(segment: &PathSegment) -> impl Iterator<Item = &Type> {
    arguments(segment).into_iter().flat_map(|a| &a.args).filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}
