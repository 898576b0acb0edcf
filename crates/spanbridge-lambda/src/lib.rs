//! spanbridge for AWS Lambda.
