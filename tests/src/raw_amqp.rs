//! A minimal AMQP publisher, for a header table that no client library writes: one with a name that occurs twice.

use lapin::uri::AMQPUri;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

type Method = (u16, u16);

const START: Method = (10, 10);
const TUNE: Method = (10, 30);
const OPEN_OK: Method = (10, 41);
const CHANNEL_OPEN_OK: Method = (20, 11);
const SELECT_OK: Method = (85, 11);
const ACK: Method = (60, 80);

/// Publishes a message to a queue with these headers in this order, and waits for the broker's confirm.
///
/// # Panics
///
/// The broker does not confirm it.
pub fn publish_raw(url: &str, queue: &str, headers: &[(&str, &str)], body: &[u8]) {
    let uri: AMQPUri = url.parse().expect("AMQP_URL");
    let (user, authority) = (&uri.authority.userinfo, &uri.authority);
    let mut stream = TcpStream::connect((authority.host.as_str(), authority.port)).expect("connect to AMQP_URL");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a time limit");
    stream.write_all(b"AMQP\0\0\x09\x01").expect("write");
    expect(&mut stream, START);
    let login = format!("\0{}\0{}", user.username, user.password);
    let start_ok = [long(b""), short("PLAIN"), long(login.as_bytes()), short("en_US")];
    method(&mut stream, 0, (10, 11), &start_ok.concat());
    let limits = expect(&mut stream, TUNE);
    method(&mut stream, 0, (10, 31), &[&limits[..6], &[0, 0]].concat()); // no heartbeat
    method(&mut stream, 0, (10, 40), &[short(&uri.vhost), short(""), vec![0]].concat());
    expect(&mut stream, OPEN_OK);
    method(&mut stream, 1, (20, 10), &short(""));
    expect(&mut stream, CHANNEL_OPEN_OK);
    method(&mut stream, 1, (85, 10), &[0]);
    expect(&mut stream, SELECT_OK);
    method(&mut stream, 1, (60, 40), &[vec![0, 0], short(""), short(queue), vec![0]].concat());
    let table: Vec<u8> = headers
        .iter()
        .flat_map(|(name, value)| [short(name), b"S".to_vec(), long(value.as_bytes())].concat())
        .collect();
    const HEADERS: u16 = 1 << 13;
    let about =
        [&60u16.to_be_bytes()[..], &[0, 0], &(body.len() as u64).to_be_bytes(), &HEADERS.to_be_bytes()].concat();
    frame(&mut stream, 2, 1, &[about, long(&table)].concat());
    frame(&mut stream, 3, 1, body);
    expect(&mut stream, ACK);
}

fn short(text: &str) -> Vec<u8> {
    [&[u8::try_from(text.len()).expect("a short string")], text.as_bytes()].concat()
}

fn long(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).expect("a long string").to_be_bytes(), bytes].concat()
}

fn method(stream: &mut TcpStream, channel: u16, (class, method): Method, arguments: &[u8]) {
    frame(stream, 1, channel, &[&class.to_be_bytes(), &method.to_be_bytes(), arguments].concat())
}

fn frame(stream: &mut TcpStream, kind: u8, channel: u16, payload: &[u8]) {
    let bytes = [&[kind], &channel.to_be_bytes()[..], &long(payload), &[0xce]].concat();
    stream.write_all(&bytes).expect("write")
}

/// Reads the next method, which must be `wanted`, and returns its arguments.
fn expect(stream: &mut TcpStream, wanted: Method) -> Vec<u8> {
    let mut head = [0; 7];
    stream.read_exact(&mut head).expect("a frame");
    let size = u32::from_be_bytes([head[3], head[4], head[5], head[6]]);
    let mut payload = vec![0; size as usize + 1];
    stream.read_exact(&mut payload).expect("a frame");
    let got = (u16::from_be_bytes([payload[0], payload[1]]), u16::from_be_bytes([payload[2], payload[3]]));
    assert_eq!(got, wanted, "{}", String::from_utf8_lossy(&payload));
    payload.drain(..4);
    payload.pop();
    payload
}
