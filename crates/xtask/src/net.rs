//! Finds free ports, and checks whether a service answers at an address.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, ToSocketAddrs};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};

const TIMEOUT: Duration = Duration::from_secs(5);

/// Is this loopback port free now?
pub(crate) fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// Fails unless an AMQP 0-9-1 broker answers at `url` (`amqp://[user:password@]host[:port][/vhost]`).
///
/// For `amqps`, an accepted TCP connection is enough. Credentials are not checked.
pub(crate) fn probe_amqp(url: &str) -> Result<()> {
    let (scheme, host, port) = authority(url)?;
    let mut stream = connect(host, port)?;
    if scheme == "amqps" {
        return Ok(());
    }
    let mut frame = [0; 11];
    stream.write_all(b"AMQP\x00\x00\x09\x01").context("failed to send the AMQP greeting")?;
    stream.read_exact(&mut frame).context("failed to read an answer to the AMQP greeting")?;
    // A method frame on channel 0 that holds connection.start: class 10, method 10.
    if frame[..3] != [1, 0, 0] || frame[7..] != [0, 10, 0, 10] {
        bail!("the server does not speak AMQP 0-9-1");
    }
    Ok(())
}

/// Fails unless Kafka answers a metadata request at one of `host:port,host:port`.
pub(crate) fn probe_kafka(servers: &str) -> Result<()> {
    let mut failure = anyhow!("failed to find host:port in {servers:?}");
    for server in servers.split(',').map(str::trim).filter(|server| !server.is_empty()) {
        match split_port(server, 9092).and_then(|(host, port)| ask_for_metadata(connect(host, port)?)) {
            Ok(()) => return Ok(()),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// Sends version 4 of the request, which every broker since 0.11 knows, for no topic.
fn ask_for_metadata(mut stream: TcpStream) -> Result<()> {
    const ID: [u8; 4] = *b"xtsk";
    let request = [
        [0, 3, 0, 4].as_slice(), // metadata, version 4
        &ID,
        &[0, 5],
        b"xtask",
        &[0, 0, 0, 0], // an empty list of topics
        &[0],          // create none
    ]
    .concat();
    stream.write_all(&(request.len() as u32).to_be_bytes()).and_then(|()| stream.write_all(&request))?;
    // The size, the request's id, the throttle time, the number of brokers.
    let mut answer = [0; 16];
    stream.read_exact(&mut answer).context("failed to read an answer to the metadata request")?;
    if answer[4..8] != ID {
        bail!("the server does not speak Kafka's protocol");
    }
    if answer[12..] == [0; 4] {
        bail!("the broker's metadata lists no brokers");
    }
    Ok(())
}

/// Fails unless PostgreSQL answers at `url` (`postgres://[user[:password]@]host[:port][/database]`).
///
/// Credentials are not checked, and a server behind a Unix socket is not asked.
pub(crate) fn probe_postgres(url: &str) -> Result<()> {
    let (_, host, port) = authority(url)?;
    if host.starts_with(['/', '%']) || url.contains("host=/") || url.contains("host=%2F") {
        return Ok(());
    }
    let mut stream = connect(host, port)?;
    let mut answer = [0];
    // A request for TLS: its size, and a code. The answer is one letter.
    stream.write_all(&[0, 0, 0, 8, 4, 210, 22, 47]).context("failed to send a request for TLS")?;
    stream.read_exact(&mut answer).context("failed to read an answer to the request for TLS")?;
    if !b"SN".contains(&answer[0]) {
        bail!("the server does not speak PostgreSQL's protocol");
    }
    Ok(())
}

/// Fails unless ClickHouse answers at each node of `url` (`clickhouse://[user[:password]@]host[:port][,host[:port]…][/database]`),
/// whose ports are those for HTTP.
///
/// Credentials are not checked.
pub(crate) fn probe_clickhouse(url: &str) -> Result<()> {
    let Some(rest) = url.strip_prefix("clickhouse://") else { bail!("the URL does not begin with clickhouse://") };
    let nodes = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let nodes = nodes.rsplit_once('@').map_or(nodes, |(_, nodes)| nodes);
    for node in nodes.split(',') {
        let (host, port) = split_port(node, 8123)?;
        ping(connect(if host.is_empty() { "localhost" } else { host }, port)?)
            .with_context(|| format!("failed to ask {node}"))?;
    }
    Ok(())
}

fn ping(mut stream: TcpStream) -> Result<()> {
    let request = b"GET /ping HTTP/1.0\r\n\r\n";
    stream.write_all(request).context("failed to send a request")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).context("failed to read an answer to the request")?;
    if !answer.starts_with(b"HTTP/1.") || !answer.ends_with(b"Ok.\n") {
        bail!("the server is no ClickHouse, or its port is not that for HTTP");
    }
    Ok(())
}

fn connect(host: &str, port: u16) -> Result<TcpStream> {
    let mut failure = anyhow!("failed to find an address of {host}");
    for address in (host, port).to_socket_addrs().with_context(|| format!("failed to look up {host}"))? {
        match TcpStream::connect_timeout(&address, TIMEOUT) {
            Ok(stream) => {
                stream.set_read_timeout(Some(TIMEOUT))?;
                stream.set_write_timeout(Some(TIMEOUT))?;
                return Ok(stream);
            }
            Err(error) => failure = anyhow!(error).context(format!("failed to connect to {address}")),
        }
    }
    Err(failure)
}

fn authority(url: &str) -> Result<(&str, &str, u16)> {
    let (scheme, default_port, rest) = match url.split_once("://") {
        Some(("amqp", rest)) => ("amqp", 5672, rest),
        Some(("amqps", rest)) => ("amqps", 5671, rest),
        Some((scheme @ ("postgres" | "postgresql"), rest)) => (scheme, 5432, rest),
        _ => bail!("the URL begins with none of amqp://, amqps://, postgres:// and postgresql://"),
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let server = authority.rsplit_once('@').map_or(authority, |(_, server)| server);
    let (host, port) = split_port(server, default_port)?;
    Ok((scheme, if host.is_empty() { "localhost" } else { host }, port))
}

fn split_port(server: &str, default: u16) -> Result<(&str, u16)> {
    let (host, port) = match server.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, port)) => (host, port.strip_prefix(':')),
        None => server.split_once(':').map_or((server, None), |(host, port)| (host, Some(port))),
    };
    let port =
        port.map_or(Ok(default), str::parse).with_context(|| format!("failed to read the port in {server:?}"))?;
    Ok((host, port))
}

