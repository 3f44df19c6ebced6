//! The command line.

use crate::apply::Apply;
use crate::audit::Audit;
use crate::backup::Backup;
use crate::can::Can;
use crate::completion::Shell;
use crate::connect::Connect;
use crate::denied::Denied;
use crate::discover::Discover;
use crate::doctor::Doctor;
use crate::gc::Gc;
use crate::grant::Grant;
use crate::group::Group;
use crate::job::Job;
use crate::login::Login;
use crate::login_context::LoginContext;
use crate::package::Package;
use crate::quota::Quota;
use crate::repo::Repo;
use crate::retention::Retention;
use crate::robot::Robot;
use crate::schedule::Schedule;
use crate::scrub::{Quarantine, Scrub};
use crate::search::Search;
use crate::sessions::Session;
use crate::settings::Settings;
use crate::stats::Stats;
use crate::token::Token;
use crate::trash::Trash;
use crate::upstream::Upstream;
use crate::user::User;
use clap::Subcommand;
use std::path::PathBuf;

/// The commands that are clients of a server, or need none.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Log in to a server and remember it.
    Login(Login),
    /// Forget the server, and end the token that login made there.
    Logout,
    /// Show who you are to the server.
    Whoami,
    /// Logins that are remembered: list, use. Needs no server.
    #[command(subcommand, name = "context")]
    LoginContext(LoginContext),
    /// Show what this machine's package managers use as upstream, or have the server's mirrors use it,
    /// too.
    Discover(Discover),
    /// Show the exact configuration that makes a client use a repository, or write it.
    Connect(Connect),
    /// Check the server, its storage and upstreams, and this machine's clients.
    Doctor(Doctor),
    /// Repositories: list, show, create, set, delete.
    #[command(subcommand)]
    Repo(Box<Repo>),
    /// Packages and images of a repository: list, show, refresh, copy, delete.
    #[command(subcommand, visible_alias = "image")]
    Package(Package),
    /// Search packages, images, versions, tags and digests in all repositories.
    Search(Search),
    /// Upstreams of mirrors: list, check.
    #[command(subcommand)]
    Upstream(Upstream),
    /// Users: list, show, create, set, delete.
    #[command(subcommand)]
    User(User),
    /// Groups of users, robots and groups: list, show, create, set, delete, members, add, remove.
    #[command(subcommand)]
    Group(Group),
    /// Robots, accounts of machines: list, show, create, set, delete.
    #[command(subcommand)]
    Robot(Robot),
    /// Tokens, secrets that act for a user: list, create, delete.
    #[command(subcommand)]
    Token(Token),
    /// Sessions, browsers in which someone signed in: list, end.
    #[command(subcommand)]
    Session(Session),
    /// Grants, who may do what where: list, create, delete.
    #[command(subcommand)]
    Grant(Grant),
    /// Make a backup of everything while the server serves, for superusers; or list, run, get, delete,
    /// verify.
    Backup(Backup),
    /// Settings of the whole server, for superusers: show, set.
    #[command(subcommand)]
    Settings(Settings),
    /// The collector, which frees what nothing names any more, for superusers: run, status, explain.
    #[command(subcommand)]
    Gc(Gc),
    /// Scrubs, which compare what is kept with its digests, for superusers: run, status.
    #[command(subcommand)]
    Scrub(Scrub),
    /// The quarantine, blobs whose bytes are damaged, for superusers: list, show, delete.
    #[command(subcommand)]
    Quarantine(Quarantine),
    /// Jobs, what takes a while, for superusers: list, show, watch, cancel.
    #[command(subcommand)]
    Job(Job),
    /// Schedules, when jobs begin by themselves, for superusers: list, set.
    #[command(subcommand)]
    Schedule(Schedule),
    /// Retention, what a repository lets go by rules: show, set, preview, run.
    #[command(subcommand)]
    Retention(Retention),
    /// Quotas that repositories share, for superusers: list, create, set, delete.
    #[command(subcommand)]
    Quota(Quota),
    /// The trash, what was deleted and can be restored: list, restore, delete.
    #[command(subcommand)]
    Trash(Trash),
    /// Statistics, for superusers: how much is kept, how it is used, how the server fares; or series,
    /// usage, count.
    Stats(Stats),
    /// The audit trail, who did what, for superusers: list, export, verify.
    #[command(subcommand)]
    Audit(Audit),
    /// Requests that rules refused, the newest first; for superusers, and in repositories of one's own.
    Denied(Denied),
    /// Tell why a request was refused, by the id that its client was told.
    Why {
        /// The id, or the address that ends with it.
        id: String,
    },
    /// Tell whether someone may do something, by which grant, and through which groups.
    Can(Can),
    /// Make the server what a file says: repositories, groups, robots, grants, settings.
    Apply(Apply),
    /// Print what there is, as a file for `apply`.
    Export,
    /// Print what makes a shell complete larder's command line. Needs no server.
    Completion {
        /// The shell.
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Write a page of the manual for each command into a folder. Needs no server.
    Man {
        /// The folder, e.g. /usr/local/share/man/man1; made if it is missing.
        folder: PathBuf,
    },
    /// What the scripts of `completion` ask.
    #[command(hide = true, name = "__complete")]
    Complete {
        /// The words so far, the last one perhaps begun.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
}
