//! A remote registry that tests make up: it serves what it is given, tells who asked for what, and
//! fails as it is told.
//!
//! Nothing here waits for a time: what is held back is released by the test.

use crate::asked::read_request;
use crate::fault::Answer;
use crate::secure::{Authority, Secure};
use larder_model::{Algorithm, Digest};
use std::collections::{HashMap, HashSet};
use std::io::{self, BufReader, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use crate::asked::Asked;
pub use crate::fault::Fault;

/// What a test waits for has happened within this time.
const DEADLINE: Duration = Duration::from_mins(1);
/// Bodies are written in pieces of this size.
const PIECE: usize = 64 * 1024;

#[derive(Clone)]
struct Page {
    body: Arc<[u8]>,
    headers: Vec<(String, String)>,
    etag: String,
}

/// Answers where there is no page: a media type and a body.
pub type Program = Arc<dyn Fn(&Asked) -> Option<(String, Vec<u8>)> + Send + Sync>;

#[derive(Default)]
struct State {
    pages: HashMap<String, Page>,
    program: Option<Program>,
    /// The digests of all bodies that ever were there.
    ever: HashSet<String>,
    faults: HashMap<String, (Fault, u32)>,
    /// What goes wrong once those are done.
    later: HashMap<String, Fault>,
    fault_of_all: Option<Fault>,
    asked: Vec<Asked>,
    connections: Vec<TcpStream>,
    /// Whether what is to be held back is.
    held: bool,
    gone: bool,
    /// Whether connections are still taken: the listener ends a little after it is told to.
    listening: bool,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

/// A running registry, gone when it is dropped.
pub struct Upstream {
    shared: Arc<Shared>,
    address: SocketAddr,
    secure: Option<Secure>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the state is as it should be.
    #[track_caller]
    fn wait(&self, until: impl Fn(&State) -> bool) {
        let waited = self
            .changed
            .wait_timeout_while(self.state(), DEADLINE, |state| !until(state))
            .unwrap_or_else(PoisonError::into_inner);
        assert!(
            !waited.1.timed_out(),
            "what was awaited did not happen; asked: {:?}",
            waited.0.asked
        );
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let changed = change(&mut self.state());
        self.changed.notify_all();
        changed
    }
}

impl Upstream {
    /// One that has nothing yet.
    pub fn start() -> Self {
        Self::at(Ipv4Addr::LOCALHOST)
    }

    /// The same at an address of this machine.
    pub fn at(address: Ipv4Addr) -> Self {
        let listener = TcpListener::bind((address, 0)).expect("port");
        let address = listener.local_addr().expect("address");
        let upstream = Self {
            shared: Arc::default(),
            address,
            secure: None,
        };
        upstream.listen(listener);
        upstream
    }

    /// One behind TLS that has nothing yet; `frames`: it speaks HTTP/2.
    pub fn secure(frames: bool) -> Self {
        let mut upstream = Self::start();
        let tls = Secure::start(upstream.address, Authority::default(), frames);
        upstream.secure = Some(tls);
        upstream
    }

    fn listen(&self, listener: TcpListener) {
        self.shared.change(|state| state.listening = true);
        let shared = Arc::clone(&self.shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let own = Arc::clone(&shared);
                let mut state = shared.state();
                if state.gone {
                    break;
                }
                state.connections.extend(stream.try_clone());
                drop(state);
                std::thread::spawn(move || drop(serve(&own, stream)));
            }
            drop(listener);
            shared.change(|state| state.listening = false);
        });
    }

    /// `http://127.0.0.1:port/`, or `https:`.
    pub fn url(&self) -> String {
        self.secure
            .as_ref()
            .map_or_else(|| self.plain_url(), Secure::url)
    }

    /// `http://127.0.0.1:port/`, also where TLS is before it.
    pub fn plain_url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// The port where it listens.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The TLS before it.
    pub fn tls(&self) -> &Secure {
        self.secure.as_ref().expect("an upstream with TLS")
    }

    /// Serves `body` at `path`, in place of what was there.
    pub fn put(&self, path: &str, body: impl Into<Vec<u8>>) {
        self.put_with(path, body, &[]);
    }

    /// The same with headers of its own.
    pub fn put_with(&self, path: &str, body: impl Into<Vec<u8>>, headers: &[(&str, &str)]) {
        let body: Arc<[u8]> = body.into().into();
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let digest = Digest::of(Algorithm::Sha256, &body);
        let etag = format!("\"{}\"", &digest.hex()[..16]);
        self.shared.change(|state| {
            state.ever.insert(digest.to_string());
            state.pages.insert(
                path.to_owned(),
                Page {
                    body,
                    headers,
                    etag,
                },
            )
        });
    }

    /// Where there is no page this program answers.
    pub fn run(&self, program: Program) {
        self.shared.change(|state| state.program = Some(program));
    }

    /// What is served at `path` is there no more.
    pub fn remove(&self, path: &str) {
        self.shared.change(|state| state.pages.remove(path));
    }

    /// What is served at `path`.
    pub fn body(&self, path: &str) -> Vec<u8> {
        self.shared.state().pages[path].body.to_vec()
    }

    /// All paths at which something is, in their order.
    pub fn paths(&self) -> Vec<String> {
        let mut paths: Vec<String> = self.shared.state().pages.keys().cloned().collect();
        paths.sort();
        paths
    }

    /// Whether a body of this digest ever was anywhere.
    pub fn ever_had(&self, digest: &str) -> bool {
        self.shared.state().ever.contains(digest)
    }

    /// Answers for `path` go wrong.
    pub fn fail(&self, path: &str, fault: Fault) {
        self.fail_times(path, fault, u32::MAX);
    }

    /// The next answers for `path` go wrong.
    pub fn fail_times(&self, path: &str, fault: Fault, times: u32) {
        self.shared.change(|state| {
            state.held |= fault.holds();
            state.faults.insert(path.to_owned(), (fault, times))
        });
    }

    /// Answers for `path` go wrong once those have that [`Self::fail_times`] was told of.
    pub fn fail_after(&self, path: &str, fault: Fault) {
        self.shared.change(|state| {
            state.held |= fault.holds();
            state.later.insert(path.to_owned(), fault)
        });
    }

    /// All answers go wrong.
    pub fn fail_all(&self, fault: Fault) {
        self.shared.change(|state| {
            state.held |= fault.holds();
            state.fault_of_all = Some(fault);
        });
    }

    /// Nothing goes wrong any more. What is held stays so.
    pub fn heal(&self) {
        self.shared.change(|state| {
            state.faults.clear();
            state.later.clear();
            state.fault_of_all = None;
        });
    }

    /// What is held goes on.
    pub fn release(&self) {
        self.shared.change(|state| state.held = false);
    }

    /// All requests since the last time.
    pub fn take_asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.shared.state().asked)
    }

    /// How often `path` was asked for.
    pub fn count(&self, path: &str) -> usize {
        self.shared
            .state()
            .asked
            .iter()
            .filter(|asked| asked.path == path)
            .count()
    }

    /// Requests of any kind.
    pub fn total(&self) -> usize {
        self.shared.state().asked.len()
    }

    /// Waits until `path` was asked for so often.
    #[track_caller]
    pub fn await_count(&self, path: &str, count: usize) {
        self.await_counts(&[path.to_owned()], count);
    }

    /// Waits until some of these paths were asked for so often in all.
    #[track_caller]
    pub fn await_counts(&self, paths: &[String], count: usize) {
        self.shared.wait(|state| {
            let asked = state.asked.iter();
            asked.filter(|asked| paths.contains(&asked.path)).count() >= count
        });
    }

    /// Nobody listens any more, and all connections are closed: whoever comes is refused, and is not
    /// taken and let down.
    pub fn go(&self) {
        self.close();
        self.shared.wait(|state| !state.listening);
    }

    fn close(&self) {
        self.shared.change(|state| {
            state.gone = true;
            for stream in state.connections.drain(..) {
                // It may be closed already.
                drop(stream.shutdown(Shutdown::Both));
            }
        });
        drop(TcpStream::connect(self.address)); // wakes whoever accepts
    }

    /// It is there again, at the same address, with the same things.
    pub fn come_back(&self) {
        let listener = TcpListener::bind(self.address).expect("its port");
        self.shared.change(|state| state.gone = false);
        self.listen(listener);
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.release();
        self.close();
    }
}

