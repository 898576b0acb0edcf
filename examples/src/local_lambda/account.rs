//! The account and the region of the functions, for ARNs and environment variables.

pub(super) const REGION: &str = "us-east-1";

pub(super) const ACCOUNT: &str = "000000000000";

/// The ARN of a function.
pub(super) fn arn(function: &str) -> String {
    format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}")
}
