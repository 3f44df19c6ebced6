//! Requests about the caller's account. `access` makes and ends tokens; the protocol reads requests
//! and writes replies.
//!
//! They are the same at every repo's address, and do not tell whether there is such a repo.

use http::HeaderMap;
use http::header::USER_AGENT;
use larder_access::{Admission, Gate, NewToken, Principal, TokenScope, sign_in};
use larder_door::{ClientView, Incoming};
use larder_keys::secret::Secret;
use larder_metadata::Metadata;
use larder_metadata::tokens::{Token as Row, TokenFilter};
use larder_mirrors::account::{AccountRequest, AccountResponse, Login, Token, TokenRequest};
use larder_mirrors::{Accounts, Protocol, RepoUrl};
use larder_model::{Kind, Pattern, Problem, Reply, Role, TokenKind};
use std::sync::Arc;

/// A login or a request for a token has at most so many bytes.
const MAX_BYTES: usize = 64 << 10;
/// Tokens in one list.
const TOKENS: usize = 100;

/// Who asks about an account, and how the request came.
pub(crate) struct AccountContext<'a> {
    pub(crate) admission: &'a Admission,
    pub(crate) protocol: &'static dyn Protocol,
    pub(crate) repo_url: RepoUrl<'a>,
    pub(crate) client: &'a ClientView,
    pub(crate) headers: &'a HeaderMap,
}

/// Answers requests about accounts.
pub(crate) struct AccountRequests {
    metadata: Metadata,
    gate: Arc<Gate>,
}

impl AccountRequests {
    /// Accounts that a gate knows.
    pub(crate) const fn new(metadata: Metadata, gate: Arc<Gate>) -> Self {
        Self { metadata, gate }
    }

    /// Answers a request.
    pub(crate) async fn answer(
        &self,
        context: &AccountContext<'_>,
        request: &AccountRequest,
        body: &mut Incoming,
    ) -> Result<Reply, Problem> {
        let account = context
            .protocol
            .accounts()
            .ok_or_else(|| Problem::internal("a protocol without accounts"))?;
        let reply = |response: &AccountResponse<'_>| Ok(account.reply(response, &context.repo_url));
        match request {
            AccountRequest::LogIn(name) => {
                let login = account.read_login(name, &body.collect(MAX_BYTES).await?)?;
                let secret = self.log_in(context, &login).await?;
                reply(&AccountResponse::Login(&login.name, secret.expose()))
            }
            AccountRequest::BeginLogin => self.begin_login(context, account),
            AccountRequest::FinishLogin { ask, key } => {
                let secret = self.gate.finish_sign_in(ask, key).await?;
                let response = secret.as_ref().map(Secret::expose);
                reply(&response.map_or(AccountResponse::LoginPending, AccountResponse::LoginSecret))
            }
            AccountRequest::Whoami | AccountRequest::Profile => {
                let caller = context.admission.principal();
                let (user, name) = user_of(caller)?;
                let gone = || Problem::not_found("user", "there is no such user any more");
                let row = self.metadata.user_by_id(user).await?.ok_or_else(gone)?;
                let profile = *request == AccountRequest::Profile;
                reply(&if profile {
                    AccountResponse::Profile(name, row.created_at)
                } else {
                    AccountResponse::Name(name)
                })
            }
            AccountRequest::ListTokens(_)
            | AccountRequest::CreateToken
            | AccountRequest::RevokeToken(_) => {
                self.answer_about_tokens(context, account, request, body)
                    .await
            }
        }
    }

    /// Lists, makes and ends the caller's tokens.
    async fn answer_about_tokens(
        &self,
        context: &AccountContext<'_>,
        account: &dyn Accounts,
        request: &AccountRequest,
        body: &mut Incoming,
    ) -> Result<Reply, Problem> {
        let reply = |response: &AccountResponse<'_>| Ok(account.reply(response, &context.repo_url));
        let caller = context.admission.principal();
        let (user, _) = user_of(caller)?;
        match request {
            AccountRequest::ListTokens(after) => {
                let mut rows = if caller.is_unlimited() {
                    let (all, limit) = (TokenFilter::default(), TOKENS as u64 + 1);
                    self.metadata.tokens_of(user, all, *after, limit).await?
                } else {
                    // What was made for less sees itself alone.
                    let own = self.gate.own_token(caller).await?;
                    own.into_iter().filter(|own| own.id > *after).collect()
                };
                let more = rows.len() > TOKENS;
                rows.truncate(TOKENS);
                let tokens: Vec<Token<'_>> = rows.iter().map(token).collect();
                reply(&AccountResponse::Tokens(&tokens, more))
            }
            AccountRequest::RevokeToken(named) => {
                self.revoke(context.admission, named).await?;
                reply(&AccountResponse::Revocation)
            }
            _ => {
                let by = context.admission.require_unlimited()?;
                let wanted = account.read_token_request(&body.collect(MAX_BYTES).await?)?;
                self.gate.require_password(caller, &wanted.password).await?;
                let (row, secret) = self
                    .gate
                    .make_token(caller, user, self.new_token(context, wanted)?, &by)
                    .await?;
                tracing::info!(by = %caller.label, token = row.id, "token created");
                reply(&AccountResponse::NewToken(&token(&row), secret.expose()))
            }
        }
    }

