//! The account and the region in which the functions pretend to be.

pub(super) const REGION: &str = "us-east-1";

pub(super) const ACCOUNT: &str = "000000000000";

/// The full name of a function.
pub(super) fn arn(function: &str) -> String {
    format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}")
}
