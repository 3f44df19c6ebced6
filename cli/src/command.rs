//! The command line.

use crate::arguments::{
    AbsentStatus, AnswerTimeOption, OpenOption, block, moment, repo_path, token_grant,
};
use crate::expiry::Expiry;
use crate::span::Span;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ArgAction, Args, Subcommand};
use larder_api::{Block, RepoKind, TokenGrant};
use larder_model::{Outcome, Pattern, RepoName, RepoPath, Role, Timestamp, UserName};
use std::path::PathBuf;

/// What every command that speaks with a server takes.
#[derive(Args, Debug, Clone, Default)]
#[command(next_help_heading = "Server and output")]
pub struct Global {
    /// The server's address [default: the one of `larder login`].
    #[arg(long, global = true, env = "LARDER_SERVER", value_name = "URL")]
    pub server: Option<String>,
    /// The token to show [default: the one of `larder login`]; others can see flags, so prefer the
    /// variable.
    #[arg(
        long,
        global = true,
        env = "LARDER_TOKEN",
        hide_env_values = true,
        value_name = "TOKEN"
    )]
    pub token: Option<String>,
    /// Print the API's JSON instead of tables.
    #[arg(long, global = true)]
    pub json: bool,
    /// Trust this authority's certificate (PEM) too.
    #[arg(long = "ca-cert", global = true, value_name = "FILE")]
    pub ca: Option<PathBuf>,
}

/// The commands that are clients of a server, or need none.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Log in to a server and remember it.
    Login(Login),
    /// Forget the server, and end the token that login made there.
    Logout,
    /// Show who you are to the server.
    Whoami,
    /// Show what this machine's package managers use as upstream. Needs no server.
    Discover,
    /// Show the exact configuration that makes a client use a repository.
    Connect {
        /// cargo, npm, pnpm, yarn, bun, pip, uv, poetry, twine, dnf, docker, podman, containerd or
        /// buildkit.
        client: String,
        /// Protocol and name, e.g. npm/main.
        #[arg(value_parser = repo_path)]
        repo: RepoPath,
    },
    /// Repositories: list, show, create, set, delete.
    #[command(subcommand)]
    Repo(Repo),
    /// Upstreams of mirrors: list, check.
    #[command(subcommand)]
    Upstream(Upstream),
    /// Users: list, show, create, set, delete.
    #[command(subcommand)]
    User(User),
    /// Tokens, secrets that act for a user: list, create, delete.
    #[command(subcommand)]
    Token(Token),
    /// Grants, who may do what where: list, create, delete.
    #[command(subcommand)]
    Grant(Grant),
    /// The audit trail, who did what, for superusers: list, export, verify.
    #[command(subcommand)]
    Audit(Audit),
}

/// Log in. With --token that token is checked and remembered; else a new one is made with a user's
/// password.
#[derive(Args, Debug)]
pub struct Login {
    /// The server's address.
    pub url: String,
    /// User name [default: asked for].
    #[arg(long)]
    pub username: Option<UserName>,
    /// Read the password from standard input, one line, instead of asking for it.
    #[arg(long)]
    pub password_stdin: bool,
}

/// What can be done to repositories.
#[derive(Subcommand, Debug)]
pub enum Repo {
    /// List repositories that you may see.
    List,
    /// Show one repository.
    Show {
        /// Protocol and name, e.g. oci/team.
        #[arg(value_parser = repo_path)]
        name: RepoPath,
    },
    /// Make a repository.
    Create {
        /// Protocol and name, e.g. oci/team.
        #[arg(value_parser = repo_path)]
        name: RepoPath,
        /// What it is [default: mirror with --upstream, group with --member, else hosted].
        #[arg(long, value_parser = kinds())]
        kind: Option<RepoKind>,
        #[command(flatten)]
        settings: RepoSettings,
    },
    /// Change a repository; what is not given stays.
    Set {
        /// Protocol and name, e.g. oci/team.
        #[arg(value_parser = repo_path)]
        name: RepoPath,
        #[command(flatten)]
        settings: RepoSettings,
        /// Of a mirror: fetch again.
        #[arg(long, conflicts_with = "offline")]
        online: bool,
        /// Of a mirror or a group: block nothing any more.
        #[arg(long, conflicts_with = "blocked")]
        block_nothing: bool,
    },
    /// Delete a repository with all that is in it.
    Delete {
        /// Protocol and name, e.g. oci/team.
        #[arg(value_parser = repo_path)]
        name: RepoPath,
        /// Do not ask.
        #[arg(long, short)]
        yes: bool,
        /// Also if a group has it as a member or a setting names it; for superusers.
        #[arg(long)]
        force: bool,
    },
}

