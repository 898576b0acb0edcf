//! `spanbridge collect`: the records of a topic go into a store.

#[cfg(feature = "kafka")]
mod destination;
#[cfg(feature = "kafka")]
mod figures;
#[cfg(feature = "kafka")]
mod run;
#[cfg(feature = "kafka")]
mod trace;

#[cfg(feature = "kafka")]
pub(super) use run::run;

/// The command is there in every build, so that its help is.
#[cfg(not(feature = "kafka"))]
pub(super) fn run(_: &crate::args::Cli, _: &crate::args::Collect) -> Result<(), crate::failure::Failure> {
    Err(crate::failure::Failure::Usage(spanbridge_cli::place::not_built("read from Kafka", "kafka").to_string()))
}
