//! Requests about the caller's account: its name, its tokens, login and logout. This module reads
//! requests and writes replies; `access` checks passwords and creates tokens. Types with secrets do
//! not implement `Debug`.

use crate::RepoUrl;
use larder_model::{Pattern, Problem, Reply, Role, Timestamp};
use std::time::Duration;

/// A request about the caller's account.
#[derive(Clone, PartialEq, Eq)]
pub enum AccountRequest {
    /// The name of the caller.
    Whoami,
    /// The profile of the caller.
    Profile,
    /// The caller's tokens, after the one of this id.
    ListTokens(i64),
    /// Creates a token, which the body describes.
    CreateToken,
    /// Revokes the token with this id or secret.
    RevokeToken(Box<str>),
    /// Creates a token for the user name and the password in the body.
    LogIn(Box<str>),
    /// Begins a login in a browser.
    BeginLogin,
    /// Asks whether the user has logged in.
    FinishLogin {
        /// The login request, sealed.
        ask: Box<str>,
        /// The secret that only the client has.
        key: Box<str>,
    },
}

impl AccountRequest {
    /// Whether it needs no valid credentials.
    pub const fn is_login(&self) -> bool {
        matches!(
            self,
            Self::LogIn(_) | Self::BeginLogin | Self::FinishLogin { .. }
        )
    }
}

/// A user name and its password.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The name.
    pub name: String,
    /// The password.
    pub password: String,
    /// The message that replaces "wrong password" if the client may have meant to create a user.
    pub refusal: Option<&'static str>,
}

/// A request for a token.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenRequest {
    /// Its name.
    pub name: String,
    /// The password of the caller.
    pub password: String,
    /// How long the token is valid; `None`: until it is revoked.
    pub lifetime: Option<Duration>,
    /// The packages and the role that the token is limited to; `None`: all permissions of its owner.
    pub limits: Option<(Vec<Pattern>, Role)>,
}

/// A token, without its secret.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Token<'a> {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: &'a str,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it expires.
    pub expires_at: Option<Timestamp>,
    /// Whether it permits reading only.
    pub read_only: bool,
}

/// The outcome of an [`AccountRequest`].
#[derive(Clone, PartialEq, Eq)]
pub enum AccountResponse<'a> {
    /// The caller's name.
    Name(&'a str),
    /// The caller's name, and when the user was created.
    Profile(&'a str, Timestamp),
    /// Tokens, and whether there are more.
    Tokens(&'a [Token<'a>], bool),
    /// A new token and its secret.
    NewToken(&'a Token<'a>, &'a str),
    /// A token was revoked.
    Revocation,
    /// The user whose login succeeded, and the secret of the new token.
    Login(&'a str, &'a str),
    /// The page for the user, and the values with which the client asks whether the login is done.
    LoginPage {
        /// The page's address.
        page: &'a str,
        /// The login request, sealed.
        ask: &'a str,
        /// The secret that only the client has.
        key: &'a str,
    },
    /// The user has not logged in yet. The client asks again.
    LoginPending,
    /// The secret of the token that the login created.
    LoginSecret(&'a str),
}

/// Accounts, for protocols whose clients ask about them.
pub trait Accounts: Send + Sync {
    /// Reads the body of a login. Fails if its user name is not `name`.
    fn read_login(&self, name: &str, body: &[u8]) -> Result<Login, Problem>;

    /// Reads the body of a request for a token.
    fn read_token_request(&self, body: &[u8]) -> Result<TokenRequest, Problem>;

    /// Writes the reply to a client.
    fn reply(&self, response: &AccountResponse<'_>, repo_url: &RepoUrl<'_>) -> Reply;
}
