//! The rooms of the core, of the store and of the OpenTelemetry crate are layers: each room uses only the rooms before it.
//! So you can read, test and change a room without the later ones.

use crate::circles::line_of;
use crate::imports::edges;
use crate::source::{Tree, packages};

/// The rooms of a crate.
struct Layers {
    package: &'static str,
    /// Files that every room may use: names, and helpers that the standard library lacks. They use no room.
    shared: &'static [&'static str],
    /// The rooms, in order. The last entries put them together.
    rooms: &'static [&'static str],
}

const CORE: Layers = Layers {
    package: "spanbridge",
    shared: &["cut", "fork", "panics", "semconv", "text"],
    rooms: &[
        "buffer",
        "context",
        "stand_in",
        "encoder",
        "carrier",
        "span",
        "messaging",
        "agent",
        "adapter",
        "record",
        "recorder",
        "conformance",
        "__private",
        "lib",
    ],
};

/// What deliveries look like comes first, then where they are kept.
const STORE: Layers = Layers {
    package: "spanbridge-store",
    shared: &["error", "path"],
    rooms: &["codec", "delivery", "log", "location", "file", "write", "sink", "install", "lib"],
};

/// The wire comes first, then what of it is a span of ours, then where spans go.
const OTEL: Layers = Layers {
    package: "spanbridge-otel",
    shared: &["error"],
    rooms: &["otlp", "spans", "export", "sdk", "metrics", "bridge", "lib"],
};

const TRACING: Layers =
    Layers { package: "spanbridge-tracing", shared: &[], rooms: &["spans", "fields", "layer", "fmt", "lib"] };

#[test]
fn no_room_uses_a_later_one() {
    for layers in [CORE, STORE, OTEL, TRACING] {
        let package = packages().into_iter().find(|package| package.name == layers.package).unwrap();
        let tree = package.trees().remove(0);
        let problems = problems(&layers, &tree, &|file, line| line_of(&package.directory, file, line));
        assert!(problems.is_empty(), "\n{}", problems.join("\n"));
    }
}

/// Every line that uses a later room, and every file that is in no room. `text` reads a line of a file.
fn problems(layers: &Layers, tree: &Tree, text: &dyn Fn(&str, usize) -> String) -> Vec<String> {
    let mut problems = Vec::new();
    for file in tree.files.iter().filter(|file| layers.place(file).is_none()) {
        problems.push(format!("{file} is in no room; the order is in crates/xtask/tests/structure/rooms.rs"));
    }
    for edge in edges(tree) {
        let (from, to) = (&tree.files[edge.from], &tree.files[edge.to]);
        let runs_up = match (layers.place(from), layers.place(to)) {
            (Some(Place::Shared), Some(Place::Room(_))) => true,
            (Some(Place::Room(from)), Some(Place::Room(to))) => from < to,
            _ => false,
        };
        if runs_up {
            let text = text(from, edge.line);
            problems.push(format!("{from}:{} uses {to}, which is in a later room   {text}", edge.line));
        }
    }
    problems
}

#[derive(PartialEq)]
enum Place {
    Shared,
    Room(usize),
}

impl Layers {
    fn place(&self, file: &str) -> Option<Place> {
        let inside = file.strip_prefix("src/")?;
        let room = inside.split_once('/').map_or_else(|| inside.strip_suffix(".rs"), |(room, _)| Some(room))?;
        if self.shared.contains(&room) {
            return Some(Place::Shared);
        }
        self.rooms.iter().position(|known| *known == room).map(Place::Room)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_use_of_a_later_room_is_reported() {
        let files = [
            ("src/lib.rs", "mod context; mod span; mod text; mod attic; pub use span::Span; pub use context::Context;"),
            ("src/context/mod.rs", "mod ids;\npub struct Context;"),
            ("src/context/ids.rs", "use crate::text::cut;\nuse crate::Context;\nfn f(_: &crate::Span) {}"),
            ("src/span/mod.rs", "use crate::Context;\npub struct Span(Context);"),
            ("src/text.rs", "use crate::Context;\npub(crate) fn cut(_: Context) {}"),
            ("src/attic.rs", ""),
        ];
        let read = |path: &str| files.iter().find(|(name, _)| *name == path).map(|(_, text)| (*text).to_owned());
        let line = |file: &str, line: usize| read(file).unwrap().lines().nth(line - 1).unwrap().to_owned();
        let problems = problems(&CORE, &Tree::read("src/lib.rs", &read).unwrap(), &line);
        assert_eq!(
            problems,
            [
                "src/attic.rs is in no room; the order is in crates/xtask/tests/structure/rooms.rs",
                "src/text.rs:1 uses src/context/mod.rs, which is in a later room   use crate::Context;",
                "src/context/ids.rs:3 uses src/span/mod.rs, which is in a later room   fn f(_: &crate::Span) {}",
            ]
        );
    }
}
