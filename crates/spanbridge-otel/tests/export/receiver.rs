//! A receiver of OTLP over HTTP that does what it is told.

use flate2::read::GzDecoder;
use socket2::{Domain, Socket, Type};
use spanbridge_otel::otlp::model::{Resource, Span};
use spanbridge_otel::otlp::{json, protobuf};
use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Instant;

/// What it does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// Answers with this status, these lines of headers and this body.
    Answer(u16, &'static str, Vec<u8>),
    /// Reads the request and closes the connection.
    Close,
    /// Closes the connection at once.
    Reset,
    /// Reads the request and says nothing, until it is dropped.
    Hang,
    /// Answers with something that is not HTTP.
    Garbage,
    /// Answers with headers, and with one byte of the body after another, until it is dropped or the client goes.
    Drip,
    /// Answers with a body that never ends.
    Flood,
}

impl Reply {
    pub(crate) fn ok() -> Self {
        Reply::status(200)
    }

    pub(crate) fn status(status: u16) -> Self {
        Reply::Answer(status, "", vec![])
    }

    fn takes_spans(&self) -> bool {
        matches!(self, Reply::Answer(200, ..) | Reply::Drip | Reply::Flood)
    }
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Counts connections.
    pub(crate) connection: usize,
    pub(crate) at: Instant,
    /// It was answered with success.
    pub(crate) taken: bool,
    /// How it was answered.
    pub(crate) reply: Reply,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body as it was before compression.
    pub(crate) fn plain(&self) -> Vec<u8> {
        match self.header("content-encoding") {
            Some("gzip") => {
                let mut plain = vec![];
                GzDecoder::new(&self.body[..]).read_to_end(&mut plain).unwrap();
                plain
            }
            None => self.body.clone(),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn spans(&self) -> Vec<(Resource<'static>, Span<'static>)> {
        let (plain, mut spans) = (self.plain(), vec![]);
        let own = |resource: &Resource<'_>| Resource {
            attributes: resource.attributes.iter().map(|attribute| attribute.clone().into_owned()).collect(),
        };
        let read = match self.header("content-type") {
            Some("application/x-protobuf") => protobuf::read(&plain, |r, _, s| spans.push((own(r), s.into_owned()))),
            Some("application/json") => json::read(&plain, |r, _, s| spans.push((own(r), s.into_owned()))),
            other => panic!("{other:?}"),
        };
        assert_eq!(read.unwrap().spans, spans.len() as u64);
        spans
    }
}

/// An address where nobody listens, and which nobody else gets: a port that was only free could be somebody's a moment later.
pub(crate) struct Silent(Socket);

impl Silent {
    pub(crate) fn new() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
        Self(socket)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap().as_socket().unwrap()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/v1/traces", self.address())
    }
}

#[derive(Default)]
struct State {
    script: VecDeque<Reply>,
    default: Option<Reply>,
    requests: Vec<Request>,
    connections: Vec<TcpStream>,
    /// Bytes of answers that the system took.
    written: u64,
    over: bool,
}

struct Shared {
    state: Mutex<State>,
    news: Condvar,
}

