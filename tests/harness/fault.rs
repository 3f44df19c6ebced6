//! What goes wrong with an upstream's answer.

/// How an answer goes wrong, or is only unusual.
#[derive(Clone, Debug)]
pub enum Fault {
    /// This status, with a text.
    Status(u16),
    /// The same with `Retry-After` in seconds.
    Later(u16, u64),
    /// All is announced, so many bytes come, the connection is closed.
    Truncated(usize),
    /// So many bytes more are announced than come.
    TooLong(usize),
    /// So many bytes less are announced than come.
    TooShort(usize),
    /// In chunks, without a length; nothing is wrong with it.
    Chunked,
    /// In chunks, and closed after so many bytes.
    ChunkedCut(usize),
    /// Without any length, and closed after so many bytes.
    Unframed(usize),
    /// The byte at this place is another.
    Flipped(usize),
    /// The byte at this place is another, and so many more come in chunks.
    Grown(usize, usize),
    /// It says that it is encoded in this way, and is not.
    Encoding(&'static str),
    /// It is encoded with gzip, and says so.
    Gzipped,
    /// It is elsewhere.
    Redirect(String),
    /// 304, whatever was asked.
    NotModified,
    /// So many bytes come; the others once they are released.
    Held(usize),
    /// Nothing comes before it is released.
    Silent,
    /// The connection is closed without an answer.
    Closed,
    /// A page to log in at, for whoever gets it as the thing asked for.
    Login,
    /// 401 with this `WWW-Authenticate`, for whoever shows no bearer token.
    Challenge(String),
    /// The same, and 400 for whoever shows name and password.
    TokensAlone(String),
    /// 401 for whoever shows no name and password.
    Password,
    /// This status with a text in JSON.
    Says(u16, String),
    /// This status for heads alone.
    Heads(u16),
    /// Nothing comes for heads, alone, before it is released.
    SilentHeads,
}

impl Fault {
    /// Whether something waits until it is released.
    pub(crate) const fn holds(&self) -> bool {
        matches!(self, Self::Held(_) | Self::Silent | Self::SilentHeads)
    }
}

/// An answer that is being written.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: String,
    pub(crate) body: Vec<u8>,
    /// The length to announce; `None`: it comes in chunks.
    pub(crate) length: Option<usize>,
    /// So many bytes come, and then the end.
    pub(crate) cut: Option<usize>,
    /// So many bytes come before the others are released.
    pub(crate) hold: Option<usize>,
    /// The connection ends with it.
    pub(crate) last: bool,
}

impl Answer {
    pub(crate) fn new(status: u16, body: Vec<u8>) -> Self {
        let (length, headers) = (Some(body.len()), String::new());
        Self {
            status,
            headers,
            body,
            length,
            cut: None,
            hold: None,
            last: false,
        }
    }

    pub(crate) fn header(&mut self, name: &str, value: &str) {
        self.headers.push_str(&format!("{name}: {value}\r\n"));
    }

    /// Makes it go wrong.
    pub(crate) fn spoil(&mut self, fault: Fault) {
        let size = self.body.len();
        match fault {
            Fault::Status(status) | Fault::Heads(status) => {
                *self = Self::new(status, b"no\n".to_vec());
            }
            Fault::Says(status, text) => {
                *self = Self::new(status, text.into_bytes());
                self.header("content-type", "application/json");
            }
            Fault::Password => {
                *self = Self::new(401, b"who are you?\n".to_vec());
                self.header("www-authenticate", "Basic realm=\"registry\"");
            }
            Fault::Later(status, seconds) => {
                *self = Self::new(status, b"not now\n".to_vec());
                self.header("retry-after", &seconds.to_string());
            }
            Fault::Truncated(at) => self.cut = Some(at),
            Fault::TooLong(more) => self.length = Some(size + more),
            Fault::TooShort(less) => self.length = Some(size - less),
            Fault::Chunked => self.length = None,
            Fault::ChunkedCut(at) => (self.length, self.cut) = (None, Some(at)),
            Fault::Unframed(at) => {
                (self.length, self.cut) = (Some(usize::MAX), Some(at));
            }
            Fault::Flipped(at) => self.body[at] ^= 1 << (at % 8),
            Fault::Grown(at, more) => {
                self.body[at] ^= 1;
                self.body.extend(std::iter::repeat_n(7, more));
                self.length = None;
            }
            Fault::Encoding(name) => self.header("content-encoding", name),
            Fault::Gzipped => {
                self.body = crate::archive::gzip(&self.body);
                self.length = Some(self.body.len());
                self.header("content-encoding", "gzip");
            }
            Fault::Redirect(to) => {
                *self = Self::new(302, Vec::new());
                self.header("location", &to);
            }
            Fault::NotModified => *self = Self::new(304, Vec::new()),
            Fault::Held(at) => self.hold = Some(at),
            Fault::Login => {
                *self = Self::new(
                    200,
                    b"<!DOCTYPE html><html><body><form>Log in</form></body></html>".to_vec(),
                );
                self.header("content-type", "text/html");
            }
            Fault::Challenge(challenge) | Fault::TokensAlone(challenge) => {
                *self = Self::new(401, b"who are you?\n".to_vec());
                self.header("www-authenticate", &challenge);
            }
            Fault::Closed | Fault::Silent | Fault::SilentHeads => {}
        }
        self.last =
            self.cut.is_some() || self.length.is_some_and(|length| length != self.body.len());
    }
}
