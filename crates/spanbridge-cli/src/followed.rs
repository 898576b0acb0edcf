//! Notes in a store of the slots that were followed into it. A slot that nobody follows any more fills the disk of its server, so
//! [`doctor`](crate::answers::doctor) shows them.

use crate::values::now;
use serde_json::{Value, json};
use spanbridge::record::{format_time, parse_time};
use spanbridge_graph::hash::{join, stable};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A slot that is or was followed, and how it was at last.
#[derive(Clone, Debug, PartialEq)]
pub struct Followed {
    /// The identifier of the server.
    pub system_identifier: u64,
    /// Host, port and database.
    pub server: String,
    /// The name of the slot.
    pub slot: String,
    /// The name of the publication.
    pub publication: String,
    /// The host from which it is followed.
    pub host: String,
    /// The process that follows it.
    pub pid: u32,
    /// When that began, in nanoseconds since the Unix epoch.
    pub started_at: u64,
    /// When it was followed last.
    pub followed_at: u64,
    /// Up to where everything is stored.
    pub position: String,
    /// Bytes of the log that the server kept for it.
    pub kept_bytes: Option<u64>,
    /// Bytes that it keeps at most. `None`: any number.
    pub max_kept_bytes: Option<u64>,
}

/// How the files are called.
const PREFIX: &str = "followed-";
const SUFFIX: &str = ".json";

impl Followed {
    /// As JSON: the form of the file, and of what `doctor` answers.
    pub fn json(&self) -> Value {
        let mut json = json!({
            "slot": self.slot,
            "publication": self.publication,
            "server": self.server,
            "systemIdentifier": self.system_identifier.to_string(),
            "host": self.host,
            "pid": self.pid,
            "startedAt": format_time(self.started_at),
            "followedAt": format_time(self.followed_at),
            "position": self.position,
        });
        for (key, bytes) in [("keptBytes", self.kept_bytes), ("maxKeptBytes", self.max_kept_bytes)] {
            if let Some(bytes) = bytes {
                json[key] = json!(bytes);
            }
        }
        json
    }

    fn from_json(json: &Value) -> Option<Self> {
        let text = |key: &str| json[key].as_str().map(str::to_owned);
        let time = |key: &str| parse_time(json[key].as_str()?);
        Some(Self {
            system_identifier: json["systemIdentifier"].as_str()?.parse().ok()?,
            server: text("server")?,
            slot: text("slot")?,
            publication: text("publication")?,
            host: text("host")?,
            pid: u32::try_from(json["pid"].as_u64()?).ok()?,
            started_at: time("startedAt")?,
            followed_at: time("followedAt")?,
            position: text("position")?,
            kept_bytes: json["keptBytes"].as_u64(),
            max_kept_bytes: json["maxKeptBytes"].as_u64(),
        })
    }

    /// All notes in this store, the slot that was followed last first. What cannot be read is left out.
    pub fn all(store: &Path) -> Vec<Self> {
        let Ok(directory) = directory(store) else { return Vec::new() };
        let files = fs::read_dir(directory).into_iter().flatten().flatten();
        let is_note = |name: &str| name.starts_with(PREFIX) && name.ends_with(SUFFIX);
        let notes = files.filter(|file| file.file_name().to_str().is_some_and(is_note));
        let mut all: Vec<Self> = notes.filter_map(|file| read(&file.path())).collect();
        all.sort_by(|a, b| b.followed_at.cmp(&a.followed_at).then_with(|| a.slot.cmp(&b.slot)));
        all
    }

    /// The note of this slot.
    pub fn read(store: &Path, system_identifier: u64, slot: &str) -> Option<Self> {
        read(&path(store, system_identifier, slot).ok()?)
    }

    /// Writes the note, in place of the one before.
    ///
    /// # Errors
    /// Those of the system.
    pub fn write(&self, store: &Path) -> io::Result<()> {
        let path = path(store, self.system_identifier, &self.slot)?;
        let new = path.with_extension(format!("json.{}", std::process::id()));
        let text = format!("{:#}\n", self.json());
        fs::write(&new, text).and_then(|()| fs::rename(&new, &path)).inspect_err(|_| drop(fs::remove_file(&new)))
    }

    /// Removes the note of this slot, if there is one.
    ///
    /// # Errors
    /// Those of the system.
    pub fn remove(store: &Path, system_identifier: u64, slot: &str) -> io::Result<()> {
        match fs::remove_file(path(store, system_identifier, slot)?) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        }
    }

    /// How long nobody has followed it.
    pub fn silent_for(&self) -> std::time::Duration {
        std::time::Duration::from_nanos(now().saturating_sub(self.followed_at))
    }
}

fn read(path: &Path) -> Option<Followed> {
    Followed::from_json(&serde_json::from_slice(&fs::read(path).ok()?).ok()?)
}

fn directory(store: &Path) -> io::Result<PathBuf> {
    spanbridge_store::resolve(store).map(|location| location.directory).map_err(io::Error::other)
}

fn path(store: &Path, system_identifier: u64, slot: &str) -> io::Result<PathBuf> {
    let hash = join(system_identifier, stable(slot.as_bytes()));
    Ok(directory(store)?.join(format!("{PREFIX}{hash:016x}{SUFFIX}")))
}

/// The name of this host.
pub fn host_name() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").ok().or_else(|| std::env::var("HOSTNAME").ok());
    let name = name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    name.unwrap_or_else(|| "unknown".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(name: &str, followed_at: u64) -> Followed {
        Followed {
            system_identifier: u64::MAX,
            server: "db.example.com:5432/shop".to_owned(),
            slot: name.to_owned(),
            publication: "spanbridge".to_owned(),
            host: "web-1".to_owned(),
            pid: 7,
            started_at: 1_000_000_000,
            followed_at,
            position: "0/16B3748".to_owned(),
            kept_bytes: Some(4096),
            max_kept_bytes: None,
        }
    }

    #[test]
    fn notes_are_read_as_written() {
        let store = tempfile::tempdir().expect("a directory");
        let (one, other) = (slot("one", 2_000_000_000), slot("other", 3_000_000_000));
        assert_eq!(Followed::all(store.path()), []);
        one.write(store.path()).expect("written");
        other.write(store.path()).expect("written");
        fs::write(store.path().join("followed-broken.json"), "{").expect("written");
        assert_eq!(Followed::all(store.path()), [other.clone(), one.clone()]);
        let later = Followed { followed_at: 4_000_000_000, ..one };
        later.write(store.path()).expect("written again");
        assert_eq!(Followed::all(store.path()), [later, other]);
        Followed::remove(store.path(), u64::MAX, "one").expect("removed");
        Followed::remove(store.path(), u64::MAX, "one").expect("removed again");
        assert_eq!(Followed::all(store.path()).len(), 1);
        assert_eq!(Followed::read(store.path(), 1, "other"), None);
    }
}
