//! What clients ask about the account of whoever uses them: who it is, its tokens, logging in and
//! out. As pure as the rest: here requests are read and answers said; passwords are checked and
//! tokens made where rights are. What holds secrets has no `Debug`.

use crate::{RepoRequest, RepoUrl};
use larder_model::{Pattern, Problem, Reply, Role, Timestamp};
use std::time::Duration;

/// What a client asks for.
#[derive(Clone, PartialEq, Eq)]
pub enum AccountRequest {
    /// The name of whoever shows these credentials.
    Whoami,
    /// What is known of it.
    Profile,
    /// Its tokens, after the one of this id.
    ListTokens(i64),
    /// A new token; the body says which.
    CreateToken,
    /// A token is to end: its id, or its secret.
    EndToken(Box<str>),
    /// A token for a name and a password, which are in the body.
    LogIn(Box<str>),
    /// A page at which a person can log the client in.
    BeginLogin,
    /// Whether that has happened.
    FinishLogin {
        /// What was asked.
        ask: Box<str>,
        /// What only the client knows.
        key: Box<str>,
    },
}

impl AccountRequest {
    /// Whether it is for those who show no credentials, or those of a login that has ended.
    pub const fn is_login(&self) -> bool {
        matches!(
            self,
            Self::LogIn(_) | Self::BeginLogin | Self::FinishLogin { .. }
        )
    }
}

/// A name with its password.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The name.
    pub name: String,
    /// The password.
    pub password: String,
    /// What is told instead of "wrong" where someone may believe that this makes a user.
    pub refusal: Option<&'static str>,
}

/// What a token is to be.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenRequest {
    /// Its name.
    pub name: String,
    /// The password of whoever wants it.
    pub password: String,
    /// How long it is to live; `None`: until it is ended.
    pub lasts: Option<Duration>,
    /// Packages and the role in them that it is limited to; `None`: all that its owner may.
    pub limits: Option<(Vec<Pattern>, Role)>,
}

/// A token, without its secret.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Token<'a> {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: &'a str,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// Whether nothing can be changed with it.
    pub read_only: bool,
}

/// How an errand went.
#[derive(Clone, PartialEq, Eq)]
pub enum AccountResponse<'a> {
    /// The caller's name.
    Name(&'a str),
    /// The caller's name, and since when there is such a user.
    Profile(&'a str, Timestamp),
    /// Tokens; whether more follow.
    Tokens(&'a [Token<'a>], bool),
    /// A new token and its secret.
    Created(&'a Token<'a>, &'a str),
    /// The token has ended.
    Ended,
    /// Who has logged in, and its secret.
    LoggedIn(&'a str, &'a str),
    /// The page for the person; what the client comes back with.
    Begun {
        /// The page's address.
        page: &'a str,
        /// What was asked.
        ask: &'a str,
        /// What only the client knows.
        key: &'a str,
    },
    /// Nobody has signed in yet: to be asked again.
    Waiting,
    /// The secret of the login.
    Finished(&'a str),
}

/// Accounts, in a protocol whose clients ask about them.
pub trait Account: Send + Sync {
    /// What a request asks of the account; `None` if it is about something else.
    fn account_request(&self, request: &RepoRequest<'_>)
    -> Result<Option<AccountRequest>, Problem>;

    /// The login in a body, which is for `name`.
    fn login(&self, name: &str, body: &[u8]) -> Result<Login, Problem>;

    /// The token that a body wants.
    fn wanted(&self, body: &[u8]) -> Result<TokenRequest, Problem>;

    /// Says how an errand went.
    fn tell(&self, response: &AccountResponse<'_>, repo_url: &RepoUrl<'_>) -> Reply;
}
