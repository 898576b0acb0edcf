//! Many clients, and slow ones.

use crate::common::{Recording, run};
use crate::server::{Running, import, order, store};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};

const WAITING: &str = "spanbridge_serve_waiting_requests{kind=\"large\"} ";

/// A question is answered while these clients are connected: the server ends none of them to do so.
fn assert_answers_beside(server: &Running, clients: u32) {
    assert_eq!(server.json("/api/v1/runs")["runs"].as_array().unwrap().len(), 5);
    let open = server.get("/metrics").text;
    let open = open.lines().find_map(|line| line.strip_prefix("spanbridge_serve_connections ")).unwrap();
    assert!(open.parse::<u32>().unwrap() > clients, "{open}");
}

#[test]
fn a_thousand_idle_clients_disturb_nobody() {
    let (_dir, path) = store();
    import(&path, (1..6).flat_map(order));
    let server = Running::at(&path);
    // Half of them say nothing, the others begin a request and do not go on.
    let mut idle: Vec<TcpStream> = (0..1000).map(|_| server.connect()).collect();
    for client in idle.iter_mut().step_by(2) {
        client.write_all(b"GET /api/v1/runs HTTP/1.1\r\nHost: localhost\r\nX-Slow: ").unwrap();
    }
    assert_answers_beside(&server, 1000);
    // They are still welcome.
    idle[0].write_all(b"\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    idle[0].read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
}

#[test]
fn clients_that_do_not_read_disturb_nobody() {
    let (_dir, path) = store();
    import(&path, (1..6).flat_map(order));
    let server = Running::at(&path);
    let request = b"GET /api/v1/runs HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(50);
    let clients: Vec<TcpStream> = (0..40)
        .map(|_| {
            let mut client = server.connect();
            client.write_all(&request).unwrap();
            client
        })
        .collect();
    assert_answers_beside(&server, 40);
    drop(clients);
}

#[test]
fn heads_that_are_too_large_are_refused() {
    let (_dir, path) = store();
    let server = Running::at(&path);
    for head in [
        format!("X: {}\r\n", "y".repeat(200 << 10)),
        "X: y\r\n".repeat(200),
        format!("Cookie: {}\r\n", "z".repeat(500 << 10)),
    ] {
        let mut client = server.connect();
        let _ = client.write_all(format!("GET /healthz HTTP/1.1\r\nHost: localhost\r\n{head}\r\n").as_bytes());
        let mut answer = Vec::new();
        // The server may close while we still write.
        let _ = client.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    }
    assert_eq!(server.get("/healthz").status, 200);
}

/// Several questions about a large run are asked one after the other, and who asks about a small one waits for none of them. A
/// question goes on when its client has left, so a client that asks again and again would otherwise have all turns.
#[test]
fn a_large_run_is_in_nobodys_way() {
    let (_dir, path) = store();
    import(&path, (1..3).flat_map(order));
    let mut large = Recording::of(run(9), 9, "shop");
    let spans: Vec<_> = (1..25_000).map(|n| large.span(0x9000_0000 + n, 0, "work", n, n + 1)).collect();
    import(&path, spans);
    let server = Running::at(&path);
    let is_not_held_up = || {
        let answered = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| {
                    assert_eq!(server.get(&format!("/api/v1/runs/{}/doctor", run(9))).status, 200);
                    answered.fetch_add(1, Ordering::SeqCst);
                });
            }
            let is_full = || {
                let metrics = server.get("/metrics").text;
                let waiting = metrics.lines().find_map(|line| line.strip_prefix(WAITING));
                waiting.is_some_and(|waiting| waiting.parse::<u32>().unwrap() > 1)
            };
            while !is_full() {
                if answered.load(Ordering::SeqCst) == 6 {
                    return false;
                }
            }
            assert_eq!(server.get(&format!("/api/v1/runs/{}/rows", run(1))).status, 200);
            answered.load(Ordering::SeqCst) < 6
        })
    };
    // A busy machine may hold this thread up until all are answered. A fault shows itself each time.
    assert!(
        (0..6).any(|_| is_not_held_up()),
        "they are not asked one after the other, or a small run waits for large ones"
    );
}
