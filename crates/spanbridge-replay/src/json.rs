//! Reading JSON that has a version.

use crate::error::{Error, ErrorKind};
use serde::Deserialize;
use serde::de::DeserializeOwned;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    schema_version: u64,
}

/// Reads `what` if it has this version. Another version may have another form, so the version is looked at first.
pub(crate) fn of_version<T: DeserializeOwned>(version: u64, json: &[u8], what: &str) -> Result<T, Error> {
    let broken = |cause| Error::caused(ErrorKind::Json, format!("read {what}"), cause);
    let head: Head = serde_json::from_slice(json).map_err(broken)?;
    if head.schema_version != version {
        let theirs = head.schema_version;
        let other = format!("read {what}: it has version {theirs}, and this release reads {version}");
        return Err(Error::new(ErrorKind::Version, other));
    }
    serde_json::from_slice(json).map_err(broken)
}
