//! A store in ClickHouse.

use crate::failure::Failure;
use spanbridge_query::Store;
use std::path::Path;

/// Opens it for questions.
#[cfg(feature = "clickhouse")]
pub(super) fn open(url: &Path) -> Result<Store, Failure> {
    use spanbridge_clickhouse::{Address, ClickHouse, Error, ErrorKind};
    let failed = |error: Error| match error.kind() {
        ErrorKind::Url => Failure::Usage(error.to_string()),
        _ => Failure::Store(format!("open the store: {error}")),
    };
    let address: Address = url.to_str().unwrap_or_default().parse().map_err(failed)?;
    let engine = ClickHouse::open(&address).map_err(failed)?;
    Ok(Store::with_engine(address.to_string(), engine))
}

/// The option is there in every build, so that its help is.
#[cfg(not(feature = "clickhouse"))]
pub(super) fn open(_: &Path) -> Result<Store, Failure> {
    let advice = "  Install one that was: cargo install spanbridge-cli --features clickhouse";
    Err(Failure::Usage(format!("ask ClickHouse: this spanbridge was built without the feature clickhouse\n{advice}")))
}
