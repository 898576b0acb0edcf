//! `spanbridge state history` and `blame`.

use clap::Args;
use spanbridge_cli::values::since;
use spanbridge_query::state::{RowKey, RowQuery};

/// Which row.
#[derive(Args, Debug)]
pub(crate) struct TheRow {
    /// The table; `orders` means it in every schema
    pub(crate) table: String,
    /// The key of the row: 1, or a=1,b=2, or a JSON object
    #[arg(value_parser = key)]
    pub(crate) key: RowKey,
    /// Only this database
    #[arg(long, value_name = "DATABASE")]
    pub(crate) database: Option<String>,
}

impl TheRow {
    pub(crate) fn query(&self) -> RowQuery {
        RowQuery::new(&self.table, self.key.clone()).in_database(self.database.clone())
    }
}

#[derive(Args, Debug)]
#[command(after_help = HISTORY)]
pub(crate) struct History {
    #[command(flatten)]
    pub(crate) row: TheRow,
    /// Only changes of this column
    #[arg(long, value_name = "COLUMN")]
    pub(crate) column: Option<String>,
    /// Only changes within this time (`90s`, `15m`, `1h`, `2d`, `1w`), or since a date or RFC 3339 time
    #[arg(long, value_name = "WHEN", value_parser = since)]
    pub(crate) since: Option<u64>,
}

const HISTORY: &str = "\
Changes are in the order of their commits. Where two processes committed at the same time and nothing says which was first, that is said. \
A writer is unknown if it did not say who it is: another program, or a connection without a context.

Examples:
  spanbridge state history orders 1
  spanbridge state history orders 1 --column status --since 2d
  spanbridge state history order_lines order_id=1,line=2

The exit code is 1 if no change of the row is recorded, or no change names the column.";

#[derive(Args, Debug)]
#[command(after_help = BLAME)]
pub(crate) struct Blame {
    #[command(flatten)]
    pub(crate) row: TheRow,
}

const BLAME: &str = "\
Whoever writes a column with the value that it has already is not named.

Examples:
  spanbridge state blame orders 1
  spanbridge state blame customers email=ada@example.com --database crm

The exit code is 1 if no change of the row is recorded.";

fn key(text: &str) -> Result<RowKey, String> {
    RowKey::parse(text).ok_or_else(|| "expected 1, a=1,b=2 or a JSON object".to_owned())
}
