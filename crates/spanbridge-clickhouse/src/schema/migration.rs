//! From earlier versions of the schema to the newest one.
//!
//! The new tables and their views are there by now, so what is inserted meanwhile is in them. What was inserted before is added to
//! them. Doing that again changes nothing, so several writers may do it at once, and one that fails is simply run again.

use super::feeds;
use crate::client::{Client, broken};
use crate::error::Result;

/// Runs whose ids begin with one of so many digits are done in one statement, so that no statement takes long.
const PARTS: u8 = 16;

/// The first version had a table of runs, in the order of their times.
pub(super) fn from_first(client: &Client) -> Result<()> {
    let local = if client.address.cluster.is_some() { "_local" } else { "" };
    let mut days = Vec::new();
    let mut rows = client.query("SELECT DISTINCT toUInt16(day) FROM record", &[])?;
    while !rows.is_at_end().map_err(|error| broken(&error))? {
        days.push(rows.u16().map_err(|error| broken(&error))?);
    }
    for day in days {
        for part in 0..PARTS {
            let first = format!("run >= unhex('{part:x}{}')", "0".repeat(31));
            let last = format!("run <= unhex('{part:x}{}')", "f".repeat(31));
            let some = format!(" AND day = toDate({day}) AND {first} AND {last}");
            for (table, feed) in [("summary", feeds::summary()), ("active", feeds::active())] {
                let select = feed.replace("{local}", local).replace("{some}", &some);
                client.run_everywhere(&format!("INSERT INTO {table}{local} {select}"), &[])?;
            }
        }
    }
    for table in ["run_feed", "run", "run_local"] {
        client.run_everywhere(&format!("DROP TABLE IF EXISTS {table}"), &[])?;
    }
    Ok(())
}
