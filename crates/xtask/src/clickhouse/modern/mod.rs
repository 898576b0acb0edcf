//! Today's ClickHouse for a test. Debian's package is of 2018, and no registry has a server of today, but PyPI has its engine as a
//! library: `chdb-core`. A small front of ours, `front.py`, gives it ClickHouse's HTTP interface.
//!
//! It is one node, without a cluster. Any number of them run side by side. The user is `default`, without a password. When the
//! value is dropped, or its process ends in any way, the front and its directory are removed.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::control;
use crate::net;
use crate::private::{Place, Range, quote, somewhere};
use crate::python::Environment;

const PORTS: Range = Range { name: "clickhouse-modern", first: 9_000, end: 9_200, block: 1 };

const FRONT: &str = include_str!("front.py");

/// The variable with the URL of the server that tests use.
pub(crate) const VARIABLE: &str = "CLICKHOUSE_MODERN_URL";

/// The engine alone: 200 MB to download. The packages that it asks for are for results as tables of pandas and Arrow.
const ENGINE: Environment = Environment {
    variable: "CLICKHOUSE_MODERN_PYTHON",
    requirements: "crates/xtask/src/clickhouse/modern/requirements.txt",
    only_these: true,
    name: "clickhouse-modern",
    modules: "chdb",
};

/// Today's ClickHouse for tests: the value of `CLICKHOUSE_MODERN_URL`. If it is not set, returns `None` and reports the test as
/// skipped.
///
/// ```no_run
/// let Some(url) = xtask::clickhouse::modern_url() else { return };
/// ```
///
/// Tests run side by side, so create a database for each.
pub fn modern_url() -> Option<String> {
    let url = std::env::var(VARIABLE).ok().filter(|url| !url.is_empty());
    if url.is_none() {
        crate::skip("CLICKHOUSE_MODERN_URL is not set; `cargo xtask clickhouse --modern` starts a server");
    }
    url
}

/// The Python that has the engine. The first call downloads it into the user's cache.
///
/// # Errors
///
/// There is no Python 3 with venv, or PyPI cannot be reached.
pub(crate) fn engine() -> Result<PathBuf> {
    ENGINE.prepare()
}

/// A running engine with its front. It is removed when dropped.
#[derive(Debug)]
pub(crate) struct Modern {
    place: Place,
}

impl Modern {
    /// Starts it on a free port, and waits until it answers. `python` is of [`engine`].
    ///
    /// # Errors
    ///
    /// It does not start. The message has the end of its log.
    pub(crate) fn start(python: &Path) -> Result<Self> {
        somewhere("Address already in use", || Self::start_somewhere(python))
    }

    fn start_somewhere(python: &Path) -> Result<Self> {
        let reservation = PORTS.take()?;
        let port = reservation.port;
        let command = format!("{} \"$dir/front.py\" {port} \"$dir/data$1\"", quote(python));
        let assignments = control::assignments(&command, 1, port, 1);
        let others = vec![("front.py".to_owned(), FRONT.to_owned())];
        let modern = Self { place: Place::furnish(reservation, &assignments, control::SCRIPT, others)? };
        modern.place.control(&["start"]).context("failed to start today's ClickHouse")?;
        net::probe_clickhouse(&modern.url())
            .context("failed to reach today's ClickHouse, which had reported that it is ready")?;
        Ok(modern)
    }

    /// The URL for clients, with the user `default` and the database `default`.
    pub(crate) fn url(&self) -> String {
        format!("clickhouse://default@127.0.0.1:{}/default", self.place.port())
    }

    /// The directory of its data, with the scripts `kill`, `start` and `restart`. Run them with `sh`.
    pub(crate) fn directory(&self) -> &Path {
        self.place.directory()
    }
}
