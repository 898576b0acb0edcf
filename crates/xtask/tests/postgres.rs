//! The private PostgreSQL: it survives a crash with its data, disturbs no other one, and leaves nothing behind, however the
//! process that started it ends. If there can be none, the command says so.

mod support;

use std::process::Command;

use rustix::process::Signal;
use support::{Foreground, accepts, processes_of};
use xtask::postgres::{Server, installed};

const POSTGRES: Foreground = Foreground {
    task: "postgres",
    address: "POSTGRES_URL=postgres://postgres@127.0.0.1:",
    directory: "SPANBRIDGE_TEST_POSTGRES_DIR=",
    processes: 1,
};
const NOT_HERE: &str = "PostgreSQL is not installed; `cargo xtask postgres` installs it if it can";

/// What `psql` printed.
fn sql(url: &str, statement: &str) -> String {
    let psql = installed().unwrap().join("psql");
    let output = Command::new(psql).args([url, "-XAtqc", statement]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

/// The segments of System V shared memory on this machine.
fn segments() -> Vec<String> {
    let listed = std::fs::read_to_string("/proc/sysvipc/shm").unwrap();
    listed.lines().skip(1).filter_map(|line| line.split_whitespace().nth(1)).map(str::to_owned).collect()
}

/// The segment of a server: the second number in a line of the file with its pid.
fn segment(server: &Server) -> String {
    let noted = std::fs::read_to_string(server.directory().join("data/postmaster.pid")).unwrap();
    noted.lines().nth(6).unwrap().split_whitespace().nth(1).unwrap().to_owned()
}

/// With what was committed, even while a statement runs; and another server notices nothing.
#[test]
fn a_killed_server_comes_back_alone() {
    if installed().is_none() {
        return xtask::skip(NOT_HERE);
    }
    let (server, other) = (Server::start().unwrap(), Server::start().unwrap());
    assert_ne!(server.url(), other.url());
    assert_eq!(sql(server.url(), "show wal_level"), "logical");
    let other_pid = other.pid();
    sql(server.url(), "create table kept as select 7 as seven");
    let mut busy = Command::new(installed().unwrap().join("psql"))
        .args([server.url(), "-Xqc", "do $$ begin perform count(*) from generate_series(1, 10000000000); end $$"])
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    while sql(server.url(), "select count(*) from pg_stat_activity where query ~ '^do '") != "1" {}

    server.kill().unwrap();
    assert!(!busy.wait().unwrap().success());
    assert_eq!(server.pid(), None);
    assert!(!accepts(server.port()));
    server.kill().unwrap();

    server.restart().unwrap();
    assert_eq!(sql(server.url(), "select seven from kept"), "7");

    let script = |name: &str| Command::new("sh").arg(server.directory().join(name)).status().unwrap().success();
    let pid = server.pid();
    assert!(script("kill") && !accepts(server.port()));
    assert!(script("start") && accepts(server.port()));
    assert_ne!(server.pid(), pid);

    assert!(accepts(other.port()));
    assert_eq!(other.pid(), other_pid);
    assert_eq!(sql(other.url(), "select to_regclass('kept') is null"), "t");

    // One server runs at its end, and one has been killed.
    let left = [segment(&server), segment(&other)];
    server.kill().unwrap();
    let directories = [server.directory().to_owned(), other.directory().to_owned()];
    drop((server, other));
    for directory in directories {
        assert_eq!(processes_of(&directory), 0);
        assert!(!directory.exists());
    }
    let remaining: Vec<_> = segments().into_iter().filter(|id| left.contains(id)).collect();
    assert!(remaining.is_empty(), "{remaining:?}");
}

/// Also after a signal while it starts: its directory is created, then the server boots.
#[test]
fn nothing_is_left_however_it_ends() {
    if installed().is_none() {
        return xtask::skip(NOT_HERE);
    }
    POSTGRES.leaves_nothing_when_it_ends(&[(Signal::INT, Some(130)), (Signal::TERM, Some(143)), (Signal::KILL, None)]);
    for phase in ["initdb.log", "node.group"] {
        POSTGRES.leaves_nothing_when_it_starts(phase, &[Signal::INT, Signal::KILL]);
    }
}

/// A machine with nothing but a shell.
#[test]
fn without_postgres_the_command_runs() {
    let bin = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    std::os::unix::fs::symlink("/bin/sh", bin.path().join("sh")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["postgres", "--", "sh", "-c", "exit 7"])
        .envs([("POSTGRES_URL", ""), ("DOCKER_HOST", "unix:///nowhere")])
        .envs([("PATH", bin.path()), ("POSTGRES_BIN", bin.path())])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(7));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.trim_end().ends_with(
            "xtask: not shown: PostgreSQL: none (failed to find PostgreSQL: install it (apt-get \
        install postgresql, as root), or set POSTGRES_BIN to its bin directory): its tests are skipped"
        ),
        "{said}"
    );
}
