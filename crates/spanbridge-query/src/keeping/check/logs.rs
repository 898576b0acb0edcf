//! Checking the logs.

use super::report::{CheckReport, Problem, Progress};
use crate::{Error, ErrorKind, Result};
use spanbridge_store::log::{self, LogFile, LogName, LogReader, Step};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

const DAMAGED: &str =
    "The records there are lost; all others are read. Check the disk, and restore a backup if you need them.";
const FOLDED: &str = "It was folded before, so the index may have it. Check the disk.";
const NEWER: &str = "Update spanbridge.";
const SHORTER: &str = "The file was cut or replaced after it was folded. What was folded is in the index. Nothing needs to be \
                       done unless the file was copied there by mistake.";

/// Reads every frame of every log.
pub(super) fn check(
    directory: &Path,
    folded: &BTreeMap<LogName, u64>,
    report: &mut CheckReport,
    progress: &mut dyn FnMut(Progress),
) -> Result<()> {
    let files = log::list(directory)?;
    let total = files.iter().map(|file| file.length).sum();
    let now = SystemTime::now();
    let mut done = 0;
    for file in &files {
        progress(Progress { what: "logs", done, total });
        let passed = folded.get(&file.name).copied().unwrap_or(0);
        match check_file(file, passed, file.is_closed(&files, now), report) {
            // It was folded and removed meanwhile.
            Err(e) if e.kind() == ErrorKind::NotFound => continue,
            Err(e) if e.kind() == ErrorKind::NewerFormat => {
                report.add(Problem::new("log_newer", format!("{}: a newer release wrote it", file.name), NEWER));
            }
            other => other?,
        }
        report.logs.files += 1;
        report.logs.bytes += file.length;
        report.logs.unfolded += file.length.saturating_sub(passed);
        done += file.length;
    }
    progress(Progress { what: "logs", done: total, total });
    Ok(())
}

fn check_file(file: &LogFile, passed: u64, is_closed: bool, report: &mut CheckReport) -> Result<()> {
    let name = file.name;
    let mut reader = LogReader::open(&file.path, 0)?;
    // An offset that is folded is one between frames.
    let mut is_between = passed == 0 || passed == reader.at();
    let fix = |to: u64| if to <= passed { FOLDED } else { DAMAGED };
    loop {
        match reader.step()? {
            Step::Frame(frame) => {
                is_between |= passed == frame.to;
                let mut records = 0;
                let read = frame.records(|_| records += 1).map_err(Error::from);
                let what = match read {
                    Ok(()) if records == frame.directory.records => None,
                    Ok(()) => Some(format!("it has {records} records, not {}", frame.directory.records)),
                    Err(e) => Some(e.to_string()),
                };
                if let Some(what) = what {
                    let (from, to) = (frame.from, frame.to);
                    report.add(Problem::new("log_damaged", format!("{name}, bytes {from} to {to}: {what}"), fix(to)));
                }
                report.logs.deliveries += 1;
                report.logs.records += records;
            }
            Step::Damaged { from, to, why } => {
                is_between |= (from..=to).contains(&passed);
                report.add(Problem::new("log_damaged", format!("{name}, bytes {from} to {to}: {why}"), fix(to)));
            }
            Step::End { at, rest } => {
                is_between |= (at..=at + rest).contains(&passed);
                if (at + 1..=at + rest).contains(&passed) && !is_closed {
                    // It was whole when it was folded: what is incomplete is passed in closed files only.
                    let what =
                        format!("{name}, bytes {at} to {}: they were folded, and cannot be read any more", at + rest);
                    report.add(Problem::new("log_damaged", what, FOLDED));
                } else if rest > 0 && is_closed && passed <= at {
                    // Once it is folded, the index says so.
                    let why = "a process died while it wrote the last delivery, or the end is damaged";
                    report.losses.push(format!("{name}, bytes {at} to {}: {why}", at + rest));
                }
                if !is_between {
                    let what = format!(
                        "{name}: it is folded up to byte {passed}, where no delivery ends; the last ends at {at}"
                    );
                    report.add(Problem::new("log_shorter", what, SHORTER));
                }
                return Ok(());
            }
        }
    }
}
