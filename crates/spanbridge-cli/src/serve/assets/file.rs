//! A file of the page.

use crate::serve::files::{PAGE, embedded};
use bytes::Bytes;
use std::path::{Component, Path};

/// A file of the page.
pub(in crate::serve) struct File {
    pub(in crate::serve) content: Bytes,
    pub(in crate::serve) media: &'static str,
    /// Changes when the content does.
    pub(in crate::serve) tag: String,
}

impl File {
    /// A file in the binary.
    pub(super) fn embedded(name: &str) -> Option<Self> {
        let (name, content, hash) = embedded(PAGE, name)?;
        let media = media(name)?;
        Some(Self { content: Bytes::from_static(content), media, tag: format!("\"{hash:016x}\"") })
    }

    /// A file below this directory. It is sent each time.
    pub(super) fn read(directory: &Path, name: &str) -> Option<Self> {
        let is_below = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
        let path = directory.join(name);
        let content = if is_below { std::fs::read(path).ok()? } else { return None };
        Some(Self { content: content.into(), media: media(name)?, tag: String::new() })
    }
}

/// The media type of a file with this name. `None`: not of the page.
fn media(name: &str) -> Option<&'static str> {
    let (_, extension) = name.rsplit_once('.')?;
    Some(match extension {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        "json" => "application/json",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_has_a_media_type() {
        assert!(PAGE.iter().all(|(name, ..)| File::embedded(name).is_some()));
        assert!(File::embedded("index.html").is_some());
    }

    #[test]
    fn files_are_below_the_directory() {
        let root = tempfile::tempdir().unwrap();
        let page = root.path().join("page");
        std::fs::create_dir_all(page.join("run")).unwrap();
        std::fs::write(root.path().join("secret.txt"), "no").unwrap();
        std::fs::write(page.join("run/a.js"), "yes").unwrap();
        assert!(File::read(&page, "run/a.js").is_some());
        let outside = root.path().join("secret.txt");
        for name in ["../secret.txt", "run/../../secret.txt", "./run/a.js", "run", "", outside.to_str().unwrap()] {
            assert!(File::read(&page, name).is_none(), "{name}");
        }
    }
}