pub(crate) struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Receiver {
    /// Takes everything.
    pub(crate) fn start() -> Self {
        Self::scripted([], Reply::ok())
    }

    /// Does this with the first requests, and the last with all others.
    pub(crate) fn scripted(script: impl IntoIterator<Item = Reply>, default: Reply) -> Self {
        Self::listening(TcpListener::bind("127.0.0.1:0").unwrap(), script, default)
    }

    /// Takes everything, at this address.
    pub(crate) fn at(address: Silent) -> Self {
        address.0.listen(128).unwrap();
        Self::listening(address.0.into(), [], Reply::ok())
    }

    fn listening(listener: TcpListener, script: impl IntoIterator<Item = Reply>, default: Reply) -> Self {
        let state = State { script: script.into_iter().collect(), default: Some(default), ..State::default() };
        let shared = Arc::new(Shared { state: Mutex::new(state), news: Condvar::new() });
        let (address, all) = (listener.local_addr().unwrap(), shared.clone());
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { continue };
                let mut state = all.state.lock().unwrap();
                if state.over {
                    return;
                }
                state.connections.push(stream.try_clone().unwrap());
                let (number, all) = (state.connections.len(), all.clone());
                drop(state);
                thread::spawn(move || drop(serve(stream, number, &all)));
            }
        });
        Receiver { address, shared }
    }

    pub(crate) fn url(&self) -> String {
        self.base() + "/v1/traces"
    }

    /// The same without a path.
    pub(crate) fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap()
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.state().requests.clone()
    }

    pub(crate) fn written(&self) -> u64 {
        self.state().written
    }

    /// What it does from now on.
    pub(crate) fn now(&self, reply: Reply) {
        let mut state = self.state();
        state.script.clear();
        state.default = Some(reply);
    }

    /// The spans of requests that it answered with success.
    pub(crate) fn taken(&self) -> Vec<Span<'static>> {
        let taken = self.requests().into_iter().filter(|request| request.taken);
        taken.flat_map(|request| request.spans()).map(|(_, span)| span).collect()
    }

    /// The names of the same.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.taken().into_iter().map(|span| span.name.into_owned()).collect();
        names.sort();
        names
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let mut state = self.shared.state.lock().unwrap_or_else(|e| e.into_inner());
        state.over = true;
        for connection in &state.connections {
            let _ = connection.shutdown(Shutdown::Both);
        }
        drop(state);
        self.shared.news.notify_all();
        let _ = TcpStream::connect(self.address); // so that it looks
    }
}

fn serve(stream: TcpStream, connection: usize, shared: &Shared) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    while !reader.fill_buf()?.is_empty() {
        let reply = {
            let mut state = shared.state.lock().unwrap();
            state.script.pop_front().or_else(|| state.default.clone()).unwrap()
        };
        if let Reply::Reset = reply {
            return stream.shutdown(Shutdown::Both);
        }
        let request = read(&mut reader, connection, &reply)?;
        shared.state.lock().unwrap().requests.push(request);
        shared.news.notify_all();
        let mut write = |bytes: &[u8]| -> io::Result<bool> {
            stream.write_all(bytes)?;
            let mut state = shared.state.lock().unwrap();
            state.written += bytes.len() as u64;
            Ok(state.over)
        };
        const ENDLESS: &[u8] =
            b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 1000000000\r\n\r\n";
        match reply {
            Reply::Answer(status, headers, body) => {
                let head = format!("HTTP/1.1 {status} Status\r\n{headers}content-length: {}\r\n\r\n", body.len());
                write(&[head.as_bytes(), &body].concat())?;
            }
            Reply::Close | Reply::Reset => return stream.shutdown(Shutdown::Both),
            Reply::Hang => {
                let state = shared.state.lock().unwrap();
                drop(shared.news.wait_while(state, |state| !state.over));
                return Ok(());
            }
            Reply::Garbage => {
                write(b"\x16\x03\x01\xff\xfe <garbage>\r\n\r\n")?;
                return stream.shutdown(Shutdown::Both);
            }
            Reply::Drip => {
                write(ENDLESS)?;
                while !write(b"x")? {
                    let state = shared.state.lock().unwrap();
                    drop(shared.news.wait_timeout(state, std::time::Duration::from_millis(5)));
                }
            }
            Reply::Flood => {
                write(ENDLESS)?;
                while !write(&[0x0a; 64 << 10])? {}
            }
        }
    }
    Ok(())
}

fn read(reader: &mut BufReader<TcpStream>, connection: usize, reply: &Reply) -> io::Result<Request> {
    let mut line = || -> io::Result<String> {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    };
    let first = line()?;
    let mut headers = vec![];
    loop {
        let line = line()?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length").map(|(_, value)| value.parse().unwrap());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    let (taken, reply) = (reply.takes_spans(), reply.clone());
    Ok(Request { line: first, headers, body, connection, at: Instant::now(), taken, reply })
}
