//! Errands of clients about the account of whoever uses them. `PolicySnapshot` and tokens are `access`'s to
//! make; here the protocol's words are led to it and its answers back.
//!
//! They are the same at every repo's address, and do not tell whether there is such a repo.

use crate::Engine;
use http::HeaderMap;
use http::header::USER_AGENT;
use larder_access::{Admission, NewToken, Principal, TokenScope, sign_in};
use larder_door::{ClientView, Incoming};
use larder_metadata::people::Token as Row;
use larder_mirrors::account::{AccountRequest, AccountResponse, Login, Token, TokenRequest};
use larder_mirrors::{Accounts, Protocol, RepoUrl};
use larder_model::{Kind, Pattern, Problem, Reply, Role};

/// A login or the wish for a token has at most so many bytes.
const MAX_BYTES: usize = 64 << 10;
/// Tokens in one list.
const TOKENS: usize = 100;

/// Who asks for an errand, and how it came.
pub(crate) struct AccountContext<'a> {
    pub(crate) admission: &'a Admission,
    pub(crate) protocol: &'static dyn Protocol,
    pub(crate) repo_url: RepoUrl<'a>,
    pub(crate) client: &'a ClientView,
    pub(crate) headers: &'a HeaderMap,
}

impl Engine {
    /// Does an errand.
    pub(crate) async fn run(
        &self,
        context: &AccountContext<'_>,
        request: &AccountRequest,
        body: &mut Incoming,
    ) -> Result<Reply, Problem> {
        let account = context
            .protocol
            .accounts()
            .ok_or_else(|| Problem::internal("a protocol without accounts"))?;
        let tell = |response: &AccountResponse<'_>| Ok(account.reply(response, &context.repo_url));
        match request {
            AccountRequest::LogIn(name) => {
                let login = account.read_login(name, &body.collect(MAX_BYTES).await?)?;
                let secret = self.log_in(context, &login).await?;
                tell(&AccountResponse::Login(&login.name, secret.expose()))
            }
            AccountRequest::BeginLogin => {
                let agent = context
                    .headers
                    .get(USER_AGENT)
                    .and_then(|agent| agent.to_str().ok())
                    .unwrap_or_default();
                let begun =
                    self.gate
                        .begin_sign_in(context.client.address, agent, place(context))?;
                let page = format!(
                    "{}{}?ask={}",
                    context.repo_url.origin,
                    sign_in::PAGE,
                    begun.ask
                );
                tell(&AccountResponse::LoginPage {
                    page: &page,
                    ask: &begun.ask,
                    key: begun.key.expose(),
                })
            }
            AccountRequest::FinishLogin { ask, key } => {
                let secret = self.gate.finish_sign_in(ask, key).await?;
                tell(
                    &secret
                        .as_ref()
                        .map_or(AccountResponse::LoginPending, |secret| {
                            AccountResponse::LoginSecret(secret.expose())
                        }),
                )
            }
            AccountRequest::Whoami | AccountRequest::Profile => {
                let caller = context.admission.principal();
                let (user, name) = someone(caller)?;
                let gone = || Problem::not_found("user", "there is no such user any more");
                let row = context
                    .admission
                    .policy()
                    .user_by_id(user)
                    .ok_or_else(gone)?;
                let profile = *request == AccountRequest::Profile;
                tell(&if profile {
                    AccountResponse::Profile(name, row.created_at)
                } else {
                    AccountResponse::Name(name)
                })
            }
            AccountRequest::ListTokens(_)
            | AccountRequest::CreateToken
            | AccountRequest::RevokeToken(_) => {
                self.tend_tokens(context, account, request, body).await
            }
        }
    }

    /// Lists, makes and ends the caller's tokens.
    async fn tend_tokens(
        &self,
        context: &AccountContext<'_>,
        account: &dyn Accounts,
        request: &AccountRequest,
        body: &mut Incoming,
    ) -> Result<Reply, Problem> {
        let tell = |response: &AccountResponse<'_>| Ok(account.reply(response, &context.repo_url));
        let caller = context.admission.principal();
        let (user, _) = someone(caller)?;
        match request {
            AccountRequest::ListTokens(after) => {
                let mut rows = self
                    .metadata
                    .tokens_of(user, *after, TOKENS as u64 + 1)
                    .await?;
                let more = rows.len() > TOKENS;
                rows.truncate(TOKENS);
                let tokens: Vec<Token<'_>> = rows.iter().map(shown).collect();
                tell(&AccountResponse::Tokens(&tokens, more))
            }
            AccountRequest::RevokeToken(named) => {
                self.end_token(caller, named).await?;
                tell(&AccountResponse::Revocation)
            }
            _ => {
                caller.require_unlimited()?;
                let wanted = account.read_token_request(&body.collect(MAX_BYTES).await?)?;
                self.gate.require_password(caller, &wanted.password).await?;
                let (row, secret) = self
                    .gate
                    .make_token(user, self.new_token(context, wanted)?)
                    .await?;
                tracing::info!(by = %caller.label, token = row.id, "token created");
                tell(&AccountResponse::NewToken(&shown(&row), secret.expose()))
            }
        }
    }

    async fn log_in(
        &self,
        context: &AccountContext<'_>,
        login: &Login,
    ) -> Result<larder_keys::secret::Secret, Problem> {
        let found = self
            .gate
            .log_in(&login.name, &login.password, context.client.address)
            .await;
        let principal = found.map_err(|problem| match login.refusal {
            Some(refusal) if problem.kind == Kind::Unauthenticated => {
                Problem::new(Kind::Unauthenticated, "user", refusal)
            }
            _ => problem,
        })?;
        let client = format!("{} login from {}", place(context), context.client.address);
        let secret = self.gate.issue_offline(&principal, &client).await?;
        tracing::info!(by = %principal.label, client, "logged in");
        secret.ok_or_else(|| Problem::internal("a login without a user"))
    }

    /// Ends a token by its id or its secret. Each may end itself; another one only a token with all
    /// rights.
    async fn end_token(&self, caller: &Principal, named: &str) -> Result<(), Problem> {
        let id = match named.parse() {
            Ok(id) => id,
            Err(_) => self.gate.token_of_secret(named).await?,
        };
        if caller.token() != Some(id) {
            caller.require_unlimited()?;
        }
        let token = self.gate.end_token(caller, id).await?;
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
            name: wanted.name,
            expires_at,
            scopes: wanted.limits.map(scopes),
        })
    }
}

/// The caller's id and name, if it is someone.
fn someone(caller: &Principal) -> Result<(i64, &str), Problem> {
    caller.require_identified()?;
    caller
        .user
        .zip(caller.name())
        .ok_or_else(|| Problem::internal("a user without a name"))
}

/// The repo as people name it.
fn place<'a>(context: &AccountContext<'a>) -> &'a str {
    context.repo_url.path.trim_start_matches('/')
}

fn shown(row: &Row) -> Token<'_> {
    let (id, name, created_at, expires_at) = (row.id, &*row.name, row.created_at, row.expires_at);
    Token {
        id,
        name,
        created_at,
        expires_at,
        read_only: larder_access::is_read_only(row),
    }
}