/// Serves one connection until it ends.
fn serve(shared: &Shared, stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut writer = stream;
    while let Some(asked) = read_request(&mut reader)? {
        let (page, fault, program) = {
            let mut state = shared.state();
            if state.gone {
                break;
            }
            state.asked.push(asked.clone());
            let (page, fault, program) = (
                state.pages.get(&asked.path).cloned(),
                state.fault(&asked.path),
                state.program.clone(),
            );
            drop(state);
            shared.changed.notify_all();
            (page, fault, program)
        };
        let page = page.or_else(|| Some(Page::of(program?(&asked)?)));
        if !answer(shared, &mut writer, &asked, page.as_ref(), fault)? {
            break;
        }
    }
    writer.shutdown(Shutdown::Both)
}

impl Page {
    fn of((content_type, body): (String, Vec<u8>)) -> Self {
        Self {
            body: body.into(),
            headers: vec![("content-type".to_owned(), content_type)],
            etag: String::new(),
        }
    }
}

impl State {
    fn fault(&mut self, path: &str) -> Option<Fault> {
        if let Some((fault, left)) = self.faults.get_mut(path) {
            let fault = fault.clone();
            *left -= 1;
            if *left == 0 {
                self.faults.remove(path);
                if let Some(next) = self.later.remove(path) {
                    self.faults.insert(path.to_owned(), (next, u32::MAX));
                }
            }
            return Some(fault);
        }
        self.fault_of_all.clone()
    }
}