    /// Begins a login in a browser: the client shows its user the page.
    fn begin_login(
        &self,
        context: &AccountContext<'_>,
        account: &dyn Accounts,
    ) -> Result<Reply, Problem> {
        let agent = context
            .headers
            .get(USER_AGENT)
            .and_then(|agent| agent.to_str().ok())
            .unwrap_or_default();
        let client = context.client.address;
        let begun = self.gate.begin_sign_in(client, agent, address(context))?;
        let (origin, page) = (context.repo_url.origin, sign_in::PAGE);
        let page = format!("{origin}{page}?ask={}", begun.ask);
        let response = AccountResponse::LoginPage {
            page: &page,
            ask: &begun.ask,
            key: begun.key.expose(),
        };
        Ok(account.reply(&response, &context.repo_url))
    }

    /// Makes a token for a user name and its password.
    async fn log_in(&self, context: &AccountContext<'_>, login: &Login) -> Result<Secret, Problem> {
        let found = self
            .gate
            .log_in(&login.name, &login.password, &context.client.origin())
            .await;
        let principal = found.map_err(|problem| match login.refusal {
            Some(refusal) if problem.kind == Kind::Unauthenticated => {
                Problem::new(Kind::LoginRefused, "user", refusal)
            }
            _ => problem,
        })?;
        let client = format!("{} login from {}", address(context), context.client.address);
        let secret = self
            .gate
            .issue_offline(&principal, &client, context.admission.origin())
            .await?;
        tracing::info!(by = %principal.label, client, "logged in");
        secret.ok_or_else(|| Problem::internal("a login without a user"))
    }

    /// Ends a token by its id or its secret. Each may end itself; another one only a token with all
    /// rights.
    async fn revoke(&self, by: &Admission, named: &str) -> Result<(), Problem> {
        let caller = by.principal();
        let id = match named.parse() {
            Ok(id) => id,
            Err(_) => self.gate.token_of_secret(named).await?,
        };
        if caller.token() != Some(id) {
            caller.require_unlimited()?;
        }
        let token = self.gate.end_token(by, id).await?;
        tracing::info!(by = %caller.label, owner = token.owner, token = id, "token deleted");
        Ok(())
    }

    fn new_token(
        &self,
        context: &AccountContext<'_>,
        wanted: TokenRequest,
    ) -> Result<NewToken, Problem> {
        // A group and its members are read by the same token.
        let repository: Pattern = format!("{}/*", context.protocol.name())
            .parse()
            .map_err(Problem::internal)?;
        let scope = |package, role| TokenScope::of_role(repository.clone(), package, role);
        let scopes = |(packages, role): (Vec<Pattern>, Role)| {
            packages.into_iter().map(|one| scope(one, role)).collect()
        };
        let expires_at = wanted
            .lifetime
            .map(|lifetime| self.metadata.now().after(lifetime));
        Ok(NewToken {
            kind: TokenKind::Access,
            name: wanted.name,
            expires_at,
            scopes: wanted.limits.map(scopes),
        })
    }
}

/// The caller's id and name. Fails for one without credentials.
fn user_of(caller: &Principal) -> Result<(i64, &str), Problem> {
    caller.require_identified()?;
    caller
        .user
        .zip(caller.name())
        .ok_or_else(|| Problem::internal("a user without a name"))
}

/// The repo as people name it.
fn address<'a>(context: &AccountContext<'a>) -> &'a str {
    context.repo_url.path.trim_start_matches('/')
}

/// A token as protocols see it.
fn token(row: &Row) -> Token<'_> {
    let (id, name, created_at, expires_at) = (row.id, &*row.name, row.created_at, row.expires_at);
    Token {
        id,
        name,
        created_at,
        expires_at,
        read_only: larder_access::is_read_only(row),
    }
}
