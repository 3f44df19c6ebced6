//! Raw HTTP/1.1 over one connection at a time: what is sent is what the test says, byte for byte.

use rustix::net::sockopt::set_socket_recv_buffer_size;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Any answer must begin within this time.
const DEADLINE: Duration = Duration::from_mins(1);
/// What a connection may have come and not read yet.
const RECEIVED_BYTES: usize = 128 << 10;

/// Sends requests to one server, with the same credentials each.
#[derive(Clone, Debug)]
pub struct Client {
    address: SocketAddr,
    authorization: Option<String>,
}

/// An answer, read whole.
#[derive(Clone, Debug)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Headers in the order they came, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

impl Response {
    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The code of the registry API's first error.
    pub fn code(&self) -> String {
        self.json()["errors"][0]["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// Fails the test unless the status is this one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{:?} {}", self.headers, self.text());
        self
    }

    /// Fails the test unless it is a success.
    #[track_caller]
    pub fn expect_ok(self) {
        assert!(
            (200..300).contains(&self.status),
            "{} {}",
            self.status,
            self.text()
        );
    }
}

impl Client {
    /// A client without credentials.
    pub const fn anonymous(address: SocketAddr) -> Self {
        Self {
            address,
            authorization: None,
        }
    }

    /// The same with a user name and a password, or a token as the password.
    pub fn with_password(address: SocketAddr, name: &str, password: &str) -> Self {
        use base64::Engine as _;
        let encoded =
            base64::engine::general_purpose::STANDARD.encode(format!("{name}:{password}"));
        Self {
            address,
            authorization: Some(format!("Basic {encoded}")),
        }
    }

    /// The same credentials at another address.
    #[must_use]
    pub fn at(&self, address: SocketAddr) -> Self {
        Self {
            address,
            ..self.clone()
        }
    }

    /// The same with any `Authorization` header.
    pub fn with_authorization(address: SocketAddr, header: &str) -> Self {
        Self {
            address,
            authorization: Some(header.to_owned()),
        }
    }

    /// Sends a request on a connection of its own and reads the answer.
    #[track_caller]
    pub fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Response {
        self.try_send(method, path, headers, body)
            .unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// The same, for servers that may be gone.
    pub fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Response> {
        let mut stream = self.connect()?;
        stream.write_all(&self.head(method, path, headers, Some(body.len())))?;
        let written = stream.write_all(body);
        // A server that refuses may answer and close before it has read all.
        let answer = read_response(&mut BufReader::new(stream), method);
        answer.map_err(|error| written.err().unwrap_or(error))
    }

    /// GET.
    #[track_caller]
    pub fn get(&self, path: &str) -> Response {
        self.send("GET", path, &[], b"")
    }

    /// Reads a part of a file of a mirror: that is answered when all of it is kept.
    #[track_caller]
    pub fn await_kept(&self, path: &str) {
        let part = [("range", "bytes=0-1")];
        self.send("GET", path, &part, b"").expect(206);
    }

    /// GET, for answers that may break off: what came, and whether that is all of it.
    pub fn take(&self, path: &str, headers: &[(&str, &str)]) -> io::Result<(Response, bool)> {
        let mut stream = self.connect()?;
        stream.write_all(&self.head("GET", path, headers, None))?;
        let mut reader = BufReader::new(stream);
        let mut response = read_head(&mut reader)?;
        let whole = read_body(&mut reader, &mut response).is_ok();
        Ok((response, whole))
    }

    /// A connection to the server, for requests that are not whole.
    pub fn connect(&self) -> io::Result<TcpStream> {
        let stream = TcpStream::connect_timeout(&self.address, DEADLINE)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        stream.set_write_timeout(Some(DEADLINE))?;
        stream.set_nodelay(true)?;
        // Hundreds that read slowly would else take all that the kernel has for TCP, and it cuts
        // anyone's connection then.
        set_socket_recv_buffer_size(&stream, RECEIVED_BYTES)?;
        Ok(stream)
    }

    /// A request's line and headers as bytes; `length`: the body's, if it is to be announced.
    pub fn head(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        length: Option<usize>,
    ) -> Vec<u8> {
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n",
            self.address
        );
        if let Some(authorization) = &self.authorization {
            head.push_str(&format!("authorization: {authorization}\r\n"));
        }
        if let Some(length) =
            length.filter(|length| *length > 0 || method != "GET" && method != "HEAD")
        {
            head.push_str(&format!("content-length: {length}\r\n"));
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        head.into_bytes()
    }
}

fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

/// What a field of each item of a list is, as the API answers with one.
#[track_caller]
pub fn fields(list: &serde_json::Value, field: &str) -> Vec<String> {
    let items = list["items"].as_array().unwrap_or_else(|| panic!("{list}"));
    let text = |item: &serde_json::Value| item[field].as_str().expect("text").to_owned();
    items.iter().map(text).collect()
}

/// A text in which the id of each refusal is `ID`: whether there is one is what tells texts apart.
pub fn without_ids(text: &str) -> String {
    let mut parts = text.split("/why/");
    let mut told = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|char: char| char.is_ascii_hexdigit());
        told.push_str("/why/ID");
        told.push_str(rest);
    }
    told
}

/// Reads an answer up to its body, for bodies that are not to be held in memory.
pub fn read_head(stream: &mut impl BufRead) -> io::Result<Response> {
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let interim = line.starts_with("HTTP/1.1 100");
        if !interim {
            break;
        }
        line.clear();
        stream.read_line(&mut line)?;
    }
    let status = line
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .ok_or_else(|| bad(&line))?;
    let mut headers = Vec::new();
    loop {
        line.clear();
        if stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let text = line.trim_end();
        if text.is_empty() {
            break;
        }
        let (name, value) = text.split_once(':').ok_or_else(|| bad(text))?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    Ok(Response {
        status,
        headers,
        body: Vec::new(),
    })
}

/// Reads a body in any framing; what came before it broke off stays.
fn read_body(reader: &mut impl BufRead, response: &mut Response) -> io::Result<()> {
    if response.header("transfer-encoding") != Some("chunked") {
        let length = response
            .header("content-length")
            .and_then(|text| text.parse().ok());
        let length = length.ok_or_else(|| bad("neither chunks nor a length"))?;
        return read_piece(reader, length, &mut response.body);
    }
    let mut line = String::new();
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let length = u64::from_str_radix(line.trim(), 16).map_err(|_| bad(&line))?;
        read_piece(reader, length, &mut response.body)?;
        line.clear();
        reader.read_line(&mut line)?;
        if line != "\r\n" {
            return Err(bad(&line));
        }
        if length == 0 {
            return Ok(());
        }
    }
}

fn read_piece(reader: &mut impl BufRead, length: u64, body: &mut Vec<u8>) -> io::Result<()> {
    let read = reader.take(length).read_to_end(body)?;
    if read as u64 == length {
        Ok(())
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

/// Reads one answer to a request of `method`.
pub fn read_response(stream: &mut impl BufRead, method: &str) -> io::Result<Response> {
    let mut response = read_head(stream)?;
    if method == "HEAD" || response.status == 204 || response.status == 304 {
        return Ok(response);
    }
    if response.header("transfer-encoding") == Some("chunked") {
        return Err(bad("a chunked answer: every length is known here"));
    }
    match response.header("content-length").map(str::parse::<usize>) {
        Some(Ok(length)) => {
            response.body = vec![0; length];
            stream.read_exact(&mut response.body)?;
        }
        _ => {
            stream.read_to_end(&mut response.body)?;
        }
    }
    Ok(response)
}
