//! Opens the page for whoever started the demo by hand.

use std::env::consts::OS;
use std::io::{self, IsTerminal};
use std::process::Stdio;
use tokio::process::Command;

/// Opens this address in a browser, if somebody sits before a screen. If that fails, it is no error: the address was printed.
pub(crate) fn open(url: &str) {
    let is_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    if let (true, Some(opener)) = (is_terminal, opener(OS, variable)) {
        start(&opener, url);
    }
}

/// What opens addresses on this system. `None`: there is no screen, or nobody wants it.
fn opener(system: &str, variable: impl Fn(&str) -> Option<String>) -> Option<Vec<String>> {
    let is_remote = variable("SSH_CONNECTION").is_some();
    let has_screen = match system {
        "macos" | "windows" => !is_remote,
        _ => ["DISPLAY", "WAYLAND_DISPLAY"].into_iter().any(|name| variable(name).is_some()),
    };
    let words: &[&str] = match (system, variable("BROWSER")) {
        (_, Some(browser)) if browser == "none" => return None,
        _ if !has_screen => return None,
        // `xdg-open` looks at `BROWSER` itself.
        ("macos", _) => &["open"],
        // `start` takes the first argument in quotation marks for a title.
        ("windows", _) => &["cmd", "/c", "start", ""],
        _ => &["xdg-open"],
    };
    Some(words.iter().map(|word| (*word).to_owned()).collect())
}

/// Starts it, without waiting for its end.
fn start(opener: &[String], url: &str) {
    let [program, arguments @ ..] = opener else { return };
    let mut command = Command::new(program);
    command.args(arguments).arg(url);
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    if let Ok(mut child) = child {
        tokio::spawn(async move { drop(child.wait().await) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_opened_on_a_screen_alone() {
        for (system, variables, expected) in [
            ("linux", &[("DISPLAY", ":0")][..], "xdg-open"),
            ("linux", &[("WAYLAND_DISPLAY", "wayland-0")], "xdg-open"),
            ("linux", &[("DISPLAY", "localhost:10.0"), ("SSH_CONNECTION", "10.0.0.1")], "xdg-open"),
            ("linux", &[("DISPLAY", ":0"), ("BROWSER", "firefox")], "xdg-open"),
            ("freebsd", &[("DISPLAY", ":0")], "xdg-open"),
            ("macos", &[], "open"),
            ("windows", &[], "cmd /c start "),
            ("linux", &[], ""),
            ("linux", &[("SSH_CONNECTION", "10.0.0.1")], ""),
            ("macos", &[("SSH_CONNECTION", "10.0.0.1")], ""),
            ("linux", &[("DISPLAY", ":0"), ("BROWSER", "none")], ""),
            ("macos", &[("BROWSER", "none")], ""),
        ] {
            let variable = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, v)| (*v).to_owned());
            let opener = opener(system, variable).unwrap_or_default().join(" ");
            assert_eq!(opener, expected, "{system}: {variables:?}");
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn the_address_is_its_last_argument() {
        let dir = tempfile::tempdir().unwrap();
        let told = dir.path().join("told");
        let opener = ["sh", "-c", r#"printf %s "$1" > "$0.new" && mv "$0.new" "$0""#, told.to_str().unwrap()];
        start(&opener.map(str::to_owned), "http://127.0.0.1:1/runs/1");
        let begun = std::time::Instant::now();
        while !told.exists() && begun.elapsed().as_secs() < 20 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        assert_eq!(std::fs::read_to_string(told).unwrap(), "http://127.0.0.1:1/runs/1");
        // What is not there is no error.
        start(&["/no such opener".to_owned()], "http://127.0.0.1:1");
        start(&[], "http://127.0.0.1:1");
    }
}