/// What can be asked of upstreams.
#[derive(Subcommand, Debug)]
pub enum Upstream {
    /// List the upstreams of mirrors that you administer, and how they have answered lately.
    List,
    /// Ask upstreams now whether they are there and take the credentials. Fails if one does not.
    Check {
        /// The mirror, e.g. npm/upstream [default: all that you administer].
        #[arg(value_parser = repo_path)]
        repo: Option<RepoPath>,
    },
}

/// What can be set for a repository.
#[derive(Args, Debug, Clone, Default)]
pub struct RepoSettings {
    /// A line for people.
    #[arg(long)]
    pub description: Option<String>,
    /// Of a mirror: the address that it mirrors. With another one, user name, password and
    /// allowances begin anew.
    #[arg(long, value_name = "URL")]
    pub upstream: Option<String>,
    /// Of a mirror: the user name that it shows its upstream.
    #[arg(long, value_name = "NAME")]
    pub username: Option<String>,
    /// Of a mirror: read the password or token for its upstream from standard input, one line; an
    /// empty one is none.
    #[arg(long)]
    pub password_stdin: bool,
    /// Of a mirror: its upstream may have a private or loopback address.
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub allow_private: Option<bool>,
    /// Of a mirror: another origin of private address that its upstream's indexes may point at,
    /// with scheme and port; can be given more than once.
    #[arg(long, value_name = "ORIGIN")]
    pub allow: Vec<String>,
    /// Of a mirror: how often its upstream is asked at most; 0 is no limit.
    #[arg(long, value_name = "NUMBER")]
    pub requests_per_minute: Option<u32>,
    /// Of a mirror: a status by which its upstream says that it does not have something, beside
    /// 404 and 410: 400, 401 or 403; can be given more than once, and an empty one is none of them.
    #[arg(long = "absent-status", value_name = "STATUS")]
    pub absent_statuses: Vec<AbsentStatus>,
    /// Of a mirror: how long its upstream may take to begin an answer, from 1s to 10m; an empty one
    /// is as the server says.
    #[arg(long, value_name = "TIME")]
    pub answer_time: Option<AnswerTimeOption>,
    /// Of an rpm repository: the armored secret key, without a passphrase, that signs its metadata
    /// (- reads standard input); an empty file takes the key away.
    #[arg(long, value_name = "FILE")]
    pub signing_key: Option<PathBuf>,
    /// Of a mirror: how long a document is served without asking again, in seconds or as 5m, 12h.
    #[arg(long, value_name = "TIME")]
    pub fresh: Option<Span>,
    /// Whether everyone may read it without a grant: true, false, or auto, as follows from what it
    /// is.
    #[arg(long, value_name = "true|false|auto")]
    pub open: Option<OpenOption>,
    /// Of a mirror: fetch nothing, serve what is kept.
    #[arg(long)]
    pub offline: bool,
    /// Of a group: a repository of the same protocol; can be given more than once, in the order in
    /// which they are asked.
    #[arg(long = "member", value_name = "NAME")]
    pub members: Vec<RepoName>,
    /// Of a mirror or a group: packages that are not served, with * for any run of characters, and
    /// perhaps why; can be given more than once, and the whole list is what is given.
    #[arg(long = "block", value_name = "PATTERN[=REASON]", value_parser = block)]
    pub blocked: Vec<Block>,
}

/// Where a new password comes from; without a flag it is asked for.
#[derive(Args, Debug, Clone, Copy, Default)]
#[group(multiple = false)]
pub struct PasswordSource {
    /// Read the password from standard input, one line; for your own password first the present
    /// one, on a line before.
    #[arg(long)]
    pub password_stdin: bool,
    /// Make a random password and print it once.
    #[arg(long)]
    pub generate_password: bool,
}

/// What can be done to users.
#[derive(Subcommand, Debug)]
pub enum User {
    /// List users.
    List,
    /// Show one user.
    Show {
        /// The user's name.
        name: UserName,
    },
    /// Make a user.
    Create {
        /// The user's name.
        name: UserName,
        #[command(flatten)]
        password: PasswordSource,
        /// Let it do everything.
        #[arg(long)]
        superuser: bool,
        /// Let it do nothing for now.
        #[arg(long)]
        disabled: bool,
    },
    /// Change a user.
    Set {
        /// The user's name.
        name: UserName,
        /// Set a new password, asked for.
        #[arg(long, conflicts_with = "PasswordSource")]
        password: bool,
        #[command(flatten)]
        source: PasswordSource,
        /// Whether it may do everything.
        #[arg(long, action = ArgAction::Set, value_name = "true|false")]
        superuser: Option<bool>,
        /// Whether it may do nothing.
        #[arg(long, action = ArgAction::Set, value_name = "true|false")]
        disabled: Option<bool>,
    },
    /// Delete a user with its tokens and grants.
    Delete {
        /// The user's name.
        name: UserName,
        /// Do not ask.
        #[arg(long, short)]
        yes: bool,
    },
}

