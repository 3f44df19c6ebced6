//! Requests of clients about the account of whoever uses them: who it is, its tokens, logging in and
//! out. Here requests are read and replies written; `access` checks passwords and makes tokens.
//! What holds secrets has no `Debug`.

use crate::RepoUrl;
use larder_model::{Pattern, Problem, Reply, Role, Timestamp};
use std::time::Duration;

/// What a client asks for.
#[derive(Clone, PartialEq, Eq)]
pub enum AccountRequest {
    /// The name of the caller.
    Whoami,
    /// What is known of the caller.
    Profile,
    /// The caller's tokens, after the one of this id.
    ListTokens(i64),
    /// A new token; the body says which.
    CreateToken,
    /// Revokes a token, which is named by its id or its secret.
    RevokeToken(Box<str>),
    /// A token for a name and a password, which are in the body.
    LogIn(Box<str>),
    /// A page at which a person can log the client in.
    BeginLogin,
    /// Asks whether the person has logged in.
    FinishLogin {
        /// The login request, sealed.
        ask: Box<str>,
        /// The secret that only the client has.
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
    /// The sentence for a client that may take the login for a sign-up, in the place of "wrong
    /// password".
    pub refusal: Option<&'static str>,
}

/// A token that is asked for.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenRequest {
    /// Its name.
    pub name: String,
    /// The password of the caller.
    pub password: String,
    /// How long it is valid; `None`: until it is revoked.
    pub lifetime: Option<Duration>,
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

/// The outcome of an [`AccountRequest`].
#[derive(Clone, PartialEq, Eq)]
pub enum AccountResponse<'a> {
    /// The caller's name.
    Name(&'a str),
    /// The caller's name, and when the user was made.
    Profile(&'a str, Timestamp),
    /// Tokens; whether more follow.
    Tokens(&'a [Token<'a>], bool),
    /// A new token and its secret.
    NewToken(&'a Token<'a>, &'a str),
    /// A token was revoked.
    Revocation,
    /// The user whose login succeeded, and the secret of the new token.
    Login(&'a str, &'a str),
    /// The page for the person, and what the client comes back with.
    LoginPage {
        /// The page's address.
        page: &'a str,
        /// The login request, sealed.
        ask: &'a str,
        /// The secret that only the client has.
        key: &'a str,
    },
    /// Nobody has logged in at the page yet: the client asks again.
    LoginPending,
    /// The secret of the token that the login at the page made.
    LoginSecret(&'a str),
}

/// Accounts, in a protocol whose clients ask about them.
pub trait Accounts: Send + Sync {
    /// Reads the login in a body, which is for `name`.
    fn read_login(&self, name: &str, body: &[u8]) -> Result<Login, Problem>;

    /// Reads the token that a body asks for.
    fn read_token_request(&self, body: &[u8]) -> Result<TokenRequest, Problem>;

    /// The reply to a client.
    fn reply(&self, response: &AccountResponse<'_>, repo_url: &RepoUrl<'_>) -> Reply;
}
