//! Who makes a change. Every write of files takes an [`Author`]: without one there is no call.

/// Whoever may make a change and makes it. Callers of the API and of the protocols are authors only as
/// the gate's proof that they may; what the server does by itself is done by a [`System`].
pub trait Author: std::fmt::Debug + Send + Sync {
    /// How rows and the log name it: `user:alice`, `robot:ci`, `anonymous`, `upstream`.
    fn label(&self) -> &str;
}

/// The server itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum System {
    /// Keeps what an upstream sent.
    Upstream,
    /// Keeps what it made of other content.
    Larder,
    /// Sets up a new server.
    FirstStart,
}

impl Author for System {
    fn label(&self) -> &str {
        match self {
            Self::Upstream => "upstream",
            Self::Larder => "larder",
            Self::FirstStart => "first start",
        }
    }
}
