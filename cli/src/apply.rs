//! `larder apply` and `larder export`: what there is to be, in a file.

mod text;

mod act;
mod file;
mod state;

mod grants;
mod people;
mod repositories;
mod schedules;
mod retention;

mod checks;
mod references;

mod plan;

mod gather;

mod execute;
mod export;
mod show;

use crate::client::Client;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::format::Format;
use crate::outcome::{Outcome, print};
use crate::terminal;
use act::{Act, Refusal};
use clap::Args;
use file::{Resources, Source, UpstreamEntry};
use larder_api::{RepoKind, Repository};
use larder_discover::Machine;
use larder_model::{RepoPath, pem};
use plan::Plan;
use repositories::{Passwords, UpstreamFiles};
use serde_json::{Value, json};
use state::path_of;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What is applied, and how.
#[derive(Args, Debug)]
pub struct Apply {
    /// The file, in TOML; - reads standard input.
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,
    /// Show the differences and change nothing; ends with 6 if there are any.
    #[arg(long)]
    dry_run: bool,
    /// Delete what the file does not name, of the kinds that it has; never users, nor repositories
    /// that are not empty.
    #[arg(long)]
    prune: bool,
    /// Send the passwords and keys of upstreams also where there is one already.
    #[arg(long)]
    send_passwords: bool,
}

pub(crate) async fn apply(args: Apply, cx: &Context<'_>) -> Result<Outcome, Failure> {
    let text = terminal::file(&args.file)?;
    let name = match args.file.to_str() {
        Some("-") => "standard input".to_owned(),
        _ => args.file.display().to_string(),
    };
    let source = Source {
        name: &name,
        text: &text,
    };
    let file = source.read().map_err(Failure::Usage)?;
    refuse_all(source, &checks::check(&file))?;
    let passwords = Passwords {
        of: passwords(source, &file, &args.file, &cx.env.machine)?,
        again: args.send_passwords,
    };
    let client = &cx.client()?;
    let caller = gather::caller(client).await?;
    let parts = gather::of(&file, &caller);
    let mut state = gather::state(client, caller, &parts).await?;
    let retention = file.retention.as_deref().unwrap_or_default();
    let is_named = |it: &Repository| {
        let mut named = retention.iter().map(|entry| &entry.get_ref().repository);
        named.any(|path| *path == path_of(it))
    };
    gather::retentions(client, is_named, &mut state).await?;
    if args.prune {
        gather::look_into_unnamed(client, &file, &mut state).await?;
    }
    let plan = plan::plan(&file, &state, &passwords, args.prune);
    let plan = plan.map_err(|refusal| refused(source, &refusal))?;
    let told = Told::begin(&plan, cx)?;
    if plan.acts.is_empty() {
        return Ok(told.end(&[], "nothing to do: all is as the file says", Exit::Done));
    }
    let acts: Vec<&Act> = plan.acts.iter().collect();
    if args.dry_run {
        let words = ["to create", "to change", "to delete"];
        let counts = show::counts(&acts, words);
        let all = vec![show::Outcome::Planned; plan.acts.len()];
        let sentence = format!("nothing was changed; {counts}");
        return Ok(told.end(&all, &sentence, Exit::Conflict));
    }
    let counts = show::counts(&acts, ["Create", "change", "delete"]);
    cx.confirm(&format!("{counts}?"))?;
    let (outcomes, exit) = carry_out(client, &plan.acts, cx).await;
    let is_done = |outcome: &show::Outcome| *outcome == show::Outcome::Done;
    let done = acts
        .into_iter()
        .zip(&outcomes)
        .filter(|(_, outcome)| is_done(outcome));
    let done: Vec<&Act> = done.map(|(act, _)| act).collect();
    let mut sentence = show::counts(&done, ["created", "changed", "deleted"]);
    if exit != Exit::Done {
        let left = outcomes.iter().filter(|outcome| !is_done(outcome)).count() - 1;
        sentence += &format!(", failed 1, not tried {left}");
    }
    Ok(told.end(&outcomes, &sentence, exit))
}

/// What comes of acts, up to the first that fails.
async fn carry_out(client: &Client, acts: &[Act], cx: &Context<'_>) -> (Vec<show::Outcome>, Exit) {
    let mut outcomes = Vec::with_capacity(acts.len());
    let mut exit = Exit::Done;
    for act in acts {
        let done = execute::carry_out(client, act).await;
        outcomes.push(show::Outcome::of(&done));
        if let Err(failure) = done {
            cx.voice().fail(&failure);
            exit = match failure.exit() {
                // What someone else changed is looked at anew, however much was done before.
                Exit::Conflict => Exit::Conflict,
                _ if outcomes.len() > 1 => Exit::Partly,
                exit => exit,
            };
            break;
        }
    }
    outcomes.resize(acts.len(), show::Outcome::NotTried);
    (outcomes, exit)
}

/// How a plan and what comes of it are told: to people before it is asked about, to programs as one
/// list at the end.
struct Told<'a> {
    plan: &'a Plan,
    format: Format,
}

impl<'a> Told<'a> {
    fn begin(plan: &'a Plan, cx: &Context<'_>) -> Result<Self, Failure> {
        let told = Self {
            plan,
            format: cx.global.format(),
        };
        if told.is_for_people() {
            let lines: String = plan.acts.iter().map(show::lines).collect();
            print(&lines)?;
        }
        plan.notes.iter().for_each(|note| cx.voice().warn(note));
        Ok(told)
    }

