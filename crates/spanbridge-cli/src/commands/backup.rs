//! `spanbridge backup`: copies the store.

use super::opening::directory;
use crate::args::{Backup, Cli, Format};
use crate::failure::Failure;
use crate::size;
use crate::stream;
use serde_json::json;
use spanbridge_cli::render::escape;
use spanbridge_query::keeping;

pub(super) fn run(cli: &Cli, args: &Backup) -> Result<(), Failure> {
    let report = keeping::backup(directory(cli, "back up", |database| database.backup)?, &args.target)?;
    let target = args.target.display().to_string();
    match cli.format {
        Format::Json => {
            let mut answer = json!({ "schemaVersion": 1, "bytes": report.bytes, "logs": report.logs });
            if let Some(old) = &report.old {
                answer["notIncluded"] = old.display().to_string().into();
            }
            stream::print_json(&answer)?;
        }
        Format::Text => {
            let text = format!("copied {} to {}\n", size::show(report.bytes), escape(&target));
            stream::print(&text, &stream::options(cli))?;
        }
    }
    if let Some(old) = &report.old {
        let old = old.display().to_string();
        stream::note(&format!(
            "{} is of an earlier release and was not copied; copy it, or move its records over with `spanbridge import`",
            escape(&old)
        ));
    }
    Ok(())
}
