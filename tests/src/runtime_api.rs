//! A Runtime API that writes its responses byte by byte, for responses that Lambda never sends, and for benchmarks, where an
//! HTTP server would add its own time. For one that behaves like Lambda, see `spanbridge_examples::local_lambda`.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const TIMEOUT: Duration = Duration::from_secs(30);

/// A Runtime API, and the function's process. The process is killed when this is dropped.
pub struct RuntimeApi {
    function: Child,
    requests: Receiver<Request>,
}

/// A request of the function, which waits for the response.
pub struct Request {
    /// The method and the path.
    pub line: String,
    /// The body.
    pub body: Vec<u8>,
    connection: TcpStream,
}

impl RuntimeApi {
    /// Starts a function.
    pub fn start(mut function: Command) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its number");
        let (sender, requests) = channel();
        thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                let sender = sender.clone();
                thread::spawn(move || serve(connection, &sender));
            }
        });
        function.env("AWS_LAMBDA_RUNTIME_API", address.to_string()).env("AWS_LAMBDA_FUNCTION_NAME", "score");
        function.env("AWS_LAMBDA_FUNCTION_VERSION", "1").env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128");
        let function = function.stdin(Stdio::null()).spawn().expect("the function's process");
        RuntimeApi { function, requests }
    }

    /// Waits for the function's next request.
    pub fn request(&self) -> Request {
        self.requests.recv_timeout(TIMEOUT).expect("the function makes a request in time")
    }

    /// Waits until the function asks for its next event.
    pub fn next_request(&self) -> Request {
        let request = self.request();
        assert!(request.line.starts_with("GET ") && request.line.ends_with("/next"), "{}", request.line);
        request
    }

    /// Sends an event to a function that has asked for one, waits for the function's response, and accepts it. Returns the
    /// request line and the body of that response.
    pub fn invoke(&self, next: Request, id: &str, headers: &[(&str, &[u8])], body: &[u8]) -> (String, Vec<u8>) {
        next.event(id, headers, body);
        let response = self.request();
        let line_and_body = (response.line.clone(), response.body.clone());
        response.accept();
        line_and_body
    }

    /// The id of the function's process.
    pub fn process_id(&self) -> u32 {
        self.function.id()
    }

    /// Waits until the process has ended. Returns its exit code, or `None` if a signal ended it.
    pub fn exit_code(&mut self) -> Option<i32> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.function.try_wait().expect("a child process") {
                return status.code();
            }
            assert!(begun.elapsed() < TIMEOUT, "the process does not end");
            thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        let _ = self.function.kill();
        let _ = self.function.wait();
    }
}

impl Request {
    /// Responds with an event whose time limit is 30 s. `headers` are added, or replace those of the same name.
    pub fn event(self, id: &str, headers: &[(&str, &[u8])], body: &[u8]) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let deadline = (now + TIMEOUT).as_millis().to_string();
        let arn = "arn:aws:lambda:us-east-1:000000000000:function:score";
        let mut all = vec![
            ("lambda-runtime-aws-request-id", id.as_bytes()),
            ("lambda-runtime-deadline-ms", deadline.as_bytes()),
            ("lambda-runtime-invoked-function-arn", arn.as_bytes()),
        ];
        all.retain(|(name, _)| headers.iter().all(|(other, _)| other != name));
        all.extend_from_slice(headers);
        self.respond("200 OK", &all, body)
    }

    /// Responds that the function's response was accepted.
    pub fn accept(self) {
        self.respond("202 Accepted", &[], b"")
    }

    /// Responds with any status, headers and body.
    pub fn respond(mut self, status: &str, headers: &[(&str, &[u8])], body: &[u8]) {
        let mut text = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n", body.len()).into_bytes();
        for (name, value) in headers {
            text.extend([name.as_bytes(), b": ", value, b"\r\n"].concat())
        }
        text.extend(b"\r\n");
        text.extend(body);
        let _ = self.connection.write_all(&text); // fails if the process has ended
    }
}

fn serve(connection: TcpStream, requests: &Sender<Request>) {
    let _ = connection.set_nodelay(true);
    let Ok(reader) = connection.try_clone() else { return };
    let mut reader = BufReader::new(reader);
    while let Some((line, body)) = read(&mut reader) {
        let Ok(connection) = connection.try_clone() else { return };
        if requests.send(Request { line, body, connection }).is_err() {
            return;
        }
    }
}

/// Reads a request: the method and the path, and the body.
fn read(reader: &mut impl BufRead) -> Option<(String, Vec<u8>)> {
    let mut line = || {
        let mut line = String::new();
        (reader.read_line(&mut line).ok()? > 0).then(|| line.trim_end().to_ascii_lowercase())
    };
    let first = line()?;
    let (mut length, mut chunked) = (0, false);
    loop {
        let header = line()?;
        match header.split_once(": ") {
            None => break,
            Some(("content-length", n)) => length = n.parse().ok()?,
            Some(("transfer-encoding", _)) => chunked = true,
            Some(_) => {}
        }
    }
    let mut body = vec![0; length];
    if !chunked {
        reader.read_exact(&mut body).ok()?;
    }
    while chunked {
        let mut size = String::new();
        reader.read_line(&mut size).ok()?;
        let size = usize::from_str_radix(size.trim(), 16).ok()?;
        let mut chunk = vec![0; size + 2];
        reader.read_exact(&mut chunk).ok()?;
        body.extend(&chunk[..size]);
        chunked = size > 0;
    }
    let mut words = first.split(' ');
    Some((format!("{} {}", words.next()?.to_ascii_uppercase(), words.next()?), body))
}
