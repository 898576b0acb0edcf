//! The opt-in driver: handles jobs, those of a partition one after another, and stores their offsets by an explicit policy.

mod backlog;
mod run;
