//! Which context counts where several came.

use super::xray::XRay;
use spanbridge::Context;
use spanbridge::carrier::Extraction;

/// The first of two contexts that has a trace, with the baggage of the first that has baggage.
pub(crate) fn context_or(found: Context, next: impl FnOnce() -> Context) -> Context {
    match (found.is_empty(), found.travels()) {
        (false, _) => found,
        (true, false) => next(),
        (true, true) => next().with_baggage(found.baggage().clone()),
    }
}

/// Uses X-Ray's header where no trace was found. Baggage that was found stays.
///
/// X-Ray's own sampling decision is kept in either case, so that an X-Ray header written later repeats it.
pub(crate) fn or_xray(mut found: Extraction, xray: Option<&[u8]>) -> Extraction {
    let Some(header) = xray else { return found };
    match (XRay::parse(header), found.context.is_empty()) {
        (Ok(xray), true) => found.context = context_or(found.context, || xray.context()),
        (Ok(xray), false) => found.context = found.context.with_peer_sampled(xray.sampled),
        (Err(problem), true) => found.problems.push(problem),
        (Err(_), false) => {}
    }
    found
}
