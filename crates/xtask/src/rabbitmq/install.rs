//! Finds RabbitMQ, or installs it from the system's packages.

use std::path::PathBuf;

use anyhow::Result;

use crate::debian;

/// What to do if RabbitMQ is missing and cannot be installed here.
pub(crate) const ADVICE: &str =
    "install it (apt-get install rabbitmq-server, as root), or set RABBITMQ_BIN to its bin directory";

const PLACES: [&str; 3] = ["/usr/lib/rabbitmq/bin", "/opt/rabbitmq/sbin", "/usr/local/lib/rabbitmq/sbin"];

/// The directory of RabbitMQ's own `rabbitmq-server`: `RABBITMQ_BIN`, else the usual places.
///
/// (A `rabbitmq-server` on the `PATH` is a wrapper that drops the environment.)
pub fn installed() -> Option<PathBuf> {
    let named = std::env::var_os("RABBITMQ_BIN").map(PathBuf::from);
    let places = named.into_iter().chain(PLACES.map(PathBuf::from));
    places.into_iter().find(|place| place.join("rabbitmq-server").is_file())
}

/// Installs RabbitMQ if it is missing and it is possible: as root on Debian, Ubuntu and their derivatives. Starts no service.
///
/// Returns whether RabbitMQ is there now.
pub fn ensure_installed() -> Result<bool> {
    debian::ensure("rabbitmq-server", || installed().is_some())
}
