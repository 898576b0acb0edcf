//! Where RabbitMQ is installed, and installing it from the system's packages.

use std::path::PathBuf;

use anyhow::Result;

use crate::debian;

/// What a person can do when there is no RabbitMQ and we may not install one.
pub(crate) const ADVICE: &str = "apt-get install rabbitmq-server (as root), or name its bin directory in RABBITMQ_BIN";

const PLACES: [&str; 3] = ["/usr/lib/rabbitmq/bin", "/opt/rabbitmq/sbin", "/usr/local/lib/rabbitmq/sbin"];

/// The directory of RabbitMQ's own `rabbitmq-server`, if there is one: `RABBITMQ_BIN`, else the usual places.
///
/// (A `rabbitmq-server` on the `PATH` is a wrapper that drops the environment.)
pub fn installed() -> Option<PathBuf> {
    let named = std::env::var_os("RABBITMQ_BIN").map(PathBuf::from);
    let places = named.into_iter().chain(PLACES.map(PathBuf::from));
    places.into_iter().find(|place| place.join("rabbitmq-server").is_file())
}

/// Installs RabbitMQ where it is missing and where we can: as root on Debian, Ubuntu and the like.
///
/// Returns whether it is there now. The installation starts no service.
pub fn ensure_installed() -> Result<bool> {
    debian::ensure("rabbitmq-server", || installed().is_some())
}