/// What can be done to tokens.
#[derive(Subcommand, Debug)]
pub enum Token {
    /// List tokens.
    List {
        /// Another user's, for superusers.
        #[arg(long, value_name = "NAME")]
        owner: Option<UserName>,
    },
    /// Make a token; its secret is shown this once.
    Create {
        /// What you call it.
        name: String,
        /// When it ends: after a time (12h, 30d, 52w) or at a date (2030-01-31) [default: never].
        #[arg(long, value_name = "WHEN")]
        expires: Option<Expiry>,
        /// Limit it: REPOSITORY:ROLE or REPOSITORY:ROLE:PACKAGE, with * in patterns; can be given
        /// more than once [default: all that its owner may].
        #[arg(long = "grant", value_name = "LIMIT", value_parser = token_grant)]
        grants: Vec<TokenGrant>,
        /// For another user, for superusers.
        #[arg(long, value_name = "NAME")]
        owner: Option<UserName>,
        /// Print the secret and nothing else.
        #[arg(long, short)]
        quiet: bool,
    },
    /// End a token.
    Delete {
        /// The token's id, as the list shows it.
        id: u64,
        /// Do not ask.
        #[arg(long, short)]
        yes: bool,
    },
}

/// The kinds of repositories.
fn kinds() -> impl TypedValueParser<Value = RepoKind> {
    const KINDS: [RepoKind; 3] = [RepoKind::Hosted, RepoKind::Mirror, RepoKind::Group];
    let known = |word: String| KINDS.into_iter().find(|kind| kind.word() == word);
    PossibleValuesParser::new(KINDS.map(RepoKind::word))
        .try_map(move |word| known(word).ok_or("no kind of repository"))
}

/// The roles, from least to most.
fn roles() -> impl TypedValueParser<Value = Role> {
    const ROLES: [Role; 4] = [Role::Reader, Role::Writer, Role::Maintainer, Role::Admin];
    let known = |word: String| ROLES.into_iter().find(|role| role.word() == word);
    PossibleValuesParser::new(ROLES.map(Role::word))
        .try_map(move |word| known(word).ok_or("no role"))
}

/// What can be done to grants.
#[derive(Subcommand, Debug)]
pub enum Grant {
    /// List the grants on repositories that you administer.
    List,
    /// Give a role to someone.
    Create {
        /// To whom: user:NAME, group:NAME, robot:NAME, authenticated or anonymous.
        subject: String,
        /// Where: protocol/name, with * for any run of characters, e.g. 'oci/team-*'.
        repository: Pattern,
        /// As what.
        #[arg(long, value_parser = roles())]
        role: Role,
        /// Only for these packages, with * for any run of characters [default: all].
        #[arg(long)]
        package: Option<Pattern>,
    },
    /// Take a grant back.
    Delete {
        /// The grant's id, as the list shows it.
        id: u64,
        /// Do not ask.
        #[arg(long, short)]
        yes: bool,
    },
}

/// What can be asked of the audit trail.
#[derive(Subcommand, Debug)]
pub enum Audit {
    /// List entries, the newest first.
    List {
        #[command(flatten)]
        filter: AuditFilter,
        /// How many at most.
        #[arg(long, value_name = "NUMBER", default_value_t = 100,
              value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
    },
    /// Write all entries to standard output, the newest first, a JSON object on each line.
    Export {
        #[command(flatten)]
        filter: AuditFilter,
    },
    /// Prove that no entry was changed, removed or put between others. Fails if one was.
    Verify,
}

/// Which entries of the audit trail.
#[derive(Args, Debug, Clone, Default)]
pub struct AuditFilter {
    /// Who, e.g. user:alice; with * at the end, all that begin so.
    #[arg(long, value_name = "ACTOR")]
    pub actor: Option<String>,
    /// What was done, e.g. grant.create or 'grant.*'.
    #[arg(long, value_name = "ACTION")]
    pub action: Option<String>,
    /// To what, e.g. oci/team or 'oci/*'.
    #[arg(long, value_name = "OBJECT")]
    pub object: Option<String>,
    /// How it ended.
    #[arg(long, value_parser = results())]
    pub result: Option<String>,
    /// Not before this time (2030-01-31, 2030-01-31T12:00:00Z).
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub since: Option<Timestamp>,
    /// Before this time.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub until: Option<Timestamp>,
}

fn results() -> PossibleValuesParser {
    PossibleValuesParser::new(Outcome::ALL.iter().map(|outcome| outcome.word()))
}
