//! `larder connect --write`: lines put into a client's own files.

use crate::client::{Client, MadeToken};
use crate::client_file::{self, Found, refused};
use crate::connected::{Connected, Written};
use crate::edit::{Kind, owners};
use crate::escape::plain;
use crate::expiry::Expiry;
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::table::Table;
use crate::{place, terminal};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use larder_api::{ConnectPart, NewToken, Repository, TokenGrant};
use larder_discover::Machine;
use larder_model::{Pattern, RepoPath, Role, Timestamp};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// What was done to each file.
pub(crate) const FILES: Table = Table::new(&[("FILE", "file"), ("DONE", "done")], &["file"]);

/// What is said of a file that was written.
const WRITTEN: &str = "written";

/// Clients whose files can have lines for several repositories side by side.
const SIDE_BY_SIDE: [&str; 4] = ["docker", "podman", "containerd", "buildkit"];

/// When a token ends that is made for a client, if its maker's own does not end earlier.
const LIFE: Expiry = Expiry::After(Duration::from_hours(365 * 24));

/// What stands for a secret in lines: a token, or name and token for Basic.
const TOKEN: &str = "$TOKEN";
const BASIC: &str = "$BASIC";

/// For whom what is written where.
pub(crate) struct Job<'a> {
    /// The client, and whose lines they are: `npm npm/main`.
    pub(crate) name: &'a str,
    pub(crate) owner: &'a str,
    pub(crate) repo: &'a RepoPath,
    /// Whether the client is to publish.
    pub(crate) publishes: bool,
    /// Whether the client's token comes from standard input.
    pub(crate) token_stdin: bool,
    /// When a token that is made ends; `None`: nobody said.
    pub(crate) expires: Option<Expiry>,
    pub(crate) now: Timestamp,
    pub(crate) root: Option<&'a Path>,
    pub(crate) machine: &'a Machine,
    /// The user's configuration folder.
    pub(crate) config: &'a Path,
}

/// A file that is to have lines.
struct Wanted {
    found: Found,
    kind: Kind,
    lines: Vec<String>,
    /// Whether a secret is to stand in it.
    secret: bool,
}

/// A file as it is to be.
struct Plan {
    /// As it would be without what larder wrote.
    base: String,
    new: String,
    /// Lines for another repository that these take the place of.
    replaced: Vec<String>,
}

/// A token that is to stand in a file.
struct Secret {
    token: String,
    id: Option<String>,
    ends: Option<Timestamp>,
}

impl Secret {
    /// The line with the secret in place of what stands for it.
    fn put(&self, line: &str) -> String {
        let basic = STANDARD.encode(format!("token:{}", self.token));
        line.replace(TOKEN, &self.token).replace(BASIC, &basic)
    }
}