    const fn is_for_people(&self) -> bool {
        matches!(self.format, Format::Table | Format::Wide)
    }

    fn end(&self, outcomes: &[show::Outcome], sentence: &str, exit: Exit) -> Outcome {
        if self.is_for_people() {
            return Outcome::done(sentence).ending(exit);
        }
        let acts = self.plan.acts.iter().zip(outcomes);
        let items: Vec<Value> = acts.map(|(act, of)| show::object(act, of)).collect();
        let list = Outcome::list(json!({"items": items, "next": null}), &show::ACTS);
        list.noting(sentence).ending(exit)
    }
}

fn refused(source: Source<'_>, refusal: &Refusal) -> Failure {
    let sentence = match &refusal.span {
        Some(span) => source.at(span, &refusal.sentence),
        None => refusal.sentence.clone(),
    };
    if refusal.is_clash {
        Failure::Clash(sentence)
    } else {
        Failure::Usage(sentence)
    }
}

/// Fails with all that is wrong with the file.
fn refuse_all(source: Source<'_>, refusals: &[Refusal]) -> Result<(), Failure> {
    if refusals.is_empty() {
        return Ok(());
    }
    let told = refusals
        .iter()
        .map(|refusal| refused(source, refusal).to_string());
    Err(Failure::Usage(told.collect::<Vec<_>>().join("; ")))
}

/// The passwords of upstreams, their keys and certificates, from where the file says that they are.
fn passwords(
    source: Source<'_>,
    file: &Resources,
    path: &Path,
    machine: &Machine,
) -> Result<BTreeMap<RepoPath, UpstreamFiles>, Failure> {
    let mut passwords = BTreeMap::new();
    for entry in file.repositories.iter().flatten() {
        let name = &entry.get_ref().name;
        let Some(upstream) = &entry.get_ref().upstream else {
            continue;
        };
        let failed = |why| Failure::Usage(source.at(&entry.span(), &format!("{name}: {why}")));
        let files = || -> Result<UpstreamFiles, String> {
            Ok(UpstreamFiles {
                password: password(upstream, path, machine)?,
                client_certificate: certificates(
                    upstream.client_certificate_file.as_deref(),
                    path,
                )?,
                client_key: private_key(upstream.client_key_file.as_deref(), path)?,
                ca_certificate: certificates(upstream.ca_certificate_file.as_deref(), path)?,
                trusted_keys: keys(upstream.trusted_keys_file.as_deref(), path)?,
            })
        };
        passwords.insert(name.clone(), files().map_err(failed)?);
    }
    Ok(passwords)
}

/// The armored keys of a file beside `file`; one without any is told by the server.
fn keys(path: Option<&Path>, file: &Path) -> Result<Option<String>, String> {
    pem_file(path, file, str::to_owned, "public key")
}

/// The certificates of a file beside `file`.
fn certificates(path: Option<&Path>, file: &Path) -> Result<Option<String>, String> {
    pem_file(path, file, pem::certificates, "certificate")
}

/// The private key of a file beside `file`.
fn private_key(path: Option<&Path>, file: &Path) -> Result<Option<String>, String> {
    pem_file(path, file, pem::private_keys, "private key")
}

fn pem_file(
    path: Option<&Path>,
    file: &Path,
    wanted: fn(&str) -> String,
    what: &str,
) -> Result<Option<String>, String> {
    let Some(path) = path.map(|path| file.parent().unwrap_or(Path::new("")).join(path)) else {
        return Ok(None);
    };
    let text = wanted(&terminal::file(&path).map_err(|error| error.to_string())?);
    if text.is_empty() {
        let name = path.display();
        return Err(format!("there is no {what} in PEM form in the file {name}"));
    }
    Ok(Some(text))
}

fn password(
    upstream: &UpstreamEntry,
    file: &Path,
    machine: &Machine,
) -> Result<Option<String>, String> {
    let (from, text) = match (&upstream.password_env, &upstream.password_file) {
        (Some(name), _) => {
            let text = machine.variable(name).map(str::to_owned);
            let text =
                text.ok_or_else(|| format!("the variable {name} of `password_env` is not set"))?;
            (format!("the variable {name}"), text)
        }
        (None, Some(path)) => {
            let path = file.parent().unwrap_or(Path::new("")).join(path);
            let text = terminal::file(&path).map_err(|error| error.to_string())?;
            (format!("the file {}", path.display()), text)
        }
        (None, None) => return Ok(None),
    };
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err(format!("{from} holds no password: it is one line of text"));
    }
    Ok(Some(text.to_owned()))
}

/// What there is, as a file for `apply`.
pub(crate) async fn export(cx: &Context<'_>) -> Result<Outcome, Failure> {
    let client = &cx.client()?;
    let caller = gather::caller(client).await?;
    let parts = gather::all(&caller);
    let mut state = gather::state(client, caller, &parts).await?;
    // Others may not see what every repository lets go.
    let keeps = state.caller.superuser;
    let keeps = |it: &Repository| keeps && it.kind != RepoKind::Group;
    gather::retentions(client, keeps, &mut state).await?;
    gather::shared_quotas(client, &mut state).await?;
    let file = export::resources(&state)?;
    let failed = |error| Failure::Local(format!("it cannot be written as TOML: {error}"));
    let text = toml::to_string(&file).map_err(failed)?;
    let mut outcome = Outcome::text(Some(json!(file)), text.trim_end());
    for note in export::left_out(&state) {
        outcome = outcome.noting(note);
    }
    Ok(outcome)
}
