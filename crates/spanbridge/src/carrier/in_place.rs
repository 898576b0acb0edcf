//! All three headers of a map in one pass.

use super::Inject;
use crate::w3c::{HEADERS, place_named};

/// Up to so many headers, looking at each of them is quicker than looking up three.
pub(super) const FEW: usize = 24;

/// What is left to do after [`replace`].
pub(super) struct Rest<'v> {
    /// Values of headers that are not there yet.
    new: [Option<&'v str>; 3],
    /// Headers that have no value any more.
    unwanted: [bool; 3],
    /// There are names in another case.
    other_case: bool,
}

/// Replaces the values of those of the three headers that are there, so that they need not be looked up. A name may be there
/// once. `make` makes a value of a map, if it can be one there.
#[inline]
pub(super) fn replace<'v, 'm, V: 'm>(
    entries: impl Iterator<Item = (&'m str, &'m mut V)>,
    values: [Option<&'v str>; 3],
    make: impl Fn(&'v str) -> Option<V>,
) -> Rest<'v> {
    let mut rest = Rest { new: values, unwanted: [false; 3], other_case: false };
    for (name, here) in entries {
        let Some(place) = place_named(name.as_bytes()) else { continue };
        if name != HEADERS[place] {
            rest.other_case = true;
            continue;
        }
        match rest.new[place].take().and_then(&make) {
            Some(value) => *here = value,
            None => rest.unwanted[place] = true,
        }
    }
    rest
}

impl Rest<'_> {
    #[inline]
    pub(super) fn finish(self, map: &mut impl Inject) {
        if self.other_case {
            map.remove_other_case()
        }
        for (place, name) in HEADERS.into_iter().enumerate() {
            if let Some(value) = self.new[place] {
                map.set(name, value)
            }
            if self.unwanted[place] {
                map.remove(name)
            }
        }
    }
}
