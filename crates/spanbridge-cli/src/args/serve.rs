//! `spanbridge serve`.

use super::address::listen;
use crate::size;
use clap::Args;
use spanbridge_cli::serve::Options;
use spanbridge_cli::values::duration;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Args, Debug)]
#[command(after_help = SERVE)]
pub(crate) struct Serve {
    /// The address and port to listen on, or a port of this machine alone; port 0 is any that is free
    #[arg(long, value_name = "ADDRESS", value_parser = listen, default_value_t = Options::LISTEN)]
    pub(crate) listen: SocketAddr,
    /// A file with the token that clients must send [default: $SPANBRIDGE_TOKEN]
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Remove runs in which nothing happened for this long (`12h`, `30d`), or the oldest while the store is larger (`2GiB`), not of
    /// a database; may be given for both [default: remove nothing]
    #[arg(long, value_name = "TIME|SIZE", value_parser = Keep::parse)]
    pub(crate) keep: Vec<Keep>,
    /// Read the files of the page from this directory
    #[arg(long, value_name = "DIR", hide = true)]
    pub(crate) page: Option<PathBuf>,
}

const SERVE: &str = "Examples:
  spanbridge serve
  spanbridge serve --listen 8080
  spanbridge serve --keep 7d --keep 2GiB
  SPANBRIDGE_TOKEN=$(openssl rand -hex 32) spanbridge serve --listen 0.0.0.0:4318

Only this machine can connect, unless you choose another address. Then a token is needed: clients send it as \
`Authorization: Bearer TOKEN`, and the page asks for it.";

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    For(Duration),
    Bytes(u64),
}

impl Keep {
    /// Minutes are `m`, and mebibytes `M`. What has no unit is refused: who means 30 days does not want 30 bytes.
    fn parse(text: &str) -> Result<Self, String> {
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err("expected a time as 30d, or a size as 2GiB: there is no unit".into());
        }
        let (time, bytes) = (duration(text).map(Keep::For), size::parse(text).map(Keep::Bytes));
        let is_size = text.contains(|c: char| c.is_ascii_uppercase());
        let kept = if is_size { bytes.or(time) } else { time.or(bytes) };
        kept.map_err(|_| "expected a time as 12h or 30d, or a size as 500M or 2GiB".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_a_time_or_a_size() {
        let minutes = Keep::For(Duration::from_secs(300));
        for (text, kept) in [
            ("5m", minutes),
            ("PT5M", minutes),
            ("5M", Keep::Bytes(5 << 20)),
            ("2GiB", Keep::Bytes(2 << 30)),
            ("2gib", Keep::Bytes(2 << 30)),
            ("4096B", Keep::Bytes(4096)),
            ("1d", Keep::For(Duration::from_secs(86_400))),
        ] {
            assert_eq!(Keep::parse(text), Ok(kept), "{text}");
        }
        assert!(["", "much", "-1d", "1y", "30"].into_iter().all(|text| Keep::parse(text).is_err()));
    }
}