impl Job<'_> {
    /// Puts the lines of `parts` into their files. All is planned before anything is written: a
    /// refusal leaves everything as it was.
    pub(crate) async fn write(
        &self,
        parts: Vec<ConnectPart>,
        client: &Client,
    ) -> Result<Outcome, Failure> {
        let mut connected = Connected::load(self.config)?;
        let (mut all, mut notes) = (Vec::new(), Vec::new());
        for part in parts {
            let Some(file) = part.file else {
                let lines: Vec<String> = part.lines.iter().map(|line| plain(line)).collect();
                notes.push(format!("then run in a shell:\n{}", lines.join("\n")));
                continue;
            };
            let one = self.wanted(&file, part.lines)?;
            let filled = if one.secret {
                "; one was put there"
            } else {
                ""
            };
            let note = part
                .note
                .map(|note| format!("{file}: {}{filled}", plain(&note)));
            notes.extend(note);
            all.push(one);
        }
        if all.is_empty() {
            let text = "this client needs no file; without --write what to run is printed";
            return Err(Failure::Usage(text.to_owned()));
        }
        for one in &all {
            self.plan(one, &connected)?;
        }
        let secret = self.secret(&all, &connected, client).await?;
        if let Some(secret) = &secret {
            for one in all.iter_mut().filter(|one| one.secret) {
                one.lines = one.lines.iter().map(|line| secret.put(line)).collect();
            }
        }
        let written = self.write_all(&all, secret.as_ref(), &mut connected);
        // Tokens that stand nowhere any more, or never came to stand anywhere.
        let ids = written.as_ref().map_or(&[][..], |(_, ended)| ended);
        let made = secret.as_ref().and_then(|secret| secret.id.as_ref());
        let mut idle: Vec<&String> = ids.iter().chain(made).collect();
        idle.retain(|id| !connected.has_token(id));
        idle.dedup();
        for id in idle {
            notes.extend(end_token(client, id).await);
        }
        let (items, _) = written?;
        if items.iter().any(|item| item["done"] == WRITTEN) {
            let owner = self.owner;
            notes.push(format!(
                "larder connect {owner} --undo takes the lines out again"
            ));
        }
        if let Some(ends) = secret.and_then(|secret| secret.ends) {
            notes.push(format!(
                "the token in it ends at {ends}; the same command with --expires makes another one"
            ));
        }
        let outcome = Outcome::list(json!({"items": items, "next": null}), &FILES);
        Ok(notes.into_iter().fold(outcome, Outcome::noting))
    }

    /// Writes all files: what was done to each, and the ids of tokens that stand in them no more.
    fn write_all(
        &self,
        all: &[Wanted],
        secret: Option<&Secret>,
        connected: &mut Connected,
    ) -> Result<(Vec<Value>, Vec<String>), Failure> {
        let (mut items, mut ended) = (Vec::new(), Vec::new());
        for one in all {
            let file = one.found.path.display().to_string();
            let done = match self.plan(one, connected)? {
                None => "unchanged",
                Some(plan) => {
                    ended.extend(self.put(one, plan, secret, connected)?);
                    WRITTEN
                }
            };
            items.push(json!({"file": file, "done": done}));
        }
        Ok((items, ended))
    }

    fn wanted(&self, file: &str, lines: Vec<String>) -> Result<Wanted, Failure> {
        let found = client_file::find(&place::path(file, self.machine, self.root)?)?;
        let path = &found.path;
        if let Some(root) = self.root
            && !path.starts_with(client_file::real(root)?)
        {
            return Err(refused(path, "a link leads out of the root that was given"));
        }
        let unknown = || refused(path, "larder does not know how it is written");
        let kind = Kind::of(Path::new(file)).ok_or_else(unknown)?;
        // Of both cargo reads the one without an end.
        let other = path.with_extension("");
        if file.ends_with("/.cargo/config.toml") && other.exists() {
            let why = format!("cargo reads {} instead", other.display());
            return Err(refused(path, &why));
        }
        if file == "pyproject.toml" && found.text.is_none() {
            return Err(refused(path, "there is no project in this folder"));
        }
        if lines.iter().any(|line| line.contains(char::is_control)) {
            return Err(refused(path, "the server's lines have control characters"));
        }
        // `${TOKEN}` is a variable of the environment wherever it stands.
        let stands_for =
            |line: &String| line.contains(TOKEN) && !kind.has_variables() || line.contains(BASIC);
        let secret = lines.iter().any(stands_for);
        Ok(Wanted {
            found,
            kind,
            lines,
            secret,
        })
    }

    /// How a file is to be; `None`: as it is. Fails with a sentence where that is not safe.
    fn plan(&self, one: &Wanted, connected: &Connected) -> Result<Option<Plan>, Failure> {
        let path = &one.found.path;
        let no = |why: String| refused(path, &why);
        let text = one.found.text.as_deref().unwrap_or_default();
        let mine = connected.find(self.owner, path);
        let (mut base, mut replaced) = (text.to_owned(), Vec::new());
        for other in owners(text)
            .into_iter()
            .filter(|other| *other != self.owner)
        {
            let same = other
                .split_once(' ')
                .is_some_and(|(name, _)| name == self.name);
            if same && SIDE_BY_SIDE.contains(&self.name) {
                continue;
            }
            if same {
                base = one.kind.take(&base, other, ("", "")).map_err(no)?;
                replaced.push(other.to_owned());
            } else if one.kind.satisfied(text, &one.lines) {
                return Ok(None);
            } else {
                let why = format!("it has the lines of larder connect {other}: --undo them first");
                return Err(no(why));
            }
        }
        let before = mine.map_or(("", ""), |mine| {
            (mine.before.as_deref().unwrap_or_default(), &*mine.after)
        });
        if mine.is_some_and(|mine| mine.after == base) {
            before.0.clone_into(&mut base);
        } else if mine.is_some() || !owners(&base).is_empty() {
            base = one.kind.take(&base, self.owner, before).map_err(no)?;
        }
        if one.kind.satisfied(&base, &one.lines) {
            return Ok(None);
        }
        let new = one.kind.put(&base, &one.lines, self.owner).map_err(no)?;
        Ok((new != text).then_some(Plan {
            base,
            new,
            replaced,
        }))
    }

    /// Writes a file and remembers how it was. The ids of tokens that stand in it no more.
    fn put(
        &self,
        one: &Wanted,
        plan: Plan,
        secret: Option<&Secret>,
        connected: &mut Connected,
    ) -> Result<Vec<String>, Failure> {
        let Found { path, text, mode } = &one.found;
        let owners: Vec<&str> = std::iter::once(self.owner)
            .chain(plan.replaced.iter().map(|other| &**other))
            .collect();
        let earlier: Vec<Written> = owners
            .iter()
            .filter_map(|owner| connected.find(owner, path).cloned())
            .collect();
        let first = earlier.first();
        let was_there = first.map_or(text.is_some(), |first| first.before.is_some());
        let secret = secret.filter(|_| one.secret);
        for owner in &owners {
            connected.forget(owner, path);
        }
        connected.files.push(Written {
            owner: self.owner.to_owned(),
            path: path.clone(),
            before: (was_there || !plan.base.is_empty()).then_some(plan.base),
            mode: first.map_or(*mode, |first| first.mode),
            after: plan.new.clone(),
            folders: first.map_or_else(
                || client_file::missing_folders(path),
                |first| first.folders.clone(),
            ),
            secret: secret.map(|secret| secret.token.clone()),
            token_id: secret.and_then(|secret| secret.id.clone()),
            token_ends: secret.and_then(|secret| secret.ends),
        });
        // Remembered before it is written: what is written can always be taken out.
        connected.save(self.config)?;
        let written = client_file::write(path, &plan.new, client_file::mode(*mode, one.secret));
        if let Err(failure) = written {
            connected.forget(self.owner, path);
            connected.files.extend(earlier); // as it still is
            connected.save(self.config)?;
            return Err(failure);
        }
        Ok(earlier
            .into_iter()
            .filter_map(|file| file.token_id)
            .collect())
    }

    /// The token that is to stand in a file, if one is: given, written before, or made now.
    async fn secret(
        &self,
        all: &[Wanted],
        connected: &Connected,
        client: &Client,
    ) -> Result<Option<Secret>, Failure> {
        if !all.iter().any(|one| one.secret) {
            return Ok(None);
        }
        if self.token_stdin {
            let token = terminal::line()?;
            let plain = !token.is_empty()
                && token
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            if !plain {
                let text = "what came from standard input is no token";
                return Err(Failure::Usage(text.to_owned()));
            }
            return Ok(Some(Secret {
                token,
                id: None,
                ends: None,
            }));
        }
        let written = connected.with_secret(self.owner, self.now);
        if let Some(written) = written.filter(|_| self.expires.is_none())
            && let Some(token) = written.secret.clone()
        {
            return Ok(Some(Secret {
                token,
                id: written.token_id.clone(),
                ends: written.token_ends,
            }));
        }
        let made = self.made_token(client).await?;
        Ok(Some(Secret {
            token: made.secret,
            id: Some(made.id),
            ends: made.expires_at,
        }))
    }

    /// A token that is made for the client now.
    async fn made_token(&self, client: &Client) -> Result<MadeToken, Failure> {
        let ends = self.expires.unwrap_or(LIFE).moment(self.now);
        let mut body = NewToken {
            kind: None,
            name: format!("{} {}", self.name, terminal::machine_name()),
            expires_at: Some(ends),
            grants: Some(self.grants(client).await?),
        };
        let mut made = client.post(&["tokens"], &[], &body).await;
        // What is made with a login that ends earlier ends with it.
        if self.expires.is_none()
            && let Err(Failure::Refused { code, .. }) = &made
            && code == "expires_at_invalid"
        {
            body.expires_at = None;
            made = client.post(&["tokens"], &[], &body).await;
        }
        client.made_token(&made?)
    }

    /// What the client's token may: use the repository, and the members of a group.
    async fn grants(&self, client: &Client) -> Result<Vec<TokenGrant>, Failure> {
        let protocol = self.repo.protocol;
        let path = ["repositories", protocol.0, self.repo.name.as_str()];
        let repo: Repository = client.read(&client.get(&path, &[]).await?, "a repository")?;
        let members = repo.members.unwrap_or_default();
        let names = std::iter::once(self.repo.name.as_str().to_owned())
            .chain(members.iter().map(ToString::to_string));
        let role = if self.publishes {
            Role::Writer
        } else {
            Role::Reader
        };
        let grant = |name: String| {
            let repository = format!("{protocol}/{name}").parse::<Pattern>();
            let repository = repository.map_err(|error| Failure::Local(error.0.to_owned()))?;
            Ok(TokenGrant {
                repository,
                package: Pattern::all(),
                refs: None,
                role,
            })
        };
        names.map(grant).collect()
    }
}

/// Ends a token that was made for a client; what to say if it lives on.
pub(crate) async fn end_token(client: &Client, id: &str) -> Option<String> {
    match client.delete(&["tokens", id]).await {
        Ok(()) => None,
        Err(Failure::Refused { status: 404, .. }) => None,
        Err(failure) => Some(format!(
            "the token that stood there could not be ended: {failure}; larder token delete {id}"
        )),
    }
}