/// Answers; whether the connection may go on.
fn answer(
    shared: &Shared,
    writer: &mut TcpStream,
    asked: &Asked,
    page: Option<&Page>,
    fault: Option<Fault>,
) -> io::Result<bool> {
    if matches!(fault, Some(Fault::Closed)) {
        return Ok(false);
    }
    let is_silent = match fault {
        Some(Fault::Silent) => true,
        Some(Fault::SilentHeads) => asked.method == "HEAD",
        _ => false,
    };
    if is_silent {
        shared.wait(|state| !state.held || state.gone);
    }
    let mut answer = match page {
        None => Answer::new(404, b"nothing is here\n".to_vec()),
        Some(page) if fault.is_none() && asked.header("if-none-match") == Some(&page.etag) => {
            Answer::new(304, Vec::new())
        }
        Some(page) => {
            let mut answer = Answer::new(200, page.body.to_vec());
            answer.header("etag", &page.etag);
            page.headers
                .iter()
                .for_each(|(name, value)| answer.header(name, value));
            answer
        }
    };
    let authorization = asked.header("authorization").unwrap_or_default();
    let (has_token, has_password) = (
        authorization.starts_with("Bearer "),
        authorization.starts_with("Basic "),
    );
    match fault {
        Some(Fault::Challenge(_) | Fault::TokensAlone(_)) if has_token => {}
        Some(Fault::TokensAlone(_)) if has_password => answer.spoil(Fault::Status(400)),
        Some(Fault::Password) if has_password => {}
        Some(Fault::Heads(_) | Fault::SilentHeads) if asked.method != "HEAD" => {}
        Some(fault) => answer.spoil(fault),
        None => {}
    }
    write(shared, writer, &answer, asked.method == "HEAD")?;
    Ok(!answer.last)
}

fn write(shared: &Shared, writer: &mut TcpStream, answer: &Answer, bare: bool) -> io::Result<()> {
    let mut head = format!("HTTP/1.1 {} Said\r\n{}", answer.status, answer.headers);
    match answer.length {
        _ if answer.status == 304 => {}
        None => head.push_str("transfer-encoding: chunked\r\n"),
        Some(usize::MAX) => head.push_str("connection: close\r\n"),
        Some(length) => head.push_str(&format!("content-length: {length}\r\n")),
    }
    head.push_str("\r\n");
    writer.write_all(head.as_bytes())?;
    if bare {
        return writer.flush();
    }
    let body = &answer.body[..answer.cut.unwrap_or(answer.body.len())];
    // There is nothing to hold of what is shorter.
    let hold = answer.hold.filter(|hold| *hold <= body.len());
    let (first, rest) = body.split_at(hold.unwrap_or(body.len()));
    write_pieces(writer, first, answer.length.is_none())?;
    if hold.is_some() {
        shared.wait(|state| !state.held || state.gone);
        write_pieces(writer, rest, answer.length.is_none())?;
    }
    if answer.length.is_none() && answer.cut.is_none() {
        writer.write_all(b"0\r\n\r\n")?;
    }
    writer.flush()
}

fn write_pieces(writer: &mut TcpStream, body: &[u8], chunked: bool) -> io::Result<()> {
    for piece in body.chunks(PIECE) {
        if chunked {
            writer.write_all(format!("{:x}\r\n", piece.len()).as_bytes())?;
        }
        writer.write_all(piece)?;
        if chunked {
            writer.write_all(b"\r\n")?;
        }
    }
    Ok(())
}
