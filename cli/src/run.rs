//! From a command to an exit code.

use crate::apply::{apply, export};
use crate::audit::audit;
use crate::backup::backup;
use crate::can::can;
use crate::command::Command;
use crate::completion::{complete, script};
use crate::connect::connect;
use crate::context::{Context, Env, voice};
use crate::denied::{denied, why};
use crate::discover::discover;
use crate::doctor::doctor;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::format::Format;
use crate::gc::gc;
use crate::global::Global;
use crate::grant::grant;
use crate::group::group;
use crate::job::job;
use crate::login::{login, logout, whoami};
use crate::login_context::login_context;
use crate::outcome::{Outcome, View, print};
use crate::package::package;
use crate::quota::quota;
use crate::repo::repo;
use crate::retention::retention;
use crate::robot::robot;
use crate::schedule::schedule;
use crate::scrub::{quarantine, scrub};
use crate::search::search;
use crate::sessions::session;
use crate::settings::settings;
use crate::stats::stats;
use crate::terminal::{self, Voice};
use crate::token::token;
use crate::trash::trash;
use crate::upstream::upstream;
use crate::user::user;
use std::path::Path;

/// Carries out a command, shows what came of it and tells how it ended.
pub async fn run(command: Command, global: Global, env: &Env) -> Exit {
    let cx = Context {
        global: &global,
        env,
    };
    let shown = match carry_out(command, &cx).await {
        Ok(outcome) => show(&outcome, global.format(), cx.voice()).map(|()| outcome.exit),
        Err(failure) => Err(failure),
    };
    shown.unwrap_or_else(|failure| {
        cx.voice().fail(&failure);
        failure.exit()
    })
}

/// Whether a command line that cannot be understood asks for JSON.
pub fn wants_json(words: &[String]) -> bool {
    const WHOLE: [&str; 5] = [
        "--json",
        "-ojson",
        "-ondjson",
        "--output=json",
        "--output=ndjson",
    ];
    let follows = |pair: &[String]| {
        matches!(&*pair[0], "-o" | "--output") && matches!(&*pair[1], "json" | "ndjson")
    };
    words.iter().any(|word| WHOLE.contains(&&**word)) || words.windows(2).any(follows)
}

/// Tells a program of a command line that cannot be understood.
pub fn misused(text: &str) {
    let text = text.trim().trim_start_matches("error: ");
    voice(Format::Json, false, true).fail(&Failure::Usage(text.to_owned()));
}

pub(crate) async fn carry_out(command: Command, cx: &Context<'_>) -> Result<Outcome, Failure> {
    match command {
        Command::Login(args) => login(args, cx).await,
        Command::Logout => logout(cx).await,
        Command::Whoami => whoami(cx).await,
        Command::LoginContext(command) => login_context(command, cx),
        Command::Discover(args) => discover(&args, cx).await,
        Command::Connect(args) => connect(args, cx).await,
        Command::Doctor(args) => doctor(args, cx).await,
        Command::Repo(command) => repo(*command, cx).await,
        Command::Package(command) => package(command, cx).await,
        Command::Search(args) => search(args, cx).await,
        Command::Upstream(command) => upstream(command, cx).await,
        Command::User(command) => user(command, cx).await,
        Command::Group(command) => group(command, cx).await,
        Command::Robot(command) => robot(command, cx).await,
        Command::Token(command) => token(command, cx).await,
        Command::Session(command) => session(command, cx).await,
        Command::Grant(command) => grant(command, cx).await,
        Command::Backup(args) => backup(args, cx).await,
        Command::Settings(command) => settings(command, cx).await,
        Command::Gc(command) => gc(command, cx).await,
        Command::Scrub(command) => scrub(command, cx).await,
        Command::Quarantine(command) => quarantine(command, cx).await,
        Command::Job(command) => job(command, cx).await,
        Command::Schedule(command) => schedule(command, cx).await,
        Command::Retention(command) => retention(command, cx).await,
        Command::Quota(command) => quota(command, cx).await,
        Command::Trash(command) => trash(command, cx).await,
        Command::Stats(args) => stats(args, cx).await,
        Command::Audit(command) => audit(command, cx).await,
        Command::Denied(args) => denied(args, cx).await,
        Command::Why { id } => why(&id, cx).await,
        Command::Can(question) => can(question, cx).await,
        Command::Apply(args) => apply(args, cx).await,
        Command::Export => export(cx).await,
        Command::Completion { shell } => Ok(Outcome::text(None, script(shell))),
        Command::Man { folder } => write_manual(&folder, cx),
        Command::Complete { words } => Ok(completed(&complete(&cx.env.grammar, &words))),
    }
}

/// Writes the pages of the manual, one for each command.
fn write_manual(folder: &Path, cx: &Context<'_>) -> Result<Outcome, Failure> {
    let wrong = |error: std::io::Error| Failure::file(folder, error);
    std::fs::create_dir_all(folder).map_err(wrong)?;
    clap_mangen::generate_to(cx.env.grammar.clone(), folder).map_err(wrong)?;
    let shown = folder.display();
    Ok(Outcome::done(format!(
        "the pages of the manual are in {shown}"
    )))
}

/// Words that fit, one a line, each with what it means after a tab.
fn completed(found: &[(String, String)]) -> Outcome {
    let lines = found.iter().map(|(word, about)| format!("{word}\t{about}"));
    Outcome::text(None, lines.collect::<Vec<_>>().join("\n"))
}

/// Shows an outcome: data on standard output, what is said besides on standard error.
pub(crate) fn show(outcome: &Outcome, format: Format, voice: Voice) -> Result<(), Failure> {
    let data = outcome.data(format, terminal::width())?;
    print(&data)?;
    if let View::Sentence(sentence) = &outcome.view {
        voice.note(sentence);
    }
    outcome.notes.iter().for_each(|note| voice.note(note));
    Ok(())
}