/// The URL without its password, for messages.
pub(crate) fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    match rest.rsplit_once('@') {
        Some((user, server)) => format!("{scheme}://{}:***@{server}", user.split(':').next().unwrap_or_default()),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_host_and_port_in_every_form_of_url() {
        let cases = [
            ("amqp://localhost", ("amqp", "localhost", 5672)),
            ("amqp://guest:gu%40est@broker:5673/%2f", ("amqp", "broker", 5673)),
            ("amqps://u:p@mq.example.org/vhost?heartbeat=5", ("amqps", "mq.example.org", 5671)),
            ("amqp://[::1]:5674/", ("amqp", "::1", 5674)),
            ("amqp://", ("amqp", "localhost", 5672)),
            ("postgres://u:p@db/orders?sslmode=disable", ("postgres", "db", 5432)),
            ("postgresql://db:5433", ("postgresql", "db", 5433)),
        ];
        for (url, expected) in cases {
            assert_eq!(authority(url).unwrap(), expected, "{url}");
        }
        for url in ["", "localhost:5672", "http://localhost", "amqp://localhost:port"] {
            assert!(authority(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_silent_or_foreign_listener_is_no_broker() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("amqp://{}", listener.local_addr().unwrap());
        let peer = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").unwrap();
            let _ = stream.read(&mut [0; 64]);
        });
        assert!(probe_amqp(&url).unwrap_err().to_string().contains("does not speak AMQP"));
        peer.join().unwrap();
        assert!(probe_amqp(&url).unwrap_err().to_string().contains("failed to connect"));
    }

    #[test]
    fn kafka_answers_a_metadata_request() {
        let probe = |answer: &'static [u8]| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let servers = format!("127.0.0.1:1, {}", listener.local_addr().unwrap());
            let peer = std::thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = [0; 24];
                stream.read_exact(&mut request).unwrap();
                assert_eq!(request, *b"\0\0\0\x14\0\x03\0\x04xtsk\0\x05xtask\0\0\0\0\0");
                stream.write_all(answer).unwrap();
            });
            let result = probe_kafka(&servers).map_err(|error| error.to_string());
            peer.join().unwrap();
            result
        };
        assert_eq!(probe(b"\0\0\0\x40xtsk\0\0\0\0\0\0\0\x01..."), Ok(()));
        let failed = |answer| probe(answer).unwrap_err();
        assert_eq!(failed(b"\0\0\0\x40xtsk\0\0\0\0\0\0\0\0"), "the broker's metadata lists no brokers");
        assert!(failed(b"SSH-2.0-OpenSSH_9.2\r\n").contains("does not speak"));
        assert!(failed(b"").contains("failed to read an answer"));
        assert!(probe_kafka("127.0.0.1:1").unwrap_err().to_string().contains("failed to connect"));
        assert!(probe_kafka(" , ").unwrap_err().to_string().contains("failed to find host:port"));
    }

    #[test]
    fn postgres_answers_a_request_for_tls() {
        let probe = |answer: &'static [u8]| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let url = format!("postgres://user@{}/db", listener.local_addr().unwrap());
            let peer = std::thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = [0; 8];
                stream.read_exact(&mut request).unwrap();
                // The code is 1234 and 5679, 16 bits each.
                assert_eq!(request, [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);
                stream.write_all(answer).unwrap();
            });
            let result = probe_postgres(&url).map_err(|error| error.to_string());
            peer.join().unwrap();
            result
        };
        assert_eq!([probe(b"S"), probe(b"N")], [Ok(()), Ok(())]);
        assert!(probe(b"H").unwrap_err().contains("does not speak"));
        assert!(probe(b"").unwrap_err().contains("failed to read an answer"));
        assert_eq!(probe_postgres("postgres:///db?host=/run/postgresql").map_err(|error| error.to_string()), Ok(()));
    }

    #[test]
    fn every_node_of_clickhouse_has_to_answer() {
        let peer = |answer: &'static [u8]| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap().to_string();
            std::thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = [0; 22];
                stream.read_exact(&mut request).unwrap();
                stream.write_all(answer).unwrap();
            });
            address
        };
        let good = || peer(b"HTTP/1.0 200 OK\r\n\r\nOk.\n");
        let probe = |nodes: String| probe_clickhouse(&format!("clickhouse://u:p@{nodes}/db?cluster=c"));
        assert!(probe(format!("{},{}", good(), good())).is_ok());
        let other = peer(b"HTTP/1.0 200 OK\r\n\r\nhello");
        let failed = |nodes| format!("{:#}", probe(nodes).unwrap_err());
        assert_eq!(
            failed(format!("{},{other}", good())),
            format!("failed to ask {other}: the server is no ClickHouse, or its port is not that for HTTP")
        );
        assert!(failed(format!("{},127.0.0.1:1", good())).contains("failed to connect"));
        assert!(probe_clickhouse("http://127.0.0.1").is_err());
    }

    #[test]
    fn passwords_stay_out_of_messages() {
        assert_eq!(without_password("amqp://user:secret@host:1/v"), "amqp://user:***@host:1/v");
        assert_eq!(without_password("amqp://host"), "amqp://host");
    }
}
